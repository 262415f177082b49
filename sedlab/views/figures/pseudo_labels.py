"""What the ensemble wrote: how much of each class, what the class mask takes, how many clips a threshold leaves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from scipy.special import expit

from sedlab.scoring.audit.masked_mass import masked_shares
from sedlab.scoring.names import class_name, class_names
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.figures import frame, marks, style

#: Shares of time below are not written, and drawn like this one.
_LEAST_PERCENT = 0.05


def pseudo_label_map(
    scores: Mapping[str, ScoreFile], *, title: str = "Pseudo-labels by subset and class"
) -> frame.Picture:
    """Return the expected share of time of every class (the mean probability) in every subset, as a coloured table.

    ``scores`` are the pseudo-labels of each subset, all with the same classes.
    """
    if not scores:
        return frame.empty_figure(title, "No pseudo-labels yet: run an iteration first.")
    labels = next(iter(scores.values())).classes
    percent = 100 * np.array([_mean_probability(file) for file in scores.values()], dtype=float)
    figure, ax = frame.single(
        max(5.0, 2.2 + 0.36 * len(labels)), 2.4 + 0.34 * len(scores), title=title, x="Class", y="Subset"
    )
    norm = LogNorm(_LEAST_PERCENT, 100, clip=True)
    drawn = marks.coloured_table(ax, percent, norm, _percent, rows=list(scores), columns=class_names(labels))
    marks.colour_bar(drawn, "Share of time (%)", ticks=[0.1, 1, 10, 100], format="%g")
    return figure


def masked_mass_figure(mass: pd.DataFrame, *, title: str = "What the class mask takes away") -> frame.Picture:
    """Return, for each subset, the pseudo-label mass that the student learns and the part that the mask hides.

    ``mass`` is what ``masked_mass`` returns.
    """
    table = masked_shares(mass)
    if table.empty:
        return frame.empty_figure(title, "No pseudo-labels yet: run an iteration first.")
    x = "Expected seconds of events a clip (sum of probabilities over time and classes)"
    figure, ax = frame.single(8.5, 1.5 + 0.34 * len(table), title=title, x=x, y="Subset", grid="x")
    hidden = {"color": style.NOT_ANNOTATED, **marks.HATCH, "edgecolor": style.MUTED}
    learnt = (table["mass"] - table["masked_mass"], {"color": style.PSEUDO_LABEL})
    marks.stacked_bars(ax, {"learnt": learnt, "masked": (table["masked_mass"], hidden)}, height=0.7)
    marks.write_beside(ax, table["mass"], [f"{100 * share:.0f} % masked" for share in table["masked_share"]])
    frame.name_rows(ax, list(table["subset"]), downwards=True)
    ax.set_xlim(0, 1.22 * table["mass"].max())
    frame.legend_beside(ax)
    return figure


def threshold_figure(
    peaks: np.ndarray, threshold: float, *, label: str, annotated: np.ndarray | None = None, title: str = ""
) -> frame.Picture:
    """Return how many clips hold a class at each threshold, with the chosen one marked.

    Parameters
    ----------
    peaks : (clips,) floats in [0, 1]
        Largest probability of the class in each clip.
    annotated : (clips,) bool or None
        Whether people marked the class in the clip; splits the count where it is given.
    """
    peaks = np.asarray(peaks, dtype=float)
    title = title or f"Clips with {class_name(label)}"
    figure, ax = frame.single(7.5, 2.4, title=title, x="Threshold (probability)", y="Clips", grid="both")
    thresholds = np.linspace(0, 1, 201)
    count, marked = _num_above(peaks, thresholds), 0
    ax.step(thresholds, count, where="post", color=style.PSEUDO_LABEL, lw=1.8, label="pseudo-label above the threshold")
    if annotated is not None:
        annotated = np.asarray(annotated, dtype=bool)
        both, marked = _num_above(peaks[annotated], thresholds), annotated.sum()
        look = {"color": style.BOTH, "alpha": 0.5, "lw": 0}
        ax.fill_between(thresholds, both, step="post", label="of these, marked by people", **look)
        ax.axhline(marked, color=style.GROUND_TRUTH, lw=1, ls=":", label="marked by people")
    ax.axvline(threshold, color=style.MUTED, lw=1.2, ls="--")
    ax.set(xlim=(0, 1), ylim=(0, max(1, 1.15 * np.quantile(count, 0.9), 1.15 * marked)))
    frame.legend(ax, loc="upper right")
    return figure


def _num_above(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return how many of ``values`` lie above each of ``thresholds``."""
    return len(values) - np.searchsorted(np.sort(values), thresholds, side="right")


def _mean_probability(file: ScoreFile) -> np.ndarray:
    """Return the mean probability of each class, some clips at a time: a large subset fills memory as probabilities."""
    num_clips, num_frames, num_classes = file.logits.shape
    if not num_clips:
        return np.full(num_classes, np.nan)
    total = sum(expit(file.logits[k : k + 256]).sum(axis=(0, 1), dtype=np.float64) for k in range(0, num_clips, 256))
    return total / (num_clips * num_frames)


def _percent(value: float) -> str:
    if value < _LEAST_PERCENT:
        return ""
    return f"{value:.0f}" if value >= 9.5 else f"{value:.1f}"
