"""Augmentations of waveforms: random gain and mixing of pairs. See `device_response` for another microphone.

Shape letters: B clips, N samples.
"""

from __future__ import annotations

import torch
from torch import Tensor


def draw_gains_db(num_clips: int, max_db: int, generator: torch.Generator) -> Tensor:
    """Draw whole-dB gains (B,) from -max_db to max_db - 1."""
    if max_db == 0:
        return torch.zeros(num_clips)
    return torch.randint(-max_db, max_db, (num_clips,), generator=generator).float()


def apply_gain(waveform: Tensor, gains_db: Tensor) -> Tensor:
    """Return ``waveform`` (B, N) with each clip amplified by its gain in dB."""
    factor = torch.pow(10.0, gains_db / 20)
    return waveform * factor.to(waveform.device, waveform.dtype, non_blocking=True)[:, None]


def mix_waveforms(waveform: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """Return ``share`` of ``waveform`` plus the rest of ``partner``, both (B, N); share is (B,) in [0, 1].

    Each is freed of its mean before, the sum after, as published. Mix targets and pseudo-labels with the same share.
    """
    mixed = torch.lerp(_centred(partner), _centred(waveform), share[:, None])
    return _centred(mixed)


def _centred(waveform: Tensor) -> Tensor:
    return waveform - waveform.mean(dim=-1, keepdim=True)
