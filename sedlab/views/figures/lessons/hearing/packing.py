"""What is in view as JSON and bytes, for a browser that draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sedlab.grid import CLIP_SECONDS, SAMPLE_RATE
from sedlab.scoring.names import class_name
from sedlab.views.figures.lessons.hearing.asking import Changed, HeardClip
from sedlab.views.figures.lessons.hearing.ears import Heard

#: A class is worth a row when its label is above this anywhere.
_SHOWN_ABOVE = 0.01


def packed(
    before: Mapping[str, Heard],
    after: Mapping[str, Heard],
    clip: HeardClip | None,
    changed: Changed | None,
    *,
    length: float = 0.0,
    wav: Callable[[np.ndarray, int], bytes],
) -> tuple[dict[str, Any], list[bytes]]:
    """Return JSON, in which ``{"buffer": k}`` stands for the k-th of the bytes, and these.

    Values are uint8 from the lowest to the highest of a front-end on both sides. ``length`` is that of the whole sound
    (s); ``wav`` makes a file of a waveform.
    """
    buffers: list[bytes] = []

    def keep(data: bytes) -> dict[str, int]:
        buffers.append(data)
        return {"buffer": len(buffers) - 1}

    heard = changed.sound if changed is not None else None
    content = {
        "type": "view",
        "seconds": CLIP_SECONDS,
        "length": length,
        "changed": changed is not None,
        "panels": [_panel(one, after[name], keep) for name, one in before.items()],
        "labels": [] if clip is None else _label_rows(clip, changed),
        "sounds": {
            "before": None if clip is None else keep(wav(clip.waveform.numpy(), SAMPLE_RATE)),
            "after": None if heard is None else keep(wav(heard.numpy(), SAMPLE_RATE)),
            "exact": changed is None or changed.exact,
        },
    }
    return content, buffers


def _panel(before: Heard, after: Heard, keep: Callable[[bytes], dict[str, int]]) -> dict[str, Any]:
    low = float(min(before.values.min(), after.values.min()))
    high = float(max(before.values.max(), after.values.max()))

    def levels(values: np.ndarray) -> dict[str, int]:
        return keep(np.round((values - low) / ((high - low) or 1.0) * 255).astype(np.uint8).tobytes())

    bands, frames = before.values.shape
    return {
        "name": before.name,
        "bands": bands,
        "frames": frames,
        "hop": before.hop_seconds,
        "first": before.first_seconds,
        "low": low,
        "high": high,
        "edges": [before.edges.tolist(), after.edges.tolist()],
        "before": levels(before.values),
        "after": None if after is before else levels(after.values),
    }


def _label_rows(clip: HeardClip, changed: Changed | None) -> list[dict[str, Any]]:
    before = clip.labels
    if before is None:
        return []
    after = before if changed is None or changed.clip.labels is None else changed.clip.labels
    return [
        {
            "name": class_name(clip.classes[row]),
            "before": before[row].round(3).tolist(),
            "after": after[row].round(3).tolist(),
        }
        for row in np.flatnonzero(np.maximum(before.max(axis=1), after.max(axis=1)) > _SHOWN_ABOVE)
    ]
