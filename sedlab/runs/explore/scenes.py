"""The scene of a run's clip: sound, reference, what any of its systems say, and the pseudo-labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.runs.clips import heard_clip
from sedlab.runs.explore.systems import ScoredSystem
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes, read_scores
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.player.scene import Scene, System


def key_of(subset: str, clip_id: str) -> str:
    """Return the key of a clip in a player."""
    return f"{subset}/{clip_id}"


def split_key(key: str) -> tuple[str, str]:
    """Return subset and clip id of a key."""
    subset, _, clip_id = key.partition("/")
    return subset, clip_id


def scene_of_clip(run: Run, key: str, systems: Sequence[ScoredSystem], *, pseudo_labels: Sequence[int] = ()) -> Scene:
    """Return a clip as heard and annotated, with what ``systems`` say and the pseudo-labels of some iterations.

    All classes are there; those about which the clip's corpus says nothing are `masked`. A system without scores of
    the subset is left out.
    """
    subset, clip_id = split_key(key)
    heard = heard_clip(run, subset, clip_id)
    annotated = () if layout(subset).family == "audioset" else annotated_classes(subset, run.space)
    said = [_system(run, subset, clip_id, system) for system in systems]
    said += [_pseudo_labels(run, subset, clip_id, iteration) for iteration in pseudo_labels]
    return Scene(
        key,
        heard.waveform,
        heard.sample_rate,
        classes=heard.classes,
        systems=tuple(system for system in said if system is not None),
        events=heard.events,
        masked=frozenset(heard.classes) - frozenset(annotated),
        title=heard.title,
        seconds=heard.seconds,
        silence=heard.silence,
    )


def _system(run: Run, subset: str, clip_id: str, system: ScoredSystem) -> System | None:
    file = run.score_file(system.iteration, system.model, subset, stage=system.stage)
    if not file.is_file():
        return None
    scores = read_scores(file, clip_id)
    csebbs = run.csebbs(system.iteration, system.model)
    boxes = _boxes(csebbs, scores) if system.stage == "stage2" and csebbs.is_file() else None
    return System(
        system.name,
        scores.probabilities[0].astype(np.float64),
        scores.frame_times,
        median=Postprocess.read("median").suited_to(scores.classes).scores(scores.tables())[clip_id].to_numpy()[:, 2:],
        boxes=boxes,
    )


def _boxes(file: object, scores: ScoreFile) -> pd.DataFrame:
    """Return every event box of the only clip in ``scores``."""
    return Postprocess.read(file).params.detect(scores.probabilities[0], scores.classes, scores.frame_times)


def _pseudo_labels(run: Run, subset: str, clip_id: str, iteration: int) -> System | None:
    file = run.score_file(iteration, ENSEMBLE, subset)
    if not file.is_file():
        return None
    scores = read_scores(file, clip_id)
    name = f"pseudo-labels, iteration {iteration}"
    return System(name, scores.probabilities[0], scores.frame_times, role="pseudo")
