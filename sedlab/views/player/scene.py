"""What the player draws of one clip: sound, reference, and what any number of systems say, as arrays.

Shape letters: N samples, T frames, C classes, F mel bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sedlab.grid import FRAME_SECONDS, SAMPLE_RATE
from sedlab.labels import CLASSES
from sedlab.scoring.names import class_name
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.clips.spectrogram import DYNAMIC_RANGE_DB, HOP, log_mel
from sedlab.views.player.sound import wav_bytes

#: What a system's scores are: of a model, pseudo-labels that a model learnt from, or the share of annotators.
ROLES = ("model", "pseudo", "soft")


@dataclass(frozen=True, eq=False)
class System:
    """What one model, or one set of pseudo-labels, says of a clip."""

    name: str
    """Shown, and unique in a scene: "ensemble, iteration 2"."""
    scores: np.ndarray
    """(T, C) probabilities, not post-processed"""
    frame_times: np.ndarray
    """(T + 1,) boundaries in seconds"""
    median: np.ndarray | None = None
    """(T, C) the same after the median filter"""
    boxes: pd.DataFrame | None = None
    """Event boxes: `onset, offset` (s), `label, confidence`; the threshold chooses among them"""
    role: str = "model"
    """One of `ROLES`"""


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything there is to draw and play of one clip."""

    key: str
    """Unique in a player: `subset/clip_id`."""
    waveform: np.ndarray
    """(N,) in [-1, 1]"""
    sample_rate: int = SAMPLE_RATE
    classes: tuple[str, ...] = CLASSES
    """The columns of all scores"""
    systems: tuple[System, ...] = ()
    events: pd.DataFrame | None = None
    """Reference: `onset, offset` (s; NaN for a clip-level label), `label`, perhaps `confidence`; None: not annotated"""
    masked: frozenset[str] = field(default_factory=frozenset)
    """Classes about which the clip's corpus says nothing"""
    title: str = ""
    seconds: float = 0.0
    """Of a clip whose waveform is not there"""
    silence: str = ""
    """Why it is not there"""

    @property
    def duration(self) -> float:
        """Seconds."""
        return np.asarray(self.waveform).size / self.sample_rate or self.seconds

    def pack(self) -> tuple[dict[str, Any], list[bytes]]:
        """Return the scene for the browser: JSON, in which ``{"buffer": k}`` stands for the k-th of the bytes.

        The spectrogram is uint8, 0 to 255 for the 70 dB below its loudest cell, (F, T) from low to high; scores are
        float64, because float32 would round those near 1 and move events.
        """
        buffers: list[bytes] = []

        def keep(data: bytes) -> dict[str, int]:
            buffers.append(data)
            return {"buffer": len(buffers) - 1}

        def doubles(values: np.ndarray | None) -> dict[str, int] | None:
            return None if values is None else keep(np.ascontiguousarray(values, dtype="<f8").tobytes())

        content = {
            "key": self.key,
            "title": self.title or self.key,
            "duration": self.duration,
            "sampleRate": self.sample_rate,
            "silence": self.silence,
            "mel": self._packed_mel(keep),
            "audio": keep(wav_bytes(self.waveform, self.sample_rate)),
            "classes": [
                {"label": label, "name": class_name(label), "masked": label in self.masked} for label in self.classes
            ],
            "events": event_rows(self.events),
            "systems": [
                {
                    "name": system.name,
                    "role": system.role,
                    "frames": len(system.scores),
                    "times": doubles(system.frame_times),
                    "ways": {"none": doubles(system.scores), "median": doubles(system.median)},
                    "boxes": event_rows(system.boxes),
                }
                for system in self.systems
            ],
        }
        return content, buffers

    def _packed_mel(self, keep: Any) -> dict[str, Any] | None:
        if np.asarray(self.waveform).size == 0:
            return None
        image = log_mel(self.waveform, self.sample_rate)
        levels = np.round((image / DYNAMIC_RANGE_DB + 1) * 255).astype(np.uint8)
        hop = max(1, round(HOP / SAMPLE_RATE * self.sample_rate)) / self.sample_rate
        bands, frames = levels.shape
        return {
            "values": keep(levels.tobytes()),
            "bands": bands,
            "frames": frames,
            "hopSeconds": hop,
            "maxHz": self.sample_rate / 2,
        }


def scene_of(
    view: ClipView, key: str = "clip", *, classes: Sequence[str] | None = None, frame_seconds: float = FRAME_SECONDS
) -> Scene:
    """Return the scene of a `ClipView`: its strips become systems called scores, pseudo-labels and soft labels."""
    strips = [("scores", view.scores, "model"), ("pseudo-labels", view.pseudo, "pseudo")]
    strips.append(("soft labels", view.soft, "soft"))
    systems = tuple(
        System(name, np.asarray(values), np.arange(len(values) + 1) * frame_seconds, role=role)
        for name, values, role in strips
        if values is not None
    )
    classes = view.classes if classes is None else tuple(classes)
    silent = {"seconds": view.seconds, "silence": view.silence}
    return Scene(key, view.waveform, view.sample_rate, classes, systems, view.events, title=view.title, **silent)


def event_rows(events: pd.DataFrame | None) -> list[dict[str, Any]] | None:
    """Return events as JSON; NaN, a clip-level label's time or a confidence nobody gave, becomes None."""
    if events is None:
        return None
    names = [name for name in ("onset", "offset", "label", "confidence") if name in events]
    columns = [[None if value != value else value for value in events[name].tolist()] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
