"""What the teachers wrote: how much of each class, where people agree, and how far a probability can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from scipy.special import expit

from sedlab.scoring.audit.reliability import POOLED, PseudoLabelAudit
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.figures.style import (
    AMOUNT_CMAP,
    CLASS_CYCLE,
    GROUND_TRUTH,
    LABEL_SIZE,
    MUTED,
    PSEUDO_LABEL,
    TICK_SIZE,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    legend,
    new_figure,
)

#: Neither people's black nor the pseudo-labels' orange: what both say.
_BOTH = "#009E73"
#: Bins with fewer cells than this are drawn hollow: their height is mostly chance.
FEW = 30
_MAX_CURVES = 8


def reliability_figure(audit: PseudoLabelAudit, *, labels: Sequence[str] | None = None, title: str = "") -> Picture:
    """Return how often people heard a class where the pseudo-label gave it a probability.

    Parameters
    ----------
    audit : PseudoLabelAudit
        Of one annotated subset.
    labels : sequence of str or None
        Classes drawn one by one as thin lines; None: the eight detected most often. The thick line pools all classes.
    """
    title = title or f"Reliability of pseudo-labels on {audit.subset}"
    bins = audit.reliability[audit.reliability["count"] > 0]
    if bins.empty:
        return empty_figure(title, "No pseudo-labels of annotated clips: write pseudo-labels first.")
    figure = new_figure(9.6, 4.4, title=title)
    ax, below = figure.subplots(1, 2, width_ratios=[1.25, 1])

    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="perfect")
    for place, label in enumerate(_most_detected(audit) if labels is None else labels):
        rows = bins[bins["label"] == label]
        style = ("-", "--", "-.")[place // len(CLASS_CYCLE) % 3]
        colour = CLASS_CYCLE[place % len(CLASS_CYCLE)]
        ax.plot(rows["probability"], rows["frequency"], color=colour, lw=1, ls=style, label=class_name(label))
        few = rows[rows["count"] < FEW]
        ax.plot(few["probability"], few["frequency"], "o", mfc="white", mec=colour, ms=4)
    pooled = bins[bins["label"] == POOLED]
    ax.plot(pooled["probability"], pooled["frequency"], "o-", color=PSEUDO_LABEL, lw=2.6, ms=4, label="all classes")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    share = f"Share of {audit.unit}s annotated active"
    label_axes(ax, title="Heard by people", x="Pseudo-label probability", y=share, grid="both")
    legend(ax, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)

    widths = pooled["high"] - pooled["low"]
    below.bar(pooled["low"], pooled["count"], width=widths, align="edge", color=PSEUDO_LABEL, edgecolor="white")
    below.set_yscale("log")
    below.set_xlim(0, 1)
    label_axes(
        below,
        title=f"How many {audit.unit}s that is",
        x="Pseudo-label probability",
        y=f"{audit.unit.capitalize()}s × classes",
        grid="y",
    )
    return figure


def pseudo_label_map(scores: Mapping[str, ScoreFile], *, title: str = "Pseudo-labels by subset and class") -> Picture:
    """Return the expected share of time of every class (the mean probability) in every subset, as a coloured table.

    Parameters
    ----------
    scores : {subset: ScoreFile}
        Pseudo-labels with the same classes.
    """
    if not scores:
        return empty_figure(title, "No pseudo-labels yet: run an iteration first.")
    subsets, labels = list(scores), list(next(iter(scores.values())).classes)
    share = [_mean_probability(file) for file in scores.values()]
    percent = 100 * np.array(share, dtype=float)
    figure = new_figure(max(5.0, 2.2 + 0.36 * len(labels)), 2.4 + 0.34 * len(subsets))
    ax = figure.subplots()
    shown = np.clip(np.nan_to_num(percent), 0.05, 100)
    image = ax.imshow(shown, cmap=AMOUNT_CMAP, norm=LogNorm(0.05, 100), aspect="auto", interpolation="nearest")
    for (row, column), value in np.ndenumerate(percent):
        if np.isfinite(value) and value >= 0.05:
            colour = "white" if value > 1.5 else "black"
            text = f"{value:.0f}" if value >= 9.5 else f"{value:.1f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    label_axes(ax, title=title, x="Class", y="Subset")
    ax.set_xticks(range(len(labels)), [class_name(label) for label in labels], rotation=40, ha="right")
    ax.set_yticks(range(len(subsets)), subsets)
    ax.tick_params(length=0, labelsize=TICK_SIZE)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=ax, pad=0.01, ticks=[0.1, 1, 10, 100], format="%g")
    bar.set_label("Share of time (%)", fontsize=LABEL_SIZE)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    return figure


def agreement_figure(audit: PseudoLabelAudit, *, title: str = "") -> Picture:
    """Return, for each class, which part of what anyone marks is marked by both, only people, or only pseudo-labels."""
    title = title or f"Pseudo-labels and people on {audit.subset}"
    counts = audit.per_class[audit.per_class["label"] != POOLED]
    table = pd.DataFrame(
        {
            "label": counts["label"],
            "both": counts["correct"],
            "only_people": counts["positive"] - counts["correct"],
            "only_pseudo": counts["detected"] - counts["correct"],
        }
    )
    parts = ["both", "only_people", "only_pseudo"]
    total = table[parts].sum(axis=1)
    table, total = table[total > 0], total[total > 0]
    if table.empty:
        return empty_figure(title, "Neither people nor pseudo-labels mark any event here.")
    share = table[parts].div(total, axis=0).assign(label=table["label"], total=total).sort_values("both")
    figure = new_figure(8, 1.35 + 0.27 * len(share))
    ax = figure.subplots()
    left = np.zeros(len(share))
    looks = {
        "both": ("both", {"color": _BOTH}),
        "only_people": ("only people (missed)", {"color": GROUND_TRUTH}),
        "only_pseudo": ("only pseudo-label (extra)", {"color": PSEUDO_LABEL, "hatch": "///", "edgecolor": "white"}),
    }
    for part, (name, options) in looks.items():
        width = 100 * share[part].to_numpy(float)
        ax.barh(range(len(share)), width, left=left, height=0.78, label=name, linewidth=0, **options)
        left += width
    for place, count in enumerate(share["total"]):
        ax.text(101, place, f"{count:,.0f}", va="center", fontsize=7, color=MUTED)
    ax.set_yticks(range(len(share)), [class_name(label) for label in share["label"]])
    ax.set_xlim(0, 100)
    ax.set_ylim(-0.6, len(share) - 0.4)
    label_axes(
        ax, title=title, x=f"Share of the {audit.unit}s that anyone marks (%); at the right, their number", y="Class"
    )
    ax.tick_params(axis="y", length=0)
    _legend_above(ax)
    return figure


def threshold_figure(
    peaks: np.ndarray, threshold: float, *, label: str, annotated: np.ndarray | None = None, title: str = ""
) -> Picture:
    """Return how many clips hold a class at each threshold, with the chosen one marked.

    Parameters
    ----------
    peaks : (clips,) floats in [0, 1]
        Largest probability of the class in each clip.
    annotated : (clips,) bool or None
        Whether people marked the class in the clip; splits the count where it is given.
    """
    title = title or f"Clips with {class_name(label)}"
    figure = new_figure(7.5, 2.4)
    ax = figure.subplots()
    thresholds = np.linspace(0, 1, 201)
    above = np.sort(np.asarray(peaks, dtype=float))
    count = len(above) - np.searchsorted(above, thresholds, side="right")
    ax.step(thresholds, count, where="post", color=PSEUDO_LABEL, lw=1.8, label="pseudo-label above the threshold")
    if annotated is not None:
        annotated = np.asarray(annotated, dtype=bool)
        agreed = np.sort(np.asarray(peaks, dtype=float)[annotated])
        both = len(agreed) - np.searchsorted(agreed, thresholds, side="right")
        ax.fill_between(thresholds, both, step="post", color=_BOTH, alpha=0.5, lw=0, label="of these, marked by people")
        ax.axhline(annotated.sum(), color=GROUND_TRUTH, lw=1, ls=":", label="marked by people")
    ax.axvline(threshold, color=MUTED, lw=1.2, ls="--")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, max(1, np.quantile(count, 0.9) * 1.15, 1.15 * (0 if annotated is None else annotated.sum())))
    label_axes(ax, title=title, x="Threshold (probability)", y="Clips", grid="both")
    legend(ax, loc="upper right")
    return figure


def _most_detected(audit: PseudoLabelAudit) -> list[str]:
    counts = audit.per_class[(audit.per_class["label"] != POOLED) & (audit.per_class["detected"] > 0)]
    return list(counts.sort_values("detected", ascending=False)["label"][:_MAX_CURVES])


def _mean_probability(file: ScoreFile) -> np.ndarray:
    """Return the mean probability of each class, some clips at a time: a large subset fills memory as probabilities."""
    num_clips, num_frames, num_classes = file.logits.shape
    if not num_clips:
        return np.full(num_classes, np.nan)
    total = sum(expit(file.logits[k : k + 256]).sum(axis=(0, 1), dtype=np.float64) for k in range(0, num_clips, 256))
    return total / (num_clips * num_frames)


def _legend_above(ax: Axes) -> None:
    ax.title.set_position((0, 1))
    ax.set_title(ax.get_title(loc="left"), loc="left", fontsize=11, pad=22)
    ax.legend(fontsize=TICK_SIZE, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 0.99), borderpad=0.2)
