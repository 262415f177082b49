"""Device impulse responses: a clip as another microphone would have recorded it.

Source: device impulse response augmentation, arXiv 2305.07499, in the form of the published CP-JKU system.
Shape letters: B clips, N samples, R responses, L samples of a response.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sedlab.audio.draws import uniform


class DeviceDraws(NamedTuple):
    """Which clips are recorded anew, and with which response."""

    rows: Tensor  # (clips,) int64, increasing
    response: Tensor  # (clips,) int64


def align_responses(responses: Sequence[np.ndarray]) -> Tensor:
    """Return responses of any lengths as rows of one float32 Tensor (R, L), padded so that each still acts as before.

    L is odd. Zeros are added on both sides of the sample that `convolve_responses` takes as a response's middle.
    """
    half = max(len(response) for response in responses) // 2
    rows = []
    for response in responses:
        before, after = (len(response) - 1) // 2, len(response) // 2
        rows.append(F.pad(torch.as_tensor(response, dtype=torch.float32), (half - before, half - after)))
    return torch.stack(rows)


def draw_devices(num_clips: int, num_responses: int, p: float, generator: torch.Generator) -> DeviceDraws:
    """Choose each clip with probability ``p`` and for it one of the responses, all alike."""
    chosen = uniform(0, 1, (num_clips,), generator) < p
    response = torch.randint(num_responses, (num_clips,), generator=generator)
    return DeviceDraws(chosen.nonzero().flatten(), response[chosen])


def record_with_devices(waveform: Tensor, responses: Tensor, draws: DeviceDraws) -> Tensor:
    """Return ``waveform`` (B, N) with the drawn clips convolved with the drawn rows of ``responses`` (R, L)."""
    if not len(draws.rows):
        return waveform
    rows = draws.rows.to(waveform.device, non_blocking=True)
    response = draws.response.to(waveform.device, non_blocking=True)
    return waveform.index_copy(0, rows, convolve_responses(waveform[rows], responses[response]))


def convolve_responses(waveform: Tensor, responses: Tensor) -> Tensor:
    """Return ``waveform`` (B, N) as recorded with ``responses``, one for all (L,) or one for each clip (B, L).

    As published: the waveform is padded with L // 2 zeros on both sides, only the valid part of the convolution is
    kept, and it is cut to N samples. A response whose peak is at sample k therefore advances the sound by
    L - 1 - L // 2 - k samples; labels are not moved.
    """
    from scipy.fft import next_fast_len

    num_samples, length = waveform.shape[-1], responses.shape[-1]
    # Through the frequency domain: responses have thousands of samples.
    size = next_fast_len(num_samples + length - 1, real=True)
    full = torch.fft.irfft(torch.fft.rfft(waveform, size) * torch.fft.rfft(responses, size), size)
    start = (length - 1) // 2
    return full[..., start : start + num_samples]
