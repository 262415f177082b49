"""Impulse responses of recording devices that do not exist: cheap microphones in small boxes."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from sedlab.data.mini.rooms import device_colour
from sedlab.data.mini.sources import hump, num_samples, resonances

_SECONDS = 0.04


def device_response(rng: Generator) -> np.ndarray:
    """Return an impulse response (samples,) with energy 1: band edges, a broad resonance, and a box that rings.

    Its peak is near the middle, so that the augmentation colours a clip without moving it in time.
    """
    n = num_samples(_SECONDS)
    impulse = np.zeros(n)
    impulse[n // 2 - 1] = 1
    heard = device_colour(rng, impulse)
    box = resonances(heard, rng.uniform(200, 1500, 2), rng.uniform(80, 300, 2))
    response = heard + rng.uniform(0.2, 0.6) * box * np.linalg.norm(heard) / np.linalg.norm(box)
    response *= hump(n, attack=0.001, release=0.005)
    return response / np.linalg.norm(response)
