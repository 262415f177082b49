"""Augmentations of waveforms: random gain, mixing of pairs, another microphone.

Shape letters: B clips, N samples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sedlab.audio.mixup import Mixing, mix


def draw_gains_db(num_clips: int, max_db: int, generator: torch.Generator) -> Tensor:
    """Draw whole-dB gains (B,) from -max_db to max_db - 1."""
    if max_db == 0:
        return torch.zeros(num_clips)
    return torch.randint(-max_db, max_db, (num_clips,), generator=generator).float()


def apply_gain(waveform: Tensor, gains_db: Tensor) -> Tensor:
    """Return ``waveform`` (B, N) with each clip amplified by its gain in dB."""
    factor = torch.pow(10.0, gains_db / 20)
    return waveform * factor.to(waveform.device, waveform.dtype, non_blocking=True)[:, None]


def mix_waveforms(waveform: Tensor, mixing: Mixing) -> Tensor:
    """Return mixed waveforms (B, N); each is freed of its mean before, the sum after.

    A clip whose partner is itself stays as it is. Mix targets and pseudo-labels with ``mixup.mix``.
    """
    mixing = mixing.to(waveform.device)
    centred = waveform - waveform.mean(dim=-1, keepdim=True)
    mixed = mix(centred, mixing)
    alone = mixing.partner == torch.arange(len(waveform), device=waveform.device)
    return torch.where(alone[:, None], waveform, mixed - mixed.mean(dim=-1, keepdim=True))


def convolve_impulse_response(waveform: Tensor, impulse_response: Tensor) -> Tensor:
    """Return ``waveform`` (B, N) as recorded by a device with ``impulse_response`` (L,).

    The waveform is padded by L // 2 on both sides and only the valid part is kept, cut to N samples. A response whose
    peak is at sample k therefore advances the sound by L - 1 - L // 2 - k samples; labels are not moved, as published.
    """
    length, num_samples = len(impulse_response), waveform.shape[-1]
    pad = length // 2
    size = num_samples + 2 * pad + length - 1
    # Through the frequency domain: responses have thousands of samples.
    spectrum = torch.fft.rfft(torch.nn.functional.pad(waveform, (pad, pad)), size)
    full = torch.fft.irfft(spectrum * torch.fft.rfft(impulse_response, size), size)
    return full[..., length - 1 : length - 1 + num_samples]
