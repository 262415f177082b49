"""What holds for every figure: title, axis labels, a small file, and nothing left behind."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from shell import python

from sedlab import views
from sedlab.data.batch import Batch, Rows, Targets
from sedlab.labels import CLASSES, valid_classes
from sedlab.scoring.audit.changed_seconds import changed_seconds
from sedlab.scoring.audit.confidence import confidence_histogram
from sedlab.scoring.audit.masked_mass import masked_mass
from sedlab.scoring.scores.file import ScoreFile


@pytest.fixture
def batch(rng):
    strong = (rng.random((6, 27, 156)) < 0.05).astype(np.float32)
    strong[4:] = 0
    waveform = 0.1 * rng.standard_normal((6, 16000)).astype(np.float32)
    targets = Targets(
        strong=strong,
        weak=strong.max(axis=2),
        mask=np.stack([valid_classes("maestro" if k < 2 else "desed", training=True) for k in range(6)]),
        pseudo=rng.random((6, 27, 156)).astype(np.float32),
    )
    rows, names = Rows.of({"maestro": 2, "strong": 2, "unlabeled": 2}), list("abcdef")
    return Batch(torch.from_numpy(waveform), targets.map(torch.from_numpy), rows, subsets=names, clip_ids=names)


@pytest.fixture
def wall_times() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "node": ["pretrain/atst", "iteration1/stage1/atst", "report"],
            "started": ["2026-01-01T10:00:00+00:00", "2026-01-01T10:01:00+00:00", "2026-01-01T10:03:00+00:00"],
            "seconds": [60.0, 120.0, 3.0],
        }
    )


def changed_seconds_of(scores: ScoreFile) -> pd.DataFrame:
    """Return what became of the classes where every score falls a little."""
    later = replace(scores, logits=scores.logits - 1)
    clips = pd.DataFrame({"clip_id": scores.clip_ids, "duration": 10.0})
    return changed_seconds(scores, later, clips, scores.classes).by_class


@pytest.fixture
def every_figure(waveform, events, history, results, psds_result, audit, scores, corpus, batch, wall_times):
    probability = scores.probabilities[0]
    return {
        "spectrogram": lambda: views.spectrogram_figure(waveform),
        "clip": lambda: views.clip_figure(
            waveform, events=events, detections=events, pseudo=probability, scores=probability, title="clip"
        ),
        "psd_roc": lambda: views.psd_roc_figure({"atst": psds_result, "ensemble": psds_result}),
        "learning_curves": lambda: views.learning_curves_figure(history),
        "learning_curves of two": lambda: views.learning_curves_figure({"atst": history, "passt": history}),
        "ladder": lambda: views.ladder_figure(results),
        "class_bars": lambda: views.class_bars_figure(results),
        "reliability": lambda: views.reliability_figure(audit),
        "agreement": lambda: views.agreement_figure(audit),
        "pseudo_label_map": lambda: views.pseudo_label_map({"weak_train": scores, "synth_train": scores}),
        "threshold": lambda: views.threshold_figure(np.array([0.1, 0.7]), 0.5, label="Dog"),
        "changed_seconds": lambda: views.changed_seconds_figure(changed_seconds_of(scores), hidden=["car"]),
        "compared_confidence": lambda: views.compared_confidence_figure(
            dict.fromkeys(("one", "other"), confidence_histogram(scores, ["Dog", "Cat"])),
            {"one": audit, "other": audit},
        ),
        "compared_mask": lambda: views.compared_mask_figure({"one": masked_mass({"weak_train": scores})}),
        "corpus": lambda: views.corpus_figure(corpus),
        "event_duration": lambda: views.event_duration_figure(corpus),
        "class_gallery": lambda: views.class_gallery_figure([(label, waveform) for label in CLASSES[:10]]),
        "batch": lambda: views.batch_figure(batch),
        "wall_time": lambda: views.wall_time_figure(wall_times),
    }


FIGURES = (
    "spectrogram",
    "clip",
    "psd_roc",
    "learning_curves",
    "learning_curves of two",
    "ladder",
    "class_bars",
    "reliability",
    "agreement",
    "pseudo_label_map",
    "threshold",
    "changed_seconds",
    "compared_confidence",
    "compared_mask",
    "corpus",
    "event_duration",
    "class_gallery",
    "batch",
    "wall_time",
)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_titles_and_labels_and_a_small_file(every_figure, name):
    import matplotlib.pyplot as plt

    figure = every_figure[name]()

    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []  # pyplot knows nothing of it, so nothing has to be closed
    drawn = [ax for ax in figure.axes if ax.axison]
    assert drawn
    assert figure.get_suptitle() or all(ax.get_title(loc="left") for ax in drawn[:1])
    # The lowest axes carry the time or class label for those above, the leftmost the other.
    assert any(ax.get_xlabel() for ax in drawn)
    assert any(ax.get_ylabel() for ax in drawn)
    png = views.figure_to_png(figure)
    assert len(png) < 150_000
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert pixels.std() > 5
    seen, drawn = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), figure.canvas.buffer_rgba()
    assert np.abs(seen - np.asarray(drawn)[..., :3].astype(int)).max() <= 12


@pytest.mark.parametrize(
    "make",
    [
        lambda t, c: views.clip_figure(np.zeros(0)),
        lambda t, c: views.spectrogram_figure(np.zeros(0)),
        lambda t, c: views.psd_roc_figure({}),
        lambda t, c: views.learning_curves_figure(pd.DataFrame()),
        lambda t, c: views.learning_curves_figure({}),
        lambda t, c: views.ladder_figure(t),
        lambda t, c: views.class_bars_figure(t),
        lambda t, c: views.pseudo_label_map({}),
        lambda t, c: views.threshold_figure(np.zeros(0), 0.5, label="Dog"),
        lambda t, c: views.changed_seconds_figure(pd.DataFrame(columns=["label", "before", "after", "lost"])),
        lambda t, c: views.compared_mask_figure({}),
        lambda t, c: views.corpus_figure(c),
        lambda t, c: views.event_duration_figure(c),
        lambda t, c: views.class_gallery_figure([]),
        lambda t, c: views.wall_time_figure(pd.DataFrame(columns=["node", "started", "seconds"])),
    ],
)
def test_figures_of_nothing_say_so(results, empty_corpus, make):
    figure = make(results.iloc[:0], empty_corpus)

    if isinstance(figure, Figure):
        assert views.figure_to_png(figure)


def test_views_are_imported_without_matplotlib_until_used():
    code = "import sys, sedlab.views; print([m for m in ('matplotlib', 'ipywidgets', 'plotly') if m in sys.modules])"

    assert python("-c", code).strip() == "[]"


def test_every_public_name_can_be_imported():
    assert all(getattr(views, name) is not None for name in views.__all__)
    with pytest.raises(AttributeError, match="no attribute 'clip_figur'"):
        _ = views.clip_figur


def test_batch_figure_greys_masked_classes_and_names_only_groups_with_clips(batch):
    figure = views.batch_figure(batch)

    targets = figure.axes[2].images[0].get_array()
    assert np.array_equal(np.ma.getmaskarray(targets), ~batch.targets.mask)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == [
        "maestro (2)",
        "strong (2)",
        "unlabeled (2)",
    ]
    without = replace(batch, targets=replace(batch.targets, pseudo=None))
    assert len(views.batch_figure(without).axes) == 3


def test_wall_time_leaves_out_the_pause_before_a_resumed_run(wall_times):
    wall_times["started"] = wall_times["started"].where(wall_times.index < 2, "2026-01-03T10:00:00+00:00")

    bars = views.wall_time_figure(wall_times).axes[0].patches

    assert max(bar.get_x() + bar.get_width() for bar in bars) == pytest.approx(183 / 60, abs=1e-6)


def test_wall_time_shows_steps_that_ran_together_side_by_side(wall_times):
    wall_times["started"] = wall_times["started"].iloc[0]

    assert [bar.get_x() for bar in views.wall_time_figure(wall_times).axes[0].patches] == [0, 0, 0]


def test_gallery_of_one_class_and_silence_has_one_panel():
    assert len(views.class_gallery_figure([("Dog", np.zeros(16000))]).axes) == 1
