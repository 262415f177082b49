from __future__ import annotations

import numpy as np

from sedlab.views.figures.lessons.corpus import class_gallery_figure, corpus_figure, event_duration_figure


def test_corpus_figure_counts_clips_and_the_share_with_each_class(corpus):
    bars, table = corpus_figure(corpus).axes

    assert [text.get_text().strip() for text in bars.texts] == ["5", "5", "5"]
    shown = table.images[0].get_array()
    pairs = corpus.events[["subset", "clip_id", "label"]].drop_duplicates()
    row = pairs[pairs["subset"] == "synth_train"]["label"].value_counts()
    labels = [tick.get_text() for tick in table.get_xticklabels()]
    for place, label in enumerate(labels):
        assert shown[0, place] == 100 * row.get(label.replace(" ", "_"), row.get(label, 0)) / 5
    assert "no annotation" in [text.get_text() for text in table.texts]


def test_corpus_without_any_annotation_is_drawn(corpus):
    only = corpus.subset("unlabeled_train")

    assert "no annotation" in [text.get_text() for text in corpus_figure(only).axes[1].texts]


def test_hundreds_of_classes_are_cut_to_the_most_frequent(corpus, rng):
    corpus.events["label"] = [f"class {k % 60}" for k in range(len(corpus.events))]

    _, table = corpus_figure(corpus).axes

    assert len(table.get_xticklabels()) <= 30


def test_event_durations_show_the_median_of_each_class(corpus):
    ax = event_duration_figure(corpus).axes[0]

    seconds = (corpus.events["offset"] - corpus.events["onset"]).groupby(corpus.events["label"]).median()
    np.testing.assert_allclose(ax.get_lines()[0].get_xdata(), np.sort(seconds))


def test_gallery_has_a_titled_panel_for_each_clip(waveform):
    figure = class_gallery_figure([("Dog", waveform), ("Running_water", waveform[:80000])], columns=4)

    assert [ax.get_title(loc="left") for ax in figure.axes] == ["Dog", "Running water"]
