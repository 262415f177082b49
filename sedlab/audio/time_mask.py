"""Time mask: one stretch of time becomes silent, and nothing is labelled there.

Shape letters: B clips, C classes, T label frames.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sedlab.audio.draws import randint


class TimeSpan(NamedTuple):
    """A stretch in label frames."""

    start: int
    width: int


def draw_time_span(
    num_frames: int, generator: torch.Generator, *, min_fraction: float = 0.05, max_fraction: float = 0.3
) -> TimeSpan:
    """Draw a stretch whose width is a whole number of frames in [min, max) of ``num_frames``."""
    low = int(min_fraction * num_frames)
    width = randint(low, max(int(max_fraction * num_frames), low + 1), generator)
    return TimeSpan(randint(0, max(num_frames - width, 1), generator), width)


def mask_time(values: Tensor, span: TimeSpan, rows: slice, *, frames_per_label: float = 1.0) -> Tensor:
    """Return ``values`` (B, ..., frames) with the stretch set to 0 in the clips of ``rows``.

    ``frames_per_label`` scales label frames to the frames of ``values``: 1 for targets, 4 for the CRNN's features, and
    for the transformer's features their number of frames over the labels'. Zero is silence in the CRNN's linear
    features, and the mean level in the transformer's normalised ones, as published.
    """
    start = round(span.start * frames_per_label)
    stop = round((span.start + span.width) * frames_per_label)
    masked = values.clone()
    masked[rows, ..., start:stop] = 0
    return masked
