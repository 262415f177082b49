"""Kinds of labels side by side; classes that come together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.tables import CLIP_COLUMNS, Corpus
from sedlab.views import ClipView, label_kinds_figure
from sedlab.views.figures.lessons.co_occurrence import co_occurrence, co_occurrence_figure


def corpus_of(rows):
    """A corpus of strong clips from (subset, clip, label, confidence)."""
    events = pd.DataFrame(rows, columns=["subset", "clip_id", "label", "confidence"])
    events = events.assign(onset=0.0, offset=1.0)[["subset", "clip_id", "onset", "offset", "label", "confidence"]]
    clips = events[["subset", "clip_id"]].drop_duplicates().reindex(columns=list(CLIP_COLUMNS))
    return Corpus(clips=clips, events=events, root=Path())


def test_clips_with_both_classes_are_counted_where_people_were_asked_about_both():
    corpus = corpus_of(
        [
            ("devtest", "a", "Speech", 1.0),
            ("devtest", "a", "Dog", 1.0),
            ("devtest", "a", "Dog", 1.0),
            ("devtest", "b", "Speech", 1.0),
            ("maestro_dev", "a", "car", 0.9),
            ("maestro_dev", "a", "footsteps", 0.4),
            ("maestro_dev", "c", "footsteps", 0.8),
        ]
    )
    counts = co_occurrence(corpus)
    assert list(counts.index) == list(counts) == ["Dog", "Speech", "footsteps", "car"]
    assert counts.loc["Speech"].tolist()[:2] == [1, 2] and counts.loc["Dog", "Dog"] == 1
    assert counts.loc["car", "footsteps"] == 0
    assert counts.loc[["Dog", "Speech"], ["footsteps", "car"]].isna().all(axis=None)
    (ax,) = co_occurrence_figure(corpus).axes
    shown = np.ma.filled(ax.images[0].get_array().astype(float), np.nan)
    assert shown[0, 1] == 100 and shown[1, 0] == 50 and np.isnan(shown[0, 3])
    nothing = replace(corpus, events=corpus.events.iloc[:0])
    assert "No clip has a label" in co_occurrence_figure(nothing).axes[0].texts[0].get_text()


def test_each_kind_of_label_says_what_is_known():
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000)
    strong = pd.DataFrame({"onset": [0.2], "offset": [0.5], "label": ["Dog"]})
    weak = strong.assign(onset=np.nan, offset=np.nan)
    views = {"strong": ClipView(sound, events=strong), "weak": ClipView(sound, events=weak), "none": ClipView(sound)}
    axes = label_kinds_figure(views).axes[: 2 * len(views)]
    bars, hatched, nothing = axes[3:]
    assert [path.get_extents().x1 for path in bars.collections[0].get_paths()] == [0.5]
    assert hatched.collections[0].get_hatch() and hatched.collections[0].get_paths()[0].get_extents().x1 == 1.0
    assert nothing.texts[0].get_text() == "no label"
