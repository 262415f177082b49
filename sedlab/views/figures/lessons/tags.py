"""Why a tag teaches when: what a weak label's loss reads of a clip, and where it pulls.

Shape letters: N samples, T frames.
"""

from __future__ import annotations

import numpy as np

from sedlab.grid import CLIP_SECONDS, SAMPLE_RATE
from sedlab.scoring.names import class_name
from sedlab.views.figures import frame, style
from sedlab.views.figures.clips.spectrogram import draw_spectrogram


def tag_figure(
    waveform: np.ndarray,
    score: np.ndarray,
    attention: np.ndarray,
    pull: np.ndarray,
    *,
    label: str,
    weak: float,
    clip_seconds: float = CLIP_SECONDS,
    sample_rate: int = SAMPLE_RATE,
) -> frame.Picture:
    """Return a clip with its frame scores of one class, the attention they get, and the pull of the tag on each.

    Parameters
    ----------
    waveform : (N,)
    score, attention, pull : (T,)
        Probability of the class; share of the pooled answer; how far the tag's loss raises the logit, as a share.
    weak : float
        The pooled answer.
    """
    title = f"A clip with the tag {class_name(label)}, and no times"
    figure = frame.new_figure(9, 6.4, title=title)
    axes = figure.subplots(4, 1, sharex=True, height_ratios=[2.0, 1.1, 1.1, 1.1])
    draw_spectrogram(axes[0], waveform, sample_rate)
    axes[0].set_xlabel("")
    edges = np.linspace(0, clip_seconds, len(score) + 1)
    panels = (
        (score, f"Score: its weighted mean is the answer for the clip, {weak:.2f}", "Probability", style.STUDENT),
        (100 * attention, "Attention: the weight of each frame in that mean", "Share (%)", "#333333"),
        (
            100 * pull,
            "Pull of the tag: how far one step would raise each frame's logit",
            "Share (%)",
            style.PSEUDO_LABEL,
        ),
    )
    for ax, (values, name, y, colour) in zip(axes[1:], panels, strict=True):
        frame.label_axes(ax, y=y, grid="y").set_title(name, fontsize=style.LABEL_SIZE, loc="left", pad=3)
        ax.stairs(values, edges, color=colour, fill=True, alpha=0.85)
    axes[1].set_ylim(0, 1)
    axes[-1].set_xlabel("Time (s)", fontsize=style.LABEL_SIZE)
    axes[-1].set_xlim(0, clip_seconds)
    return figure
