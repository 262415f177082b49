"""Mel spectrograms of a batch of waveforms, fast on a CPU as well.

Frames are a view of the waveform, windowed in one pass, and the spectrum goes straight into the filter bank. On a CPU
the batch passes in blocks whose spectra stay in the cache, which halves the time of long FFTs; on a GPU it passes as
a whole. The result is the same.

Shape letters: B clips, N samples, T frames, F mel bins.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

#: Samples of windowed frames that a CPU takes at once (8 MB of float32).
_BLOCK_SAMPLES = 2_000_000


def mel_spectrogram(
    waveform: Tensor, filters: Tensor, frames: Callable[[Tensor], Tensor], *, hop: int, magnitude: bool = False
) -> Tensor:
    """Return the mel spectrogram (B, F, T) of ``waveform`` (B, N), in float32 also under autocast.

    Parameters
    ----------
    filters : (n_fft // 2 + 1, F) Tensor
        Mel filter bank.
    frames : callable
        Turns waveforms (b, N) into windowed frames (b, T, n_fft).
    hop : int
        Samples between frames.
    magnitude : bool
        Apply the filters to ``|X|`` instead of ``|X|²``.
    """
    with torch.autocast(device_type=waveform.device.type, enabled=False):
        waveform = waveform.float()
        block = len(waveform)
        if waveform.device.type == "cpu":
            n_fft = 2 * (len(filters) - 1)
            block = max(1, _BLOCK_SAMPLES // (waveform.shape[-1] // hop * n_fft + 1))
        mels = []
        for part in waveform.split(max(1, block)):
            spectrum = torch.fft.rfft(frames(part))
            # abs() of a complex tensor is several times slower on a CPU
            power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)
            mels.append((power.sqrt_() if magnitude else power) @ filters)
        return torch.cat(mels).transpose(1, 2)


def centred_frames(signal: Tensor, window: Tensor, hop: int) -> Tensor:
    """Return 1 + N // hop windowed frames (B, T, n_fft) centred on multiples of ``hop``; the ends are reflected."""
    n_fft = len(window)
    padded = F.pad(signal[:, None], (n_fft // 2, n_fft // 2), mode="reflect")[:, 0]
    return padded.unfold(-1, n_fft, hop) * window


def padded_window(window: Tensor, n_fft: int) -> Tensor:
    """Return ``window`` with zeros on both sides, centred in ``n_fft`` samples."""
    left = (n_fft - len(window)) // 2
    return F.pad(window, (left, n_fft - len(window) - left))
