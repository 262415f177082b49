"""What went wrong, drawn: kinds of errors by class, what was taken for what, boundaries, and what changed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.errors.changes import BROKEN, FIXED, GONE, NEW
from sedlab.scoring.errors.kinds import BOUNDARY, CORRECT, DETECTION, EVENT, OUTCOMES
from sedlab.scoring.errors.tables import POOLED, confusions, error_table
from sedlab.scoring.metrics.fscores import Collar
from sedlab.views.figures.style import (
    AMOUNT_CMAP,
    GROUND_TRUTH,
    MUTED,
    STUDENT,
    TICK_SIZE,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    new_figure,
)

#: Green is right, blues are at the wrong time, yellows wrongly cut, pink wrongly named, black and orange wrong.
OUTCOME_COLOUR: dict[str, str] = {
    "correct": "#009E73",
    "onset early": "#CFE6F5",
    "onset late": "#9CCBE8",
    "offset early": "#4E9BCF",
    "offset late": "#0B5C94",
    "fragmented": "#F3E79B",
    "merged": "#E0B13C",
    "duplicate": "#B8B8B8",
    "cross-class": "#CC79A7",
    "missed": "#222222",
    "false alarm": "#D55E00",
}
_NO_CASES = "Nothing was annotated and nothing detected."
#: Deviations beyond are counted at the border.
_SHOWN_SECONDS = 2.0


def error_kinds_figure(cases: pd.DataFrame, *, title: str = "Errors by class") -> Picture:
    """Return what became of the events of each class, and what its detections are, as stacked bars.

    Parameters
    ----------
    cases : DataFrame
        What ``find_errors`` returns.
    """
    if cases.empty:
        return empty_figure(title, _NO_CASES)
    tables = {side: error_table(cases, "label", side).set_index("label").drop(index=POOLED) for side in OUTCOMES}
    labels = list(dict.fromkeys([*tables[EVENT].index, *tables[DETECTION].index]))
    figure = new_figure(10.5, 1.5 + 0.3 * len(labels), title=title)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (side, name) in zip(axes, ((EVENT, "Events"), (DETECTION, "Detections")), strict=True):
        counts = tables[side].reindex(labels, fill_value=0)[list(OUTCOMES[side])]
        _stack(ax, counts)
        label_axes(ax, title=f"{name}: {int(counts.to_numpy().sum())}", x=f"{name} (number)", grid="x")
        ax.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(labels)), [class_name(label) for label in labels])
    axes[0].set_ylim(len(labels) - 0.4, -0.6)
    handles = {name: bar for ax in axes for bar, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    shown = [name for name in OUTCOME_COLOUR if name in handles]
    figure.legend(
        [handles[name] for name in shown], shown, loc="outside right center", fontsize=TICK_SIZE, frameon=False
    )
    return figure


def confusion_figure(cases: pd.DataFrame, *, title: str = "Events found under another name") -> Picture:
    """Return how often an event of one class was detected as another, as a coloured table."""
    counts = confusions(cases)
    if counts.empty:
        return empty_figure(title, "No event was found under another name.")
    labels = sorted({*counts["label"], *counts["detected_as"]})
    table = counts.pivot_table(index="label", columns="detected_as", values="count", aggfunc="sum")
    table = table.reindex(index=labels, columns=labels).fillna(0).astype(int)
    figure = new_figure(2.9 + 0.42 * len(labels), 2.0 + 0.36 * len(labels))
    ax = figure.subplots()
    # Few confusions stay pale, however few there are of others.
    largest = max(5, int(table.to_numpy().max()))
    ax.imshow(table, cmap=AMOUNT_CMAP, vmin=0, vmax=largest, aspect="auto", interpolation="nearest")
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        if value:
            colour = "white" if value > 0.45 * largest else "black"
            ax.text(column, row, str(value), ha="center", va="center", fontsize=TICK_SIZE, color=colour)
    label_axes(ax, title=title, x="Detected as", y="Annotated as")
    names = [class_name(label) for label in labels]
    ax.set_xticks(range(len(labels)), names, rotation=40, ha="right")
    ax.set_yticks(range(len(labels)), names)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure


def boundary_figure(cases: pd.DataFrame, *, title: str = "How far boundaries are off") -> Picture:
    """Return how early or late onsets and offsets of found events are, pooled and by class.

    Correct cases and boundary errors take part; the band is the collar of a correct detection (offsets: at least).
    """
    found = cases[(cases["side"] == EVENT) & cases["outcome"].isin([CORRECT, *BOUNDARY])]
    if found.empty:
        return empty_figure(title, "No event was found by a detection of its own.")
    labels = sorted(found["label"].unique())
    figure = new_figure(9, 3.2 + 0.24 * len(labels), title=title)
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[1.7, 0.5 + 0.24 * len(labels)])
    collars = (Collar().onset_collar, Collar().offset_collar)
    for column, (name, collar) in enumerate(zip(("onset", "offset"), collars, strict=True)):
        values = found[f"{name}_deviation"].clip(-_SHOWN_SECONDS, _SHOWN_SECONDS)
        top, below = axes[:, column]
        top.hist(values, bins=np.linspace(-_SHOWN_SECONDS, _SHOWN_SECONDS, 41), color=STUDENT)
        label_axes(top, title=f"{name.capitalize()}, median {values.median():+.2f} s", grid="y")
        _quartiles(below, values.groupby(found["label"]), labels)
        label_axes(below, x="← early · detection minus event (s) · late →", grid="x")
        below.tick_params(axis="y", length=0)
        for ax in (top, below):
            ax.axvspan(-collar, collar, color=MUTED, alpha=0.18, lw=0)
            ax.axvline(0, color=GROUND_TRUTH, lw=0.8)
    axes[0, 0].set_ylabel("Events")
    axes[1, 0].set_yticks(range(len(labels)), [class_name(label) for label in labels])
    axes[1, 0].set_ylim(len(labels) - 0.5, -0.5)
    axes[1, 0].set_xlim(-_SHOWN_SECONDS, _SHOWN_SECONDS)
    return figure


def changes_figure(table: pd.DataFrame, *, title: str = "What changed") -> Picture:
    """Return what each class won and lost from one system to the other, as bars to both sides.

    Parameters
    ----------
    table : DataFrame
        What ``change_table`` returns, by label.
    """
    rows = table[table["label"] != POOLED]
    rows = rows[rows[[FIXED, GONE, BROKEN, NEW]].sum(axis=1) > 0].sort_values("net", kind="stable")
    if rows.empty:
        return empty_figure(title, "No event was fixed or broken; no false detection is gone or new.")
    figure = new_figure(8.5, 1.5 + 0.3 * len(rows))
    ax = figure.subplots()
    parts = (
        (FIXED, 1, "event fixed", {"color": OUTCOME_COLOUR["correct"]}),
        (GONE, 1, "false detection gone", {"color": "#8FD3BE", "hatch": "///", "edgecolor": "white"}),
        (BROKEN, -1, "event broken", {"color": GROUND_TRUTH}),
        (
            NEW,
            -1,
            "false detection new",
            {"color": OUTCOME_COLOUR["false alarm"], "hatch": "///", "edgecolor": "white"},
        ),
    )
    ends = {1: np.zeros(len(rows)), -1: np.zeros(len(rows))}
    for column, sign, name, look in parts:
        width = sign * rows[column].to_numpy(float)
        ax.barh(range(len(rows)), width, left=ends[sign], height=0.76, label=name, linewidth=0, **look)
        ends[sign] += width
    for place, net in enumerate(rows["net"]):
        ax.text(ends[1][place], place, f" {net:+d}", va="center", fontsize=TICK_SIZE, color=MUTED)
    ax.axvline(0, color=GROUND_TRUTH, lw=0.8)
    ax.set_yticks(range(len(rows)), [class_name(label) for label in rows["label"]])
    ax.use_sticky_edges = False
    ax.margins(x=0.08)
    ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    label_axes(ax, title=title, x="← worse · number of events and detections · better →", grid="x")
    ax.tick_params(axis="y", length=0)
    ax.legend(fontsize=TICK_SIZE, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _stack(ax: Axes, counts: pd.DataFrame) -> None:
    left = np.zeros(len(counts))
    for outcome in counts:
        width = counts[outcome].to_numpy(float)
        if width.any():
            colour = OUTCOME_COLOUR[outcome]
            ax.barh(range(len(counts)), width, left=left, height=0.78, color=colour, label=outcome, linewidth=0)
        left += width


def _quartiles(ax: Axes, groups: object, labels: list[str]) -> None:
    """Draw a dot at the median of each class and a line over its middle half."""
    quantiles = groups.quantile([0.25, 0.5, 0.75]).unstack()
    for place, label in enumerate(labels):
        low, middle, high = quantiles.loc[label]
        ax.plot([low, high], [place, place], color=STUDENT, lw=2.5, solid_capstyle="butt", alpha=0.5)
        ax.plot(middle, place, "o", color=STUDENT, ms=4.5)
