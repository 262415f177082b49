"""One clip on one time axis: what it sounds like, what people said, what the models say.

Shape letters: N samples, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from sedlab.grid import CLIP_SECONDS, FRAME_SECONDS, SAMPLE_RATE
from sedlab.labels import CLASSES
from sedlab.views.figures.clips.spectrogram import draw_spectrogram
from sedlab.views.figures.style import (
    DETECTION,
    GROUND_TRUTH,
    LABEL_SIZE,
    MUTED,
    PSEUDO_LABEL_CMAP,
    SCORE_CMAP,
    TICK_SIZE,
    Picture,
    class_name,
    label_axes,
    new_figure,
    say_empty,
)

#: A class is worth a row when some model gives it more than this anywhere in the clip.
SHOWN_ABOVE = 0.2
_ROW_INCHES = 0.2


@dataclass(frozen=True)
class ClipView:
    """Everything there is to show of one clip; what is None is left out of the picture."""

    waveform: np.ndarray
    """(N,) in [-1, 1]"""
    sample_rate: int = SAMPLE_RATE
    events: pd.DataFrame | None = None
    """Ground truth: `onset`, `offset` (s; NaN for a clip-level label), `label`"""
    detections: pd.DataFrame | None = None
    """Detected events: `onset`, `offset` (s), `label`"""
    pseudo: np.ndarray | None = None
    """(T, C) pseudo-label probabilities"""
    scores: np.ndarray | None = None
    """(T, C) score probabilities"""
    title: str = ""


def clip_figure(
    waveform: np.ndarray,
    *,
    sample_rate: int = SAMPLE_RATE,
    events: pd.DataFrame | None = None,
    detections: pd.DataFrame | None = None,
    pseudo: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    classes: Sequence[str] = CLASSES,
    title: str = "",
    frame_seconds: float = FRAME_SECONDS,
) -> Picture:
    """Return a spectrogram with events, pseudo-labels and scores below it on the same time axis.

    Parameters
    ----------
    waveform : (N,) float array in [-1, 1]
    events, detections : tables with `onset`, `offset` in seconds and `label`
        Ground truth and detected events. Rows without times are clip-level labels and are drawn hatched over the whole
        clip; with a column `confidence` (0 to 1) surer events are darker.
    pseudo, scores : (T, C) arrays of probabilities
        Drawn as strips, one row for each class of ground truth, detections, or a probability above 0.2 anywhere.
    """
    rows = shown_classes(events=events, detections=detections, pseudo=pseudo, scores=scores, classes=classes)
    strips = [
        ("Pseudo-label", pseudo, PSEUDO_LABEL_CMAP),
        ("Score", scores, SCORE_CMAP),
    ]
    strips = [strip for strip in strips if strip[1] is not None]
    with_roll = events is not None or detections is not None

    row_inches = max(0.34, _ROW_INCHES * max(1, len(rows)))
    roll_inches = row_inches * (1.35 if events is not None and detections is not None else 1.0)
    heights = [2.2] + [roll_inches + 0.1] * with_roll + [row_inches + 0.1] * len(strips)
    figure = new_figure(9, sum(heights) + 0.55 + 0.22 * len(heights), title=title)
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]

    draw_spectrogram(axes[0], waveform, sample_rate)
    duration = np.asarray(waveform).size / sample_rate or CLIP_SECONDS
    below = list(axes[1:])
    if with_roll:
        _draw_events(below.pop(0), events, detections, rows, duration)
    for ax, (name, probabilities, cmap) in zip(below, strips, strict=True):
        _draw_strip(ax, probabilities, rows, classes, frame_seconds, name=name, cmap=cmap)
    for ax in axes:
        ax.set_xlabel("")
        ax.set_xlim(0, duration)
    axes[-1].set_xlabel("Time (s)", fontsize=LABEL_SIZE)
    return figure


def view_figure(view: ClipView, *, classes: Sequence[str] = CLASSES) -> Picture:
    """Return ``clip_figure`` of everything in ``view``."""
    return clip_figure(
        view.waveform,
        sample_rate=view.sample_rate,
        events=view.events,
        detections=view.detections,
        pseudo=view.pseudo,
        scores=view.scores,
        classes=classes,
        title=view.title,
    )


def shown_classes(
    *,
    events: pd.DataFrame | None = None,
    detections: pd.DataFrame | None = None,
    pseudo: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    classes: Sequence[str] = CLASSES,
) -> list[str]:
    """Return the classes that matter in a clip, in the order of ``classes``.

    Those are the classes of the ground truth and of the detections, and those a model scores above 0.2 anywhere.
    """
    wanted: set[str] = set()
    for table in (events, detections):
        if table is not None:
            wanted |= set(table["label"])
    for probabilities in (pseudo, scores):
        if probabilities is not None and len(probabilities):
            peaks = np.asarray(probabilities).max(axis=0)
            wanted |= {label for label, peak in zip(classes, peaks, strict=True) if peak > SHOWN_ABOVE}
    return [label for label in classes if label in wanted] + sorted(wanted - set(classes))


def _draw_events(
    ax: Axes, events: pd.DataFrame | None, detections: pd.DataFrame | None, rows: list[str], duration: float
) -> None:
    """Draw ground truth in the upper and detections in the lower half of each class row."""
    kinds = [("Ground truth", events, GROUND_TRUTH), ("Detections", detections, DETECTION)]
    kinds = [kind for kind in kinds if kind[1] is not None]
    _class_rows(ax, rows, " and ".join([kinds[0][0]] + [kind[0].lower() for kind in kinds[1:]]))
    height = 0.76 / len(kinds)
    for place, (name, table, colour) in enumerate(kinds):
        top = -0.38 + place * height
        for label, group in table.groupby("label"):
            weak = group["onset"].isna()
            onset = group["onset"].fillna(0.0).to_numpy(float)
            offset = group["offset"].fillna(duration).to_numpy(float)
            ax.broken_barh(
                list(zip(onset, offset - onset, strict=True)),
                (rows.index(label) + top, height * 0.92),
                facecolor=["none" if w else (colour, c) for w, c in zip(weak, _confidence(group), strict=True)],
                edgecolor=colour,
                linewidth=0.8 if weak.any() else 0,
                hatch="////" if weak.any() else None,
            )
        # One proxy for the legend: a class may have no bar of this kind.
        ax.broken_barh([], (0, 0), facecolor=colour, label=name)
    if len(kinds) > 1 and rows:
        ax.legend(fontsize=TICK_SIZE, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 0.98), borderpad=0)


def _confidence(events: pd.DataFrame) -> list[float]:
    """Return how dark each event is drawn: soft labels by their confidence, others fully."""
    if "confidence" not in events:
        return [1.0] * len(events)
    return list(events["confidence"].fillna(1.0).clip(0.08, 1.0))


def _draw_strip(
    ax: Axes,
    probabilities: np.ndarray,
    rows: list[str],
    classes: Sequence[str],
    frame_seconds: float,
    *,
    name: str,
    cmap: Colormap,
) -> None:
    """Draw one heat row per class, 0 white to 1 dark, with its scale at the right."""
    _class_rows(ax, rows, f"{name} probability")
    if not rows:
        return
    columns = [list(classes).index(label) if label in classes else -1 for label in rows]
    padded = np.column_stack([np.asarray(probabilities), np.zeros(len(probabilities))])
    values = padded[:, columns].T
    image = ax.imshow(
        np.round(values * 255).astype(np.uint8),
        aspect="auto",
        cmap=cmap,
        vmin=0,
        vmax=255,
        extent=(0, values.shape[1] * frame_seconds, len(rows) - 0.5, -0.5),
        interpolation="nearest",
    )
    scale = ax.inset_axes((1.008, 0, 0.009, 1))
    bar = ax.figure.colorbar(image, cax=scale, ticks=[0, 255])
    bar.ax.set_yticklabels(["0", "1"], fontsize=7)
    bar.ax.tick_params(length=0, pad=2)
    bar.outline.set_linewidth(0.4)


def _class_rows(ax: Axes, rows: list[str], title: str) -> None:
    label_axes(ax, x="Time (s)")
    ax.set_title(title, fontsize=LABEL_SIZE, loc="left", pad=3)
    if not rows:
        say_empty(ax, f"no class above {SHOWN_ABOVE:g}, none annotated")
        ax.tick_params(bottom=True, labelbottom=True)
        return
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), [class_name(label) for label in rows], fontsize=TICK_SIZE)
    ax.tick_params(axis="y", length=0)
    for border in np.arange(0.5, len(rows) - 0.5):
        ax.axhline(border, color=MUTED, linewidth=0.3, alpha=0.5)
