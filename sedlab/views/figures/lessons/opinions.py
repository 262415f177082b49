"""What is behind a soft label: who heard the sound in which second, how far each is believed, and their mean.

Shape letters: A annotators, C classes, S seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.data.mini.annotators import Opinions
from sedlab.labels import SOFT_THRESHOLD
from sedlab.views.figures import frame, style

#: Bars leave a gap, so that neighbouring seconds can be counted.
_WIDTH = 0.92


def opinions_figure(
    opinions: Opinions, level_db: Sequence[float], *, place: int = 0, title: str = "Behind a soft label"
) -> frame.Picture:
    """Return, second by second, the level of a sound, who heard it, and the soft label that this makes.

    Parameters
    ----------
    level_db : (S,) level of the sound over the background
    place : int
        Which of the classes of ``opinions``.
    """
    level = np.asarray(level_db, dtype=float)
    if level.size == 0 or not len(opinions.competence):
        return frame.empty_figure(title, "Nobody listened: give at least one second and one annotator.")
    competence, heard, soft = opinions.competence[:, place], opinions.heard[:, place], opinions.soft[place]
    seconds = np.arange(len(level))
    figure = frame.new_figure(max(6.0, 1.6 + 0.42 * len(level)), 4.2 + 0.24 * len(competence), title=title)
    heights = [1.2, 0.5 + 0.24 * len(competence), 1.3]
    above, people, below = figure.subplots(3, 1, sharex=True, height_ratios=heights)

    frame.label_axes(above, title="How loud it is", y="dB over the rest", grid="y")
    above.stairs(level, np.arange(len(level) + 1), color=style.GROUND_TRUTH, linewidth=1.5, baseline=None)

    frame.label_axes(people, title="Who heard it (the more competent, the darker)")
    names = [f"annotator {person + 1}, competence {weight:.2f}" for person, weight in enumerate(competence)]
    for person, weight in enumerate(competence):
        spans = [(second + (1 - _WIDTH) / 2, _WIDTH) for second in seconds[heard[person]]]
        shade = style.TRUTH_CMAP(0.35 + 0.65 * float(weight))
        people.broken_barh(spans, (person - 0.38, 0.76), facecolor=shade)
    frame.name_rows(people, names, downwards=True, margin=0.5)

    frame.label_axes(below, title="The soft label: their mean, weighted by competence", x="Time (s)", y="Confidence")
    below.bar(seconds + 0.5, soft, width=_WIDTH, color=style.LABEL_KIND_COLOUR["soft"])
    for second, value in zip(seconds, soft, strict=True):
        below.text(second + 0.5, value + 0.03, f"{value:.2f}", ha="center", fontsize=6.5, color=style.NUMBER)
    below.axhline(SOFT_THRESHOLD, color=style.MUTED, linestyle="--", linewidth=1)
    beside = {"va": "center", "fontsize": style.TICK_SIZE, "color": style.NUMBER}
    below.text(
        1.01, SOFT_THRESHOLD, "evaluation counts\nwhat is above", transform=below.get_yaxis_transform(), **beside
    )
    below.set_ylim(0, 1.18)
    below.set_xlim(0, len(level))
    return figure
