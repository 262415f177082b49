"""What went wrong, drawn: kinds of errors by class, what was taken for what, boundaries, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from sedlab.scoring.errors.changes import BROKEN, FIXED, GONE, NEW
from sedlab.scoring.errors.kinds import BOUNDARY, CORRECT, DETECTION, EVENT, OUTCOMES
from sedlab.scoring.errors.matrices import CaseMatrix
from sedlab.scoring.errors.tables import confusions, error_table
from sedlab.scoring.metrics.fscores import Collar
from sedlab.scoring.names import ALL, class_name, class_names
from sedlab.views.figures import frame, marks, style

#: Green is right, blues are at the wrong time, yellows wrongly cut, pink wrongly named, black and orange wrong.
OUTCOME_COLOUR: dict[str, str] = {
    "correct": style.BOTH,
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
#: Deviations beyond are drawn at the border; medians are those of the deviations as they are.
_SHOWN_SECONDS = 2.0


def error_kinds_figure(cases: pd.DataFrame, *, title: str = "Errors by class") -> frame.Picture:
    """Return what became of the events of each class, and what its detections are, as stacked bars.

    ``cases`` are what ``find_errors`` returns, here and below.
    """
    if cases.empty:
        return frame.empty_figure(title, "Nothing was annotated and nothing detected.")
    tables = {side: error_table(cases, "label", side).set_index("label").drop(index=ALL) for side in OUTCOMES}
    labels = list(dict.fromkeys([*tables[EVENT].index, *tables[DETECTION].index]))
    figure = frame.new_figure(10.5, 1.5 + 0.3 * len(labels), title=title)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (side, name) in zip(axes, ((EVENT, "Events"), (DETECTION, "Detections")), strict=True):
        counts = tables[side].reindex(labels, fill_value=0)[list(OUTCOMES[side])]
        title = f"{name}: {int(counts.to_numpy().sum())}"
        frame.label_axes(ax, title=title, x=f"{name} (number)", y="Class" if side == EVENT else "", grid="x")
        parts = {kind: (counts[kind], {"color": OUTCOME_COLOUR[kind]}) for kind in counts if counts[kind].any()}
        marks.stacked_bars(ax, parts)
        frame.name_rows(ax, class_names(labels), downwards=True)
    handles = {name: bar for ax in axes for bar, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    shown = [name for name in OUTCOME_COLOUR if name in handles]
    frame.figure_legend(figure, [handles[name] for name in shown], shown)
    return figure


def confusion_figure(cases: pd.DataFrame, *, title: str = "Events found under another name") -> frame.Picture:
    """Return how often an event of one class was detected as another, as a coloured table."""
    counts = confusions(cases)
    if counts.empty:
        return frame.empty_figure(title, "No event was found under another name.")
    labels = sorted({*counts["label"], *counts["detected_as"]})
    table = counts.pivot_table(index="label", columns="detected_as", values="count", aggfunc="sum", fill_value=0)
    table = table.reindex(index=labels, columns=labels, fill_value=0)
    figure, ax = frame.single(
        2.9 + 0.42 * len(labels), 2.0 + 0.36 * len(labels), title=title, x="Detected as", y="Annotated as"
    )
    # Few confusions stay pale, however few there are of others.
    norm, names = Normalize(0, max(5, table.to_numpy().max())), class_names(labels)
    marks.coloured_table(ax, table, norm, lambda count: f"{count:.0f}" if count else "", rows=names, columns=names)
    return figure


def matrix_figure(matrix: CaseMatrix, *, title: str, rows: Sequence[str] = ()) -> frame.Picture:
    """Return a matrix of cases as a table of their numbers, coloured by their share; ``rows`` are other names."""
    if not matrix.rows:
        return frame.empty_figure(title, "Nothing was annotated and nothing detected.")
    counts = matrix.table().to_numpy()
    totals = np.array([[matrix.total(row, column) for column in matrix.columns] for row in matrix.rows])
    figure, ax = frame.single(
        2.9 + 0.52 * len(matrix.columns), 1.6 + 0.32 * len(matrix.rows), title=title, x="", y="Class"
    )
    share = counts / np.maximum(1, totals)
    names = [list(rows) or class_names(matrix.rows), class_names(matrix.columns)]
    marks.coloured_table(ax, share, Normalize(0, 1), lambda _: "", rows=names[0], columns=names[1])
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if share[row, column] > marks.DARK else "black"
            ax.text(column, row, f"{count}", ha="center", va="center", fontsize=7, color=colour)
    return figure


def boundary_figure(cases: pd.DataFrame, *, title: str = "How far boundaries are off") -> frame.Picture:
    """Return how early or late onsets and offsets of found events are, pooled and by class.

    Correct cases and boundary errors take part; the band is the collar of a correct detection (offsets: at least).
    """
    found = cases[(cases["side"] == EVENT) & cases["outcome"].isin([CORRECT, *BOUNDARY])]
    if found.empty:
        return frame.empty_figure(title, "No event was found by a detection of its own.")
    labels = sorted(found["label"].unique())
    figure = frame.new_figure(9, 3.2 + 0.24 * len(labels), title=title)
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=[1.7, 0.5 + 0.24 * len(labels)])
    collars = (Collar().onset_collar, Collar().offset_collar)
    for column, (name, collar) in enumerate(zip(("onset", "offset"), collars, strict=True)):
        values = found[f"{name}_deviation"]
        top, below = axes[:, column]
        frame.label_axes(top, title=f"{name.capitalize()}, median {values.median():+.2f} s", grid="y")
        top.hist(_within(values), bins=np.linspace(-_SHOWN_SECONDS, _SHOWN_SECONDS, 41), color=style.STUDENT)
        frame.label_axes(below, x="← early · detection minus event (s) · late →", grid="x")
        _quartiles(below, values.groupby(found["label"]), labels)
        for ax in (top, below):
            ax.axvspan(-collar, collar, color=style.MUTED, alpha=0.18, lw=0)
            ax.axvline(0, color=style.GROUND_TRUTH, lw=0.8)
    axes[0, 0].set_ylabel("Events", fontsize=style.LABEL_SIZE)
    axes[1, 0].set_xlim(-_SHOWN_SECONDS, _SHOWN_SECONDS)
    return figure


def changes_figure(table: pd.DataFrame, *, title: str = "What changed") -> frame.Picture:
    """Return what each class won and lost from one system to the other, as bars to both sides.

    ``table`` is what ``change_table`` returns, by label.
    """
    rows = table[table["label"] != ALL]
    rows = rows[rows[[FIXED, GONE, BROKEN, NEW]].sum(axis=1) > 0].sort_values("net", kind="stable")
    if rows.empty:
        return frame.empty_figure(title, "No event was fixed or broken; no false detection is gone or new.")
    x = "← worse · number of events and detections · better →"
    figure, ax = frame.single(8.5, 1.5 + 0.3 * len(rows), title=title, x=x, y="Class", grid="x")
    parts = {
        "event fixed": (rows[FIXED], {"color": OUTCOME_COLOUR["correct"]}),
        "false detection gone": (rows[GONE], {"color": "#8FD3BE", **marks.HATCH}),
        "event broken": (-rows[BROKEN], {"color": style.GROUND_TRUTH}),
        "false detection new": (-rows[NEW], {"color": OUTCOME_COLOUR["false alarm"], **marks.HATCH}),
    }
    ends = marks.stacked_bars(ax, parts, height=0.76)
    marks.write_beside(ax, ends, [f"{net:+d}" for net in rows["net"]])
    ax.axvline(0, color=style.GROUND_TRUTH, lw=0.8)
    frame.name_rows(ax, class_names(rows["label"]))
    ax.use_sticky_edges = False
    ax.margins(x=0.08)
    ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    frame.legend_beside(ax)
    return figure


def told(case: Mapping[str, Any]) -> str:
    """Return a case (a row, or a dict of one) in words: "Dog 1.00 to 3.00 s (event), onset late by 0.50 s"."""
    label, outcome = class_name(case["label"]), case["outcome"]
    words = f"{label} {case['onset']:.2f} to {case['offset']:.2f} s ({case['side']}), {outcome}"
    if outcome.startswith(("onset", "offset")):
        words += f" by {abs(case[outcome.split()[0] + '_deviation']):.2f} s"
    if outcome == "cross-class":
        other = class_name(case["other_label"])
        words += f": {'detected' if case['side'] == EVENT else 'annotated'} as {other}"
    return words


def told_change(change: Mapping[str, Any]) -> str:
    """Return a change in words: "Dog 1.00 to 3.00 s (event), fixed: missed, now correct"."""
    before, after = change["before"] or "not there", change["after"] or "not there"
    words = f"{class_name(change['label'])} {change['onset']:.2f} to {change['offset']:.2f} s ({change['side']})"
    said = before if before == after else f"{before}, now {after}"
    return f"{words}, {change['change']}: {said}"


def _quartiles(ax: Axes, groups: object, labels: list[str]) -> None:
    """Draw a dot at the median of each class and a line over its middle half."""
    quantiles = _within(groups.quantile([0.25, 0.5, 0.75]).unstack().loc[labels])
    places = np.arange(len(labels))
    ax.hlines(places, quantiles[0.25], quantiles[0.75], color=style.STUDENT, lw=2.5, alpha=0.5)
    ax.plot(quantiles[0.5], places, "o", color=style.STUDENT, ms=4.5)
    frame.name_rows(ax, class_names(labels), downwards=True, margin=0.5)


def _within(seconds: pd.Series | pd.DataFrame) -> pd.Series | pd.DataFrame:
    """Return deviations with those beyond what is shown at its border."""
    return seconds.clip(-_SHOWN_SECONDS, _SHOWN_SECONDS)
