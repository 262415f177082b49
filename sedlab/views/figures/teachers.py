"""The teachers beside each other, their pseudo-labels before and after, and what the class mask takes from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sedlab.scoring.audit.masked_mass import masked_shares
from sedlab.scoring.audit.teacher_agreement import POOLED
from sedlab.views.figures.style import (
    AMOUNT_CMAP,
    GROUND_TRUTH,
    LABEL_SIZE,
    MUTED,
    NOT_ANNOTATED,
    PSEUDO_LABEL,
    TICK_SIZE,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    model_name,
    new_figure,
)


def teacher_agreement_figure(table: pd.DataFrame, *, title: str = "How far the teachers agree") -> Picture:
    """Return Cohen's kappa of each pair of teachers for each class, as a coloured table.

    Parameters
    ----------
    table : DataFrame
        What ``teacher_agreement`` returns. White cells: neither of the two ever hears the class.
    """
    if table.empty:
        return empty_figure(title, "An ensemble of one has nobody to agree with.")
    labels = list(dict.fromkeys(table["label"]))
    pairs = list(dict.fromkeys(zip(table["first"], table["second"], strict=True)))
    kappa = table.set_index(["first", "second", "label"])["kappa"]
    values = np.array([[kappa[(*pair, label)] for label in labels] for pair in pairs], dtype=float)
    figure = new_figure(max(5.0, 2.6 + 0.36 * len(labels)), 2.3 + 0.36 * len(pairs))
    ax = figure.subplots()
    image = ax.imshow(values, cmap=AMOUNT_CMAP, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > 0.45 else "black"
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    label_axes(ax, title=title)
    names = ["all classes" if label == POOLED else class_name(label) for label in labels]
    ax.set_xticks(range(len(labels)), names, rotation=40, ha="right")
    ax.set_yticks(range(len(pairs)), [f"{model_name(one)} and {model_name(other)}" for one, other in pairs])
    ax.tick_params(length=0, labelsize=TICK_SIZE)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=ax, pad=0.01, ticks=[0, 0.5, 1])
    bar.set_label("Cohen's kappa", fontsize=LABEL_SIZE)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    return figure


def pseudo_label_change_figure(table: pd.DataFrame, *, title: str = "What the second ensemble hears anew") -> Picture:
    """Return which part of the frames that either ensemble marks is marked by both, only the first or only the second.

    Parameters
    ----------
    table : DataFrame
        What ``pseudo_label_change`` returns.
    """
    parts = ["kept", "gone", "new"]
    rows = table[(table["label"] != POOLED) & (table[parts].sum(axis=1) > 0)]
    if rows.empty:
        return empty_figure(title, "Neither ensemble marks any frame here.")
    total = rows[parts].sum(axis=1)
    rows = rows.assign(share=rows["kept"] / total, total=total).sort_values("share")
    figure = new_figure(8.5, 1.4 + 0.27 * len(rows))
    ax = figure.subplots()
    left = np.zeros(len(rows))
    looks = {
        "kept": ("in both", {"color": PSEUDO_LABEL}),
        "gone": ("only in the first", {"color": NOT_ANNOTATED, "hatch": "///", "edgecolor": "white"}),
        "new": ("only in the second", {"color": GROUND_TRUTH}),
    }
    for part, (name, look) in looks.items():
        width = (100 * rows[part] / rows["total"]).to_numpy(float)
        ax.barh(range(len(rows)), width, left=left, height=0.78, label=name, linewidth=0, **look)
        left += width
    for place, count in enumerate(rows["total"]):
        ax.text(101, place, f"{count:,.0f}", va="center", fontsize=7, color=MUTED)
    ax.set_yticks(range(len(rows)), [class_name(label) for label in rows["label"]])
    ax.set(xlim=(0, 100), ylim=(-0.6, len(rows) - 0.4))
    label_axes(ax, title=title, x="Share of the frames that either marks (%); at the right, their number")
    ax.tick_params(axis="y", length=0)
    ax.legend(fontsize=TICK_SIZE, frameon=False, loc="upper left", bbox_to_anchor=(1.06, 1.0))
    return figure


def masked_mass_figure(mass: pd.DataFrame, *, title: str = "What the class mask takes away") -> Picture:
    """Return, for each subset, the pseudo-label mass that the student learns and the part that the mask hides.

    Parameters
    ----------
    mass : DataFrame
        What ``masked_mass`` returns.
    """
    table = masked_shares(mass)
    if table.empty:
        return empty_figure(title, "No pseudo-labels yet: run an iteration first.")
    figure = new_figure(8.5, 1.5 + 0.34 * len(table))
    ax = figure.subplots()
    places, learnt = range(len(table)), (table["mass"] - table["masked_mass"]).to_numpy(float)
    ax.barh(places, learnt, height=0.7, color=PSEUDO_LABEL, label="learnt")
    hidden = {"color": NOT_ANNOTATED, "hatch": "///", "edgecolor": MUTED, "linewidth": 0}
    ax.barh(places, table["masked_mass"], left=learnt, height=0.7, label="masked", **hidden)
    for place, (total, share) in enumerate(zip(table["mass"], table["masked_share"], strict=True)):
        ax.text(total, place, f" {100 * share:.0f} % masked", va="center", fontsize=TICK_SIZE, color=MUTED)
    ax.set_yticks(places, table["subset"])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(0, 1.22 * table["mass"].max())
    label_axes(
        ax, title=title, x="Expected seconds of events a clip (sum of probabilities over time and classes)", grid="x"
    )
    ax.tick_params(axis="y", length=0)
    ax.legend(fontsize=TICK_SIZE, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
