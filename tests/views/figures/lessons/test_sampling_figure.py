"""The figure of class-balanced sampling shows counts that can be checked by hand."""

import pandas as pd

from sedlab.views import class_draws_figure

EVENTS = pd.DataFrame(
    [("a", "Speech"), ("a", "Speech"), ("b", "Speech"), ("b", "Dog"), ("c", "Speech")], columns=["clip_id", "label"]
)


def test_it_counts_clips_and_averages_epochs():
    figure = class_draws_figure(EVENTS, {"uniform": [["a", "b"], ["a", "c"]], "balanced": [["b"]]})
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].get_lines()}
    assert lines == {"all clips": [3, 1], "uniform": [2, 0.5], "balanced": [1, 1]}


def test_classes_are_called_by_their_names_and_hundreds_are_not_named():
    figure = class_draws_figure(EVENTS, {"uniform": [["a"]]}, names={"Dog": "Hund"})
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["Speech", "Hund"]
    many = pd.DataFrame({"clip_id": [f"c{i}" for i in range(447)], "label": [f"class {i}" for i in range(447)]})
    ticks = class_draws_figure(many, {"uniform": [["c1"]]}).axes[0].get_xticklabels()
    assert not any("class" in text.get_text() for text in ticks)


def test_without_events_it_says_so():
    figure = class_draws_figure(EVENTS.iloc[:0], {"uniform": [[]]})
    assert "prepare the corpus" in figure.axes[0].texts[0].get_text()
