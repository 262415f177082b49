"""What a median filter leaves of a short sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.grid import FRAME_SECONDS
from sedlab.postprocess.decode import detect_events
from sedlab.postprocess.median import median_filter
from sedlab.views.figures import frame, style

#: Seconds shown on either side of the event.
_AROUND = 1.5


def filter_lengths_figure(
    scores: np.ndarray,
    frame_times: np.ndarray,
    event: tuple[float, float],
    lengths: Sequence[int] = (1, 3, 7, 13),
    *,
    threshold: float = 0.5,
    title: str = "One short event, longer and longer windows",
) -> frame.Picture:
    """Return the scores of one class around an event after median filters of several lengths.

    Parameters
    ----------
    scores : (frames,) float
        Not filtered.
    frame_times : (frames + 1,) float
        Boundaries in seconds.
    event : (onset, offset) in seconds
    lengths : sequence of int
        Windows in frames, odd; 1 leaves scores as they are.
    """
    figure, axes = frame.panels(len(lengths), 4, (2.7, 2.3), margins=(0.3, 0.7), title=title, sharex=True, sharey=True)
    lowest, highest = max(frame_times[0], event[0] - _AROUND), min(frame_times[-1], event[1] + _AROUND)
    for ax, length in zip(axes, lengths, strict=True):
        filtered = median_filter(np.asarray(scores)[:, None], length)
        found = detect_events(filtered, ["event"], frame_times, threshold)
        near = found[(found["offset"] > event[0]) & (found["onset"] < event[1])]
        frame.label_axes(ax, grid="y")
        window = "no filter" if length == 1 else f"{length} frames = {length * FRAME_SECONDS:.2f} s"
        said = ", ".join(f"{row.onset:.2f} to {row.offset:.2f} s" for row in near.itertuples()) or "nothing"
        ax.set_title(f"{window}\nfinds {said}", fontsize=style.TICK_SIZE, loc="left")
        ax.stairs(scores, frame_times, color=style.MUTED, lw=0.9, ls=":", label="before the filter")
        ax.stairs(filtered[:, 0], frame_times, color=style.STUDENT, lw=1.8, label="after it")
        ax.axhline(threshold, color=style.PSEUDO_LABEL, lw=1, ls="--", label="threshold")
        ax.broken_barh([(event[0], event[1] - event[0])], (1.05, 0.08), color=style.GROUND_TRUTH, label="event")
        ax.set(xlim=(lowest, highest), ylim=(0, 1.16))
    frame.figure_legend(figure, *axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=4)
    figure.supxlabel("Time (s)", fontsize=style.LABEL_SIZE)
    figure.supylabel("Score", fontsize=style.LABEL_SIZE)
    return figure
