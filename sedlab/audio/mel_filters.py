"""Triangular mel filter banks: matrices from FFT bins to mel bands.

Two conventions are in use. Kaldi's triangles are straight lines over the mel axis and leave out the Nyquist bin;
those of the HTK scale in torchaudio are straight lines over Hz. Neither is normalised by area. With narrow low bands
a triangle can fall between two FFT bins: that filter is zero everywhere, in the published features too.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sedlab.grid import SAMPLE_RATE

#: Where constants are computed, whatever the default device is: PyTorch needs two seconds of imports for the arithmetic
#: of networks without memory ("meta"), which every checkpoint is compared with.
CPU = torch.device("cpu")


def kaldi_filters(num_mels: int, n_fft: int, fmin: float, fmax: float) -> Tensor:
    """Return the Kaldi mel filter bank (n_fft // 2 + 1, num_mels); the Nyquist bin has weight 0.

    Source: Kaldi's ``MelBanks``; mel(f) = 1127 ln(1 + f / 700).
    """
    low, high = (1127.0 * math.log1p(frequency / 700.0) for frequency in (fmin, fmax))
    edges = torch.linspace(low, high, num_mels + 2, dtype=torch.float64, device=CPU)
    fft_bins = torch.arange(n_fft // 2, dtype=torch.float64, device=CPU)
    bins = 1127.0 * torch.log1p(fft_bins * SAMPLE_RATE / n_fft / 700.0)
    filters = torch.zeros(n_fft // 2 + 1, num_mels, device=CPU)
    filters[:-1] = _triangles(bins, edges)
    return filters


def htk_filters(num_mels: int, n_fft: int, fmin: float, fmax: float) -> Tensor:
    """Return the HTK mel filter bank (n_fft // 2 + 1, num_mels) with triangles that are straight in Hz.

    In float32 throughout: that gives the published matrices to the last bit.

    Source: ``torchaudio.functional.melscale_fbanks(norm=None, mel_scale="htk")``; mel(f) = 2595 log10(1 + f / 700).
    """
    low, high = (2595.0 * math.log10(1.0 + frequency / 700.0) for frequency in (fmin, fmax))
    edges = 700.0 * (10.0 ** (torch.linspace(low, high, num_mels + 2, device=CPU) / 2595.0) - 1.0)
    return _triangles(torch.linspace(0, SAMPLE_RATE // 2, n_fft // 2 + 1, device=CPU), edges)


def band_edges(num_mels: int, fmin: float, fmax: float) -> Tensor:
    """Return where the bands begin and end (num_mels + 2,) in Hz: band i rises from i, peaks at i + 1, ends at i + 2.

    For axes of pictures: the two scales differ in a factor, which does not matter here, and the filter banks above
    have arithmetic of their own.
    """
    low, high = (math.log1p(frequency / 700.0) for frequency in (fmin, fmax))
    return 700.0 * torch.linspace(low, high, num_mels + 2, dtype=torch.float64).expm1()


def _triangles(points: Tensor, edges: Tensor) -> Tensor:
    """Return triangles (points, bands) that rise from edge i to edge i + 1 and fall to edge i + 2."""
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (points[:, None] - left) / (centre - left)
    falling = (right - points[:, None]) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0.0)
