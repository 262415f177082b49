"""Simulated annotators: several imperfect listeners judge every second of a recording; their mean opinion is the label.

MAESTRO Real's soft labels are the opinions of crowd workers weighted by their estimated competence (Martín-Morató &
Mesaros, "Strong labeling of sound events using crowdsourced weak labels and annotator competence estimation", IEEE/ACM
TASLP 2023). Here the competence is known, and each listener judges single seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import expit, ndtr

from sedlab.data.mini.difficulty import (
    ANNOTATOR_COMPETENCE,
    ANNOTATOR_FALSE_ALARM,
    ANNOTATOR_SLOPE_DB,
    ANNOTATOR_THRESHOLD_DB,
)

#: Pairs a listener takes for each other.
CONFUSIONS: Mapping[str, str] = {
    "people talking": "children voices",
    "children voices": "people talking",
    "car": "large_vehicle",
    "large_vehicle": "car",
    "metro approaching": "metro leaving",
    "metro leaving": "metro approaching",
}

# A listener who missed a sound this second will likely miss it in the next one too.
_PERSISTENCE = 0.8


@dataclass(frozen=True)
class Opinions:
    """What several listeners say about the seconds of one recording, and how far each is believed.

    Shape letters: A annotators, C classes, S seconds.
    """

    competence: np.ndarray
    """(A, C) in (0, 1): the weight of each listener's word about each class"""
    heard: np.ndarray
    """(A, C, S) bool"""

    @property
    def soft(self) -> np.ndarray:
        """The mean opinion (C, S) in [0, 1], listeners weighted by their competence."""
        weights = self.competence[:, :, None]
        return (weights * self.heard).sum(axis=0) / weights.sum(axis=0)


def soft_labels(rng: Generator, snr_db: np.ndarray, classes: Sequence[str], *, num_annotators: int) -> np.ndarray:
    """Return the mean opinion (classes, seconds) in [0, 1] of so many drawn listeners, see `draw_opinions`."""
    return draw_opinions(rng, snr_db, classes, num_annotators=num_annotators).soft


def draw_opinions(rng: Generator, snr_db: np.ndarray, classes: Sequence[str], *, num_annotators: int) -> Opinions:
    """Return what so many listeners, drawn by ``rng``, hear of each class in each second.

    Parameters
    ----------
    snr_db : (classes, seconds) array
        Level of each class over everything else; -inf where it is silent.
    """
    audible = expit((snr_db - ANNOTATOR_THRESHOLD_DB) / ANNOTATOR_SLOPE_DB)
    partner = [classes.index(CONFUSIONS[c]) if CONFUSIONS.get(c) in classes else None for c in classes]
    confused = np.stack([np.zeros(audible.shape[1]) if p is None else audible[p] for p in partner])
    # A listener is not equally good at everything: competence varies by class around a personal mean.
    competence = np.clip(
        rng.uniform(*ANNOTATOR_COMPETENCE, (num_annotators, 1)) + rng.normal(0, 0.05, (num_annotators, len(classes))),
        0.3,
        0.99,
    )
    believed = competence[:, :, None]
    incompetence = 1 - believed
    report = 1 - (1 - believed * audible) * (1 - 0.5 * incompetence * confused) * (
        1 - ANNOTATOR_FALSE_ALARM * incompetence
    )
    return Opinions(competence, _persistent_uniform(rng, report.shape) < report)


def _persistent_uniform(rng: Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers uniform in [0, 1] that change slowly along the last axis."""
    noise = rng.standard_normal(shape)
    for second in range(1, shape[-1]):
        noise[..., second] = _PERSISTENCE * noise[..., second - 1] + np.sqrt(1 - _PERSISTENCE**2) * noise[..., second]
    return ndtr(noise)
