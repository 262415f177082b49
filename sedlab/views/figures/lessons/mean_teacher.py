"""The mean teacher as curves: teachers that follow a student, and a mixture that both hear."""

from __future__ import annotations

import pandas as pd

from sedlab.scoring.names import class_name
from sedlab.views.figures import frame, style

_STEP = "Optimiser step"
#: Decays from small to large: told apart by dash and by lightness.
_TEACHER_LOOK = (
    {"color": "#E69F00", "linestyle": ":", "linewidth": 1.6},
    {"color": style.TEACHER, "linestyle": "--", "linewidth": 1.8},
    {"color": "#333333", "linestyle": "-.", "linewidth": 1.6},
)
_PANELS = {
    "score": ("One score", "Probability of {label}"),
    "weight": ("One weight", "Value"),
    "distance": ("Distance from the student", "Mean squared difference"),
}


def following_figure(
    table: pd.DataFrame, *, label: str = "the class", title: str = "Who follows how fast"
) -> frame.Picture:
    """Return how a student and teachers of different decays go over training steps.

    Parameters
    ----------
    table : DataFrame
        A row for each `step` and `network` ("student", or a teacher's name) with `score`, `weight` and `distance`, as
        of ``runs.follow_teachers``. The distance of the student from itself is left out.
    label : str
        Whose probability the score is.
    """
    if table.empty:
        return frame.empty_figure(title, "No step was taken: train for at least one.")
    figure, axes = frame.panels(len(_PANELS), 3, (4.1, 3.2), margins=(0, 0.6), title=title)
    teachers = [name for name in dict.fromkeys(table["network"]) if name != "student"]
    looks = {"student": {"color": style.STUDENT, "linestyle": "-", "linewidth": 1.2}}
    looks |= {name: _TEACHER_LOOK[place % len(_TEACHER_LOOK)] for place, name in enumerate(teachers)}
    for ax, (column, (name, y)) in zip(axes, _PANELS.items(), strict=True):
        frame.label_axes(ax, title=name, x=_STEP, y=y.format(label=class_name(label)), grid="y")
        for network, look in looks.items():
            if (column, network) != ("distance", "student"):
                rows = table[table["network"] == network]
                ax.plot(rows["step"], rows[column], label=network, **look)
    axes[0].set_ylim(0, 1)
    axes[2].set_ylim(bottom=0)
    handles = axes[0].get_lines()
    names = [
        line.get_label() if line.get_label() == "student" else f"mean teacher, {line.get_label()}" for line in handles
    ]
    frame.figure_legend(figure, handles, names, loc="outside lower center", ncols=len(handles))
    return figure


def mixture_figure(
    curves: pd.DataFrame, distance: pd.Series, *, title: str = "One mixture, heard by both"
) -> frame.Picture:
    """Return the mixture of a teacher's answers and a student's answer to the mixture, over the clip's time.

    Parameters
    ----------
    curves : DataFrame
        `after` (a row of panels), `label` (a column), `seconds`, `teacher`, `student`, as of ``runs.hear_mixture``.
    distance : Series
        Mean squared difference over all classes, by `after`.
    """
    if curves.empty:
        return frame.empty_figure(title, "There is no mixture to show.")
    stages, labels = list(dict.fromkeys(curves["after"])), list(dict.fromkeys(curves["label"]))
    size, margins = (4.6, 2.3), (0, 0.7)
    figure, axes = frame.panels(len(stages) * len(labels), len(labels), size, margins=margins, title=title)
    places = [(stage, label) for stage in stages for label in labels]
    for ax, (stage, label) in zip(axes, places, strict=True):
        rows = curves[(curves["after"] == stage) & (curves["label"] == label)]
        name = f"After {stage}: {class_name(label)}"
        frame.label_axes(ax, title=name, x="Time (s)", y="Probability", grid="y")
        time, told, answered = (rows[column].to_numpy() for column in ("seconds", "teacher", "student"))
        gap = ax.fill_between(time, told, answered, color="#DDDDDD", linewidth=0)
        (target,) = ax.plot(time, told, color=style.TEACHER, linestyle="--", linewidth=1.8)
        (answer,) = ax.plot(time, answered, color=style.STUDENT, linewidth=1.3)
        ax.set_ylim(0, 1)
        if label == labels[-1]:
            text = f"mean squared difference,\nall classes: {distance[stage]:.4f}"
            ax.text(0.98, 0.95, text, transform=ax.transAxes, ha="right", va="top", fontsize=style.TICK_SIZE)
    names = ["mixture of the mean teacher's answers", "student's answer to the mixture", "their difference: the loss"]
    frame.figure_legend(figure, [target, answer, gap], names, loc="outside lower center", ncols=3)
    return figure
