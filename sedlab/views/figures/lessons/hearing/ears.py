"""A sound through the four front-ends, with the axes of what comes out.

Shape letters: N samples, F bands, T frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from sedlab.audio.frontends import CrnnMel, Frontend, build_frontend, scale_crnn_mel
from sedlab.config.loading import load_experiment
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE

if TYPE_CHECKING:
    from torch import Tensor

    from sedlab.config.model import DetectorConfig

CRNN = "CRNN"
#: How the three transformers are called in print, by architecture.
TRANSFORMERS = {"passt": "fPaSST", "beats": "BEATs", "atst": "ATST"}

#: Raw features of one clip, (1, 1, F, T) by front-end: those of the CRNN are magnitudes, on which augmentations act.
Raw = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Heard:
    """What one network is given of a clip."""

    name: str
    values: np.ndarray
    """(F, T) float32, low frequencies first"""
    edges: np.ndarray
    """(F + 2,) Hz: band i rises from edge i, peaks at i + 1, ends at i + 2"""
    hop_seconds: float
    first_seconds: float
    """The middle of the first frame."""

    @property
    def peaks(self) -> np.ndarray:
        """Where each band is most sensitive, (F,) Hz."""
        return self.edges[1:-1]


class Ears:
    """The front-ends of a system's models: of each transformer, and of the CRNN beside it (and of the baseline).

    Parameters
    ----------
    models : {architecture: DetectorConfig} or None
        None: those of the published system.
    """

    def __init__(self, models: Mapping[str, DetectorConfig] | None = None) -> None:
        self.models = dict(load_experiment("paper").models if models is None else models)
        detectors = {arch: self.models[arch] for arch in TRANSFORMERS if arch in self.models}
        self.front_ends: dict[str, Frontend] = {
            TRANSFORMERS[arch]: build_frontend(_alone(model.transformer)).eval() for arch, model in detectors.items()
        }
        self.front_ends[CRNN] = CrnnMel(next(iter(self.models.values())).crnn)

    def raw(self, waveform: Tensor) -> Raw:
        """Return features (1, 1, F, T) of ``waveform`` (N,) at 16 kHz in [-1, 1]."""
        with torch.no_grad():
            return {name: front_end(waveform[None]) for name, front_end in self.front_ends.items()}

    def heard(self, raw: Raw, edges: Mapping[str, np.ndarray] | None = None) -> dict[str, Heard]:
        """Return what the networks are given, by name; ``edges`` (Hz) of front-ends whose bands were moved."""
        found = {}
        for name, values in raw.items():
            front_end = self.front_ends[name]
            scaled = scale_crnn_mel(values) if name == CRNN else values
            band_edges = (edges or {}).get(name, front_end.band_edges.numpy())
            hop = front_end.hop / SAMPLE_RATE
            # Kaldi's frames begin with the sound; those of the others are centred on multiples of the hop.
            first = getattr(front_end, "length", 0) / 2 / SAMPLE_RATE
            found[name] = Heard(name, scaled[0, 0].numpy().astype(np.float32), band_edges, hop, first)
        return found


def as_clip(waveform: np.ndarray | Tensor, start: int = 0) -> Tensor:
    """Return the 10 s of ``waveform`` (N,) from sample ``start`` on, as a network hears them; silence after its end."""
    part = torch.as_tensor(np.asarray(waveform, dtype=np.float32)[start : start + CLIP_SAMPLES])
    return torch.nn.functional.pad(part, (0, CLIP_SAMPLES - len(part)))


def _alone(config):
    """Return ATST's configuration so that a clip does not depend on others, as where it is asked for scores."""
    return config.model_copy(update={"top_db_scope": "clip"}) if config.arch == "atst" else config
