"""How far two sides agree: people and pseudo-labels, two members of an ensemble, one iteration and the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from sedlab.scoring.audit.reliability import PseudoLabelAudit
from sedlab.scoring.names import ALL, class_name, class_names, model_name
from sedlab.views.figures import frame, marks, style


def agreement_figure(audit: PseudoLabelAudit, *, title: str = "") -> frame.Picture:
    """Return, for each class, which part of what anyone marks is marked by both, only people, or only pseudo-labels."""
    title = title or f"Pseudo-labels and people on {audit.subset}"
    counts = audit.per_class.set_index("label")
    parts = pd.DataFrame(
        {
            "both": counts["correct"],
            "only people (missed)": counts["positive"] - counts["correct"],
            "only pseudo-label (extra)": counts["detected"] - counts["correct"],
        }
    )
    if not parts.drop(index=ALL, errors="ignore").to_numpy().any():
        return frame.empty_figure(title, "Neither people nor pseudo-labels mark any event here.")
    looks = [{"color": style.BOTH}, {"color": style.GROUND_TRUTH}, {"color": style.PSEUDO_LABEL, **marks.HATCH}]
    return _shares(parts, looks, title, f"Share of the {audit.unit}s that anyone marks (%); at the right, their number")


def pseudo_label_change_figure(
    table: pd.DataFrame, *, title: str = "What the second ensemble hears anew"
) -> frame.Picture:
    """Return which part of the frames that either ensemble marks is marked by both, only the first or only the second.

    ``table`` is what ``pseudo_label_change`` returns.
    """
    names = {"kept": "in both", "gone": "only in the first", "new": "only in the second"}
    parts = table.set_index("label")[list(names)].rename(columns=names)
    if not parts.drop(index=ALL, errors="ignore").to_numpy().any():
        return frame.empty_figure(title, "Neither ensemble marks any frame here.")
    only_first = {"color": style.NOT_ANNOTATED, **marks.HATCH}
    looks = [{"color": style.PSEUDO_LABEL}, only_first, {"color": style.GROUND_TRUTH}]
    return _shares(parts, looks, title, "Share of the frames that either marks (%); at the right, their number")


def teacher_agreement_figure(
    table: pd.DataFrame, *, title: str = "How far the ensemble's members agree"
) -> frame.Picture:
    """Return Cohen's kappa of each pair of the ensemble's members for each class, as a coloured table.

    ``table`` is what ``teacher_agreement`` returns. White cells: neither of the two ever hears the class.
    """
    if table.empty:
        return frame.empty_figure(title, "An ensemble of one has nobody to agree with.")
    labels = list(dict.fromkeys(table["label"]))
    pairs = list(dict.fromkeys(zip(table["first"], table["second"], strict=True)))
    kappa = table.set_index(["first", "second", "label"])["kappa"]
    values = np.array([[kappa[(*pair, label)] for label in labels] for pair in pairs], dtype=float)
    figure, ax = frame.single(max(5.0, 2.6 + 0.36 * len(labels)), 2.3 + 0.36 * len(pairs), title=title)
    names = ["all classes" if label == ALL else class_name(label) for label in labels]
    teachers = [f"{model_name(one)} and {model_name(other)}" for one, other in pairs]
    drawn = marks.coloured_table(ax, values, Normalize(0, 1), "{:.2f}".format, rows=teachers, columns=names)
    marks.colour_bar(drawn, "Cohen's kappa", ticks=[0, 0.5, 1])
    return figure


def _shares(parts: pd.DataFrame, looks: list[Mapping[str, Any]], title: str, x: str) -> frame.Picture:
    """Draw what share of each class its ``parts`` (labels, parts) are, the largest first part on top; ALL is not."""
    parts = parts.drop(index=ALL, errors="ignore")
    total = parts.sum(axis=1)
    share = 100 * parts.div(total, axis=0)[total > 0].sort_values(parts.columns[0])
    figure, ax = frame.single(8.5, 1.4 + 0.27 * len(share), title=title, x=x, y="Class")
    marks.stacked_bars(ax, {name: (share[name], look) for name, look in zip(share, looks, strict=True)})
    marks.write_beside(ax, [100] * len(share), [f"{total[label]:,.0f}" for label in share.index])
    frame.name_rows(ax, class_names(share.index))
    ax.set_xlim(0, 100)
    frame.legend_beside(ax, x=1.06)
    return figure
