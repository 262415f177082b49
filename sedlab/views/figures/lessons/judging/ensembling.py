"""Several models, one number: what it means to average logits, and where people have said nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from sedlab.scoring.names import model_name
from sedlab.views.figures import frame, marks, style


def ensembling_figure(logits: Mapping[str, float], *, title: str = "Two ways to average") -> frame.Picture:
    """Return the members of an ensemble on the logistic curve, and both ways to average them.

    ``logits`` are those of one class in one frame, {model: logit}.
    """
    values = np.array(list(logits.values()), dtype=float)
    reach = max(4.0, np.abs(values).max() + 1.0)
    x = np.linspace(-reach, reach, 200)
    labels = {"title": title, "x": "Logit", "y": "Probability", "grid": "both"}
    figure, ax = frame.single(7.2, 3.6, **labels)
    ax.plot(x, expit(x), color=style.MUTED, lw=1, zorder=1)
    for name, logit in logits.items():
        look = {**style.MODEL_LOOK.get(name, style.OTHER_LOOK), "linestyle": "none"}
        ax.plot(logit, expit(logit), markersize=9, label=f"{model_name(name)}: {expit(logit):.2f}", **look)
    mean, probability = values.mean(), expit(values).mean()
    look = {"color": style.PSEUDO_LABEL, "linestyle": "none"}
    ax.plot(mean, expit(mean), "D", markersize=9, label=f"mean of logits: {expit(mean):.2f}", **look)
    ax.axvline(mean, color=style.PSEUDO_LABEL, lw=0.9, ls=":", zorder=0)
    ax.axhline(
        probability, color=style.GROUND_TRUTH, lw=1.2, ls="--", label=f"mean of probabilities: {probability:.2f}"
    )
    ax.set(xlim=(-reach, reach), ylim=(-0.03, 1.03))
    frame.legend_beside(ax)
    return figure


def label_reach_figure(
    table: pd.DataFrame, *, title: str = "What people said about the training sets"
) -> frame.Picture:
    """Return, for each training set, which share of its frames x classes people labelled, and how.

    ``table`` has subset, clips, and a column for each kind of label, which add up to 1.
    """
    if table.empty:
        return frame.empty_figure(title, "No training set: prepare the corpus first.")
    kinds = [name for name in table if name not in ("subset", "clips")]
    looks = [
        {"color": style.GROUND_TRUTH},
        {"color": style.LABEL_KIND_COLOUR["weak"], **marks.HATCH},
        {"color": style.PSEUDO_LABEL},
        {"color": style.NOT_ANNOTATED},
    ]
    x = "Share of frames × 27 classes (%); at the right, clips"
    figure, ax = frame.single(8.5, 1.5 + 0.34 * len(table), title=title, x=x, y="Training set")
    parts = {name: (100 * table[name].to_numpy(float), look) for name, look in zip(kinds, looks, strict=False)}
    marks.stacked_bars(ax, parts)
    marks.write_beside(ax, [100] * len(table), [f"{clips:,}" for clips in table["clips"]])
    frame.name_rows(ax, list(table["subset"]), downwards=True)
    ax.set_xlim(0, 100)
    frame.legend_beside(ax, x=1.08)
    return figure


def guesses_figure(table: pd.DataFrame, *, title: str = "What you guessed, and what this run says") -> frame.Picture:
    """Return the gain of each step beside the guess; ``table`` has step, guess, gain."""
    if table.empty:
        return frame.empty_figure(title, "Nothing to compare: the run has none of the steps that you guessed.")
    figure, ax = frame.single(7.6, 1.4 + 0.5 * len(table), title=title, x="Gain", y="Step", grid="x")
    places = np.arange(len(table))
    ax.barh(places, table["gain"], height=0.45, color=style.STUDENT, label="this run")
    ax.plot(table["guess"], places, "D", markersize=8, mfc="white", mec=style.GROUND_TRUTH, label="your guess")
    ax.axvline(0, color=style.GROUND_TRUTH, lw=0.8)
    for place, gain in zip(places, table["gain"], strict=True):
        text = f"{gain:+.3f}".replace("-", "−")
        side = {"ha": "left", "xytext": (3, 8)} if gain >= 0 else {"ha": "right", "xytext": (-3, 8)}
        ax.annotate(text, (gain, place), textcoords="offset points", fontsize=7, color=style.NUMBER, **side)
    frame.name_rows(ax, list(table["step"]), downwards=True)
    ax.margins(x=0.15)
    frame.legend_beside(ax)
    return figure
