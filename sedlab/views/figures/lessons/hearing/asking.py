"""A clip to listen to, what is asked of it, and what has become of it.

Shape letters: N samples, C classes, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Generator, Tensor

from sedlab.audio.draws import beta
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.views.figures.lessons.hearing.drawing import Drawn
from sedlab.views.figures.lessons.hearing.ears import CRNN, Ears, Raw


@dataclass(frozen=True, eq=False)
class HeardClip:
    """Ten seconds to listen to."""

    name: str
    waveform: Tensor
    """(N,)"""
    raw: Raw
    labels: np.ndarray | None = None
    """(C, T) in [0, 1]; None: not annotated"""
    classes: tuple[str, ...] = CLASSES
    """The rows of the labels"""


@dataclass(frozen=True, eq=False)
class Changed:
    """A clip after one augmentation."""

    clip: HeardClip
    drawn: Drawn
    sound: Tensor | None = None
    """What is heard; None: there is no sound of it"""
    exact: bool = True
    """Whether the sound itself was changed; otherwise features were, and `sound` is the nearest there is"""
    edges: dict[str, np.ndarray] | None = None
    """Of front-ends whose bands were moved, Hz"""


@dataclass(frozen=True)
class Ask:
    """What is done to a clip."""

    ears: Ears
    clip: HeardClip
    other: HeardClip | None
    strength: float | None
    generator: Generator
    responses: Tensor | None = None

    @property
    def partner(self) -> HeardClip:
        """The clip to mix in."""
        if self.other is None:
            raise SedlabError("there is no second clip to mix in. Give the viewer two files, or a folder.")
        return self.other

    def kept(self, alpha: float) -> float:
        """Return how much of the clip stays: as asked for, or the larger share of a draw."""
        if self.strength is not None:
            return 1 - self.strength / 100
        return float(beta(alpha, 1, self.generator)[0])

    def edges(self) -> dict[str, np.ndarray]:
        """Return the bands of all front-ends (Hz)."""
        return {name: front_end.band_edges.numpy() for name, front_end in self.ears.front_ends.items()}

    def transformers(self) -> list[str]:
        """Return the names of the transformers."""
        return [name for name in self.clip.raw if name != CRNN]
