"""Time mask: one stretch of time becomes silent, and nothing is labelled there.

Shape letters: B clips, C classes, T label frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sedlab.audio.draws import Span, randint


def draw_time_span(
    num_frames: int, generator: torch.Generator, *, min_fraction: float = 0.05, max_fraction: float = 0.3
) -> Span:
    """Draw a stretch whose width is a whole number of label frames in [min, max) of ``num_frames``."""
    low = int(min_fraction * num_frames)
    width = randint(low, max(int(max_fraction * num_frames), low + 1), generator)
    return Span(randint(0, max(num_frames - width, 1), generator), width)


def mask_time(values: Tensor, span: Span, rows: slice, *, frames_per_label: float = 1.0) -> Tensor:
    """Return ``values`` (B, ..., frames) with the stretch set to 0 in the clips of ``rows``.

    ``frames_per_label`` scales label frames to the frames of ``values``: 1 for targets, 4 for the CRNN's features, and
    for the transformer's features their number of frames over the labels'. Zero is silence in the CRNN's linear
    features, and the mean level in the transformer's normalised ones, as published.
    """
    start = round(span.start * frames_per_label)
    stop = round((span.start + span.length) * frames_per_label)
    masked = values.clone()
    masked[rows, ..., start:stop].zero_()
    return masked
