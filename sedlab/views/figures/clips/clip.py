"""One clip on one time axis: what it sounds like, what people said, what the models say.

Shape letters: N samples, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from sedlab.grid import CLIP_SECONDS, FRAME_SECONDS, SAMPLE_RATE
from sedlab.labels import CLASSES
from sedlab.views.figures import frame, style
from sedlab.views.figures.clips import tracks
from sedlab.views.figures.clips.spectrogram import draw_spectrogram

#: A class is worth a row when some model gives it more than this anywhere in the clip.
SHOWN_ABOVE = 0.2


@dataclass(frozen=True)
class ClipView:
    """Everything there is to show of one clip; what is None is left out of the picture."""

    waveform: np.ndarray
    """(N,) in [-1, 1]"""
    sample_rate: int = SAMPLE_RATE
    events: pd.DataFrame | None = None
    """Ground truth: `onset`, `offset` (s; NaN for a clip-level label), `label`; `confidence` darkens the sure"""
    detections: pd.DataFrame | None = None
    """Detected events: `onset`, `offset` (s), `label`"""
    soft: np.ndarray | None = None
    """(T, C) soft labels: the share of annotators who heard the class"""
    pseudo: np.ndarray | None = None
    """(T, C) pseudo-label probabilities"""
    scores: np.ndarray | None = None
    """(T, C) score probabilities"""
    title: str = ""
    classes: tuple[str, ...] = CLASSES
    """The columns of soft labels, pseudo-labels and scores"""
    seconds: float = 0.0
    """Of a clip whose waveform is not there"""
    silence: str = ""
    """Why it is not there"""

    @property
    def duration(self) -> float:
        """Seconds."""
        return np.asarray(self.waveform).size / self.sample_rate or self.seconds


def clip_figure(
    waveform: np.ndarray, *, classes: Sequence[str] = CLASSES, frame_seconds: float = FRAME_SECONDS, **parts: Any
) -> frame.Picture:
    """Return a spectrogram with events, soft labels, pseudo-labels and scores below it on the same time axis.

    ``parts`` are the other fields of ``ClipView``: ``events=...``, ``scores=...``; ``classes`` name the columns of
    soft labels, pseudo-labels and scores.
    """
    return view_figure(ClipView(waveform, classes=tuple(classes), **parts), frame_seconds=frame_seconds)


def view_figure(
    view: ClipView, *, classes: Sequence[str] | None = None, frame_seconds: float = FRAME_SECONDS
) -> frame.Picture:
    """Return ``clip_figure`` of everything in ``view``, whose ``classes`` are its own unless given.

    Events and detections share a track; clip-level labels are hatched. Soft labels, pseudo-labels and scores are
    strips. Every track has a row for each class of ground truth, detections, or a value above 0.2 anywhere.
    """
    classes = view.classes if classes is None else classes
    labels = shown_classes(view, classes)
    kinds = [("Ground truth", view.events, style.GROUND_TRUTH), ("Detections", view.detections, style.DETECTION)]
    kinds = [kind for kind in kinds if kind[1] is not None]
    strips = [
        ("Soft label: share of annotators", view.soft, style.TRUTH_CMAP),
        ("Pseudo-label probability", view.pseudo, style.PSEUDO_LABEL_CMAP),
        ("Score probability", view.scores, style.SCORE_CMAP),
    ]
    strips = [strip for strip in strips if strip[1] is not None]

    row_inches = max(0.34, tracks.ROW_HEIGHT * max(1, len(labels)))
    roll_inches = row_inches * (1.35 if len(kinds) == 2 else 1.0)
    heights = [2.2] + [roll_inches + 0.1] * bool(kinds) + [row_inches + 0.1] * len(strips)
    figure = frame.new_figure(9, sum(heights) + 0.55 + 0.22 * len(heights), title=view.title)
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]

    draw_spectrogram(axes[0], view.waveform, view.sample_rate, silence=view.silence)
    duration = view.duration or CLIP_SECONDS
    below = list(axes[1:])
    if kinds:
        _draw_events(below.pop(0), kinds, labels, duration)
    for ax, (name, probabilities, cmap) in zip(below, strips, strict=True):
        _draw_strip(ax, _columns(probabilities, labels, classes), labels, frame_seconds, name=name, cmap=cmap)
    for ax in axes:
        ax.set_xlabel("")
        ax.set_xlim(0, duration)
    axes[-1].set_xlabel("Time (s)", fontsize=style.LABEL_SIZE)
    return figure


def shown_classes(view: ClipView, classes: Sequence[str] | None = None) -> list[str]:
    """Return the classes that matter in a clip, in the order of ``classes``, those of the view unless given.

    Those are the classes of the ground truth and of the detections, and those a model scores above 0.2 anywhere.
    """
    classes, wanted = view.classes if classes is None else classes, set[str]()
    for table in (view.events, view.detections):
        if table is not None:
            wanted |= set(table["label"])
    for probabilities in (view.soft, view.pseudo, view.scores):
        if probabilities is not None and len(probabilities):
            peaks = np.asarray(probabilities).max(axis=0)
            wanted |= {label for label, peak in zip(classes, peaks, strict=True) if peak > SHOWN_ABOVE}
    return [label for label in classes if label in wanted] + sorted(wanted - set(classes))


def _draw_events(ax: Axes, kinds: list[tuple[str, pd.DataFrame, str]], labels: list[str], duration: float) -> None:
    """Draw each kind of events in its part of each class row: ground truth in the upper, detections in the lower."""
    if not _class_rows(ax, labels, " and ".join([kinds[0][0], *(name.lower() for name, _, _ in kinds[1:])])):
        return
    height = 0.76 / len(kinds)
    for place, (name, table, colour) in enumerate(kinds):
        top = -0.38 + place * height
        tracks.draw_events(ax, table, labels, colour, top=top, height=height * 0.92, duration=duration)
        # One proxy for the legend: a class may have no bar of this kind.
        ax.broken_barh([], (0, 0), facecolor=colour, label=name)
    if len(kinds) > 1:
        place = {"loc": "lower right", "bbox_to_anchor": (1, 0.98), "borderpad": 0}
        frame.legend(ax, frameon=False, ncols=2, **place)


def _draw_strip(
    ax: Axes, values: np.ndarray, labels: list[str], frame_seconds: float, *, name: str, cmap: Colormap
) -> None:
    """Draw ``values`` (classes, T) as one heat row per class, 0 white to 1 dark, with its scale at the right."""
    if not _class_rows(ax, labels, name):
        return
    extent = (0, values.shape[1] * frame_seconds, len(labels) - 0.5, -0.5)
    drawn = tracks.draw_scores(ax, values, cmap, extent)
    bar = ax.figure.colorbar(drawn, cax=ax.inset_axes((1.008, 0, 0.009, 1)), ticks=[0, 255])
    bar.ax.set_yticklabels(["0", "1"], fontsize=7)
    bar.ax.tick_params(length=0, pad=2)
    bar.outline.set_linewidth(0.4)


def _columns(probabilities: np.ndarray, labels: list[str], classes: Sequence[str]) -> np.ndarray:
    """Return the probabilities (labels, T) of ``labels``; one that is not among ``classes`` has 0."""
    padded = np.column_stack([np.asarray(probabilities), np.zeros(len(probabilities))])
    return padded[:, [list(classes).index(label) if label in classes else -1 for label in labels]].T


def _class_rows(ax: Axes, labels: list[str], title: str) -> bool:
    frame.label_axes(ax).set_title(title, fontsize=style.LABEL_SIZE, loc="left", pad=3)
    return tracks.class_rows(ax, labels, f"no class above {SHOWN_ABOVE:g}, none annotated")
