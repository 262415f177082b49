"""FilterAugment: a random piecewise linear gain over frequency, as another room or microphone would give.

The band edges are shared by the batch, the gains at the edges are each clip's own.

Source: FilterAugment (linear type), arXiv 2110.03282.
Shape letters: B clips, F bins, T frames.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from sedlab.audio.draws import randint, uniform
from sedlab.config.augmentation import FilterBands


class FilterDraws(NamedTuple):
    """Band edges of the batch and gains of each clip."""

    edges: tuple[int, ...]  # bins, increasing, first 0 and last F
    gains_db: Tensor  # (B, number of edges)


def draw_filters(num_clips: int, num_bins: int, config: FilterBands, generator: torch.Generator) -> FilterDraws:
    """Draw the edges of bands and the gains at them; bands get narrower when they do not fit into ``num_bins``."""
    num_bands = randint(config.bands[0], config.bands[1] + 1, generator)
    width = min(config.min_bandwidth, num_bins // num_bands)
    free = torch.randint(num_bins - num_bands * width + 1, (num_bands - 1,), generator=generator)
    gains_db = uniform(*config.db, (num_clips, num_bands + 1), generator)
    return FilterDraws(band_edges(free, num_bins, width), gains_db)


def band_edges(free: Tensor, num_bins: int, min_bandwidth: int) -> tuple[int, ...]:
    """Return increasing edges from unsorted draws (bands - 1,), at least ``min_bandwidth`` bins apart."""
    inner = free.sort().values + min_bandwidth * torch.arange(1, len(free) + 1)
    return (0, *inner.tolist(), num_bins)


def filter_gains_db(draws: FilterDraws) -> Tensor:
    """Return the gain of every bin (B, F) in dB.

    Inside a band the gain runs linearly from one edge's value in the first bin to the next edge's in the last.
    """
    pieces = []
    for band, (first, last) in enumerate(zip(draws.edges[:-1], draws.edges[1:], strict=True)):
        position = torch.linspace(0, 1, last - first)
        left, right = draws.gains_db[:, band, None], draws.gains_db[:, band + 1, None]
        pieces.append(torch.lerp(left, right, position))
    return torch.cat(pieces, dim=1)


def filter_gains(draws: FilterDraws) -> Tensor:
    """Return the factor of every bin (B, F)."""
    return torch.pow(10.0, filter_gains_db(draws) / 20)


def filter_augment(features: Tensor, draws: FilterDraws) -> Tensor:
    """Return ``features`` (B, 1, F, T) times the drawn gain curves."""
    return apply_filters(features, filter_gains(draws))


def apply_filters(features: Tensor, gains: Tensor) -> Tensor:
    """Return ``features`` (B, 1, F, T) times ``gains`` (B, F).

    The transformer's features are normalised logarithms; the published system multiplies those too, and so does this.
    """
    return features * gains.to(features.device, features.dtype, non_blocking=True)[:, None, :, None]
