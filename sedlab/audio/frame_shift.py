"""Frame shift: roll features, targets and pseudo-labels of a clip together in time. Off in the published recipe.

Shape letters: B clips, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor


def draw_shifts(num_clips: int, num_frames: int, std_fraction: float, generator: torch.Generator) -> Tensor:
    """Draw whole-frame shifts (B,), normal with deviation ``floor(num_frames * std_fraction)``, cut towards zero."""
    deviation = int(num_frames * std_fraction)
    return (torch.randn(num_clips, generator=generator) * deviation).long()


def scale_shifts(shifts: Tensor, ratio: float) -> Tensor:
    """Return shifts in another stream's frames, rounded half to even; ``ratio`` is its frames for each one here."""
    return (shifts.double() * ratio).round().long()


def roll_frames(values: Tensor, shifts: Tensor) -> Tensor:
    """Return ``values`` (B, ..., T) rolled circularly to the right along the last axis, each clip by its own shift."""
    num_frames = values.shape[-1]
    shifts = shifts.to(values.device, non_blocking=True)
    source = (torch.arange(num_frames, device=values.device)[None] - shifts[:, None]) % num_frames
    source = source.reshape(len(values), *[1] * (values.ndim - 2), num_frames)
    return values.gather(-1, source.expand(values.shape))
