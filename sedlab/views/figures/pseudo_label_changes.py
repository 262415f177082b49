"""What became of pseudo-labels from one iteration to the next, by class; how sure both are, and what the mask hides."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.audit.masked_mass import masked_shares
from sedlab.scoring.audit.reliability import PseudoLabelAudit
from sedlab.scoring.names import ALL, class_name
from sedlab.views.figures import frame, marks, style
from sedlab.views.figures.calibration import FEW

#: Of two that are compared: colour, line and mark.
LOOKS = (
    {"color": style.PSEUDO_LABEL, "linestyle": "--", "marker": "o"},
    {"color": style.STUDENT, "linestyle": "-", "marker": "s"},
)


def changed_seconds_figure(
    by_class: pd.DataFrame,
    *,
    hidden: Collection[str] = (),
    title: str = "From one iteration to the next",
    y: str = "Class",
) -> frame.Picture:
    """Return the seconds that each class lost (to the left), kept and gained (to the right).

    ``by_class`` is of ``ChangedSeconds``; labels in ``hidden``, which no student learns, are told so. ``y``: what the
    rows are, where they are not classes.
    """
    table = by_class[(by_class["label"] != ALL) & (by_class[["before", "after"]].sum(axis=1) > 0)]
    if table.empty:
        return frame.empty_figure(title, "Neither marks any second at this threshold.")
    table = table.sort_values("lost", ascending=False)
    x = "Seconds above the threshold: lost to the left of 0, kept and gained to the right"
    figure, ax = frame.single(8.5, 1.5 + 0.27 * len(table), title=title, x=x, y=y, grid="x")
    lost, kept, gained = ({"color": c} for c in (style.PSEUDO_LABEL, style.NOT_ANNOTATED, style.STUDENT))
    parts = {
        "lost": (-table["lost"], lost | marks.HATCH),
        "kept": (table["kept"], kept),
        "gained": (table["gained"], gained),
    }
    ends = marks.stacked_bars(ax, parts)
    ax.axvline(0, color=style.GROUND_TRUTH, lw=1)
    shares = [f"{100 * share:.0f} % lost" if share > 0 else "" for share in table["lost_share"]]
    marks.write_beside(ax, ends, shares)
    names = [f"{class_name(label)} (masked)" if label in hidden else class_name(label) for label in table["label"]]
    frame.name_rows(ax, names, downwards=True)
    ax.margins(x=0.12)
    frame.legend_beside(ax)
    return figure


def compared_confidence_figure(
    histograms: Mapping[str, pd.DataFrame],
    audits: Mapping[str, PseudoLabelAudit],
    *,
    label: str = ALL,
    title: str = "How sure both are",
) -> frame.Picture:
    """Return how often each of several gives each probability, and beside it how often people agree.

    Parameters
    ----------
    histograms : {name: DataFrame}
        As ``confidence_histogram`` returns them.
    audits : {name: PseudoLabelAudit}
        Empty where nobody labelled the clips: the second panel says so.
    label : str
        A class; "all" pools them.
    """
    figure = frame.new_figure(9.6, 3.9, title=f"{title}: {'all classes' if label == ALL else class_name(label)}")
    left, right = figure.subplots(1, 2)
    frame.label_axes(left, title="How often", x="Probability", y="Frames × classes", grid="y")
    for (name, histogram), look in zip(histograms.items(), LOOKS, strict=False):
        rows = histogram[histogram["label"] == label]
        edges = np.append(rows["low"], rows["high"].iloc[-1:])
        line = {"color": look["color"], "linestyle": look["linestyle"]}
        left.stairs(rows["count"], edges, linewidth=1.8, label=name, **line)
    left.set(yscale="log", xlim=(0, 1))
    frame.figure_legend(figure, *left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    told = "How often people agree"
    if not audits:
        frame.label_axes(right, title=told)
        frame.say_empty(right, "Nobody labelled these clips:\nchoose a labelled set to see reliability.")
        return figure
    unit = next(iter(audits.values())).unit
    errors = [audit.per_class.set_index("label")["calibration_error"] for audit in audits.values()]
    if all(label in error for error in errors):
        told += f" (ECE {' → '.join(f'{error[label]:.3f}' for error in errors)})"
    frame.label_axes(right, title=told, x="Probability", y=f"Share of {unit}s that people marked", grid="both")
    right.plot([0, 1], [0, 1], color=style.MUTED, linewidth=1, linestyle=":")
    for audit, look in zip(audits.values(), LOOKS, strict=False):
        _draw_reliability(right, audit, label, look)
    right.set(xlim=(0, 1), ylim=(0, 1.02))
    return figure


def compared_mask_figure(
    masses: Mapping[str, pd.DataFrame], *, title: str = "What the class mask hides"
) -> frame.Picture:
    """Return, for each subset and each of several sets of pseudo-labels, what a student learns and what is hidden.

    ``masses`` are {name: what ``masked_mass`` returns}.
    """
    tables = {name: masked_shares(mass) for name, mass in masses.items() if len(mass)}
    if not tables:
        return frame.empty_figure(title, "No pseudo-labels that a mask is laid over.")
    subsets = list(dict.fromkeys(subset for table in tables.values() for subset in table["subset"]))
    rows = [
        (f"{subset}\n{name}", *table.loc[table["subset"] == subset, ["mass", "masked_mass", "masked_share"]].iloc[0])
        for subset in subsets
        for name, table in tables.items()
        if subset in set(table["subset"])
    ]
    names, mass, masked, share = (list(column) for column in zip(*rows, strict=True))
    x = "Expected seconds of events a clip (sum of probabilities over time and classes)"
    figure, ax = frame.single(8.5, 1.5 + 0.42 * len(rows), title=title, x=x, y="Subset", grid="x")
    hidden = {"color": style.NOT_ANNOTATED, **marks.HATCH, "edgecolor": style.MUTED}
    learnt = (np.subtract(mass, masked), {"color": style.PSEUDO_LABEL})
    marks.stacked_bars(ax, {"taught": learnt, "masked": (masked, hidden)}, height=0.7)
    marks.write_beside(ax, mass, [f"{100 * part:.0f} % masked" for part in share])
    frame.name_rows(ax, names, downwards=True)
    ax.set_xlim(0, 1.22 * max(mass))
    frame.legend_beside(ax)
    return figure


def _draw_reliability(ax: Axes, audit: PseudoLabelAudit, label: str, look: Mapping[str, str]) -> None:
    rows = audit.reliability[(audit.reliability["label"] == label) & (audit.reliability["count"] > 0)]
    ax.plot(rows["probability"], rows["frequency"], lw=1.8, ms=4, **look)
    few = rows[rows["count"] < FEW]
    ax.plot(few["probability"], few["frequency"], look["marker"], mfc="white", mec=look["color"], ms=4)
