"""The still picture of a scene: what stays of a player where no kernel moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sedlab.postprocess.decode import detect_events
from sedlab.views.figures.clips.clip import ClipView, view_figure
from sedlab.views.figures.frame import Picture
from sedlab.views.player.scene import Scene, System


def scene_figure(
    scene: Scene, thresholds: Mapping[str, float], postprocess: str = "median", shown: Sequence[str] | None = None
) -> Picture:
    """Return `view_figure` of the first model and the first pseudo-labels that are shown.

    ``thresholds`` has one of every class; ``postprocess`` is "none", "median" or "boxes", ``shown`` names systems.
    """
    systems = [system for system in scene.systems if shown is None or system.name in shown]
    model, pseudo, soft = (next((s for s in systems if s.role == role), None) for role in ("model", "pseudo", "soft"))
    view = ClipView(
        scene.waveform,
        scene.sample_rate,
        events=scene.events,
        detections=None if model is None else detections(model, scene.classes, thresholds, postprocess),
        soft=None if soft is None else soft.scores,
        pseudo=None if pseudo is None else pseudo.scores,
        scores=None if model is None else model.scores,
        title=scene.title,
        seconds=scene.seconds,
        silence=scene.silence,
    )
    grid = next((s.frame_times for s in systems if len(s.frame_times) > 1), None)
    seconds = {} if grid is None else {"frame_seconds": float(grid[1] - grid[0])}
    return view_figure(view, classes=scene.classes, **seconds)


def detections(
    system: System, classes: Sequence[str], thresholds: Mapping[str, float], postprocess: str = "median"
) -> pd.DataFrame:
    """Return `onset, offset` (s), `label, confidence` of what a system detects in a clip.

    Where it has no filtered scores or boxes, its scores as they are count.
    """
    if postprocess == "boxes" and system.boxes is not None:
        above = system.boxes["confidence"] > system.boxes["label"].map(dict(thresholds)).astype(float)
        return system.boxes[above].reset_index(drop=True)
    scores = system.median if postprocess == "median" and system.median is not None else system.scores
    return detect_events(np.asarray(scores, dtype=float), classes, system.frame_times, thresholds)
