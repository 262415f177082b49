"""What stage 2 changed: the scores of the student before and after, clip by clip.

Shape letters: T frames, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.checkpoints.loading import load_network
from sedlab.data.targets import strong_targets
from sedlab.progress import Progress, no_progress
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes
from sedlab.scoring.scores.predict import predict_logits

#: Below this mean difference of scores nothing is seen in a picture.
VISIBLE = 0.01
_CLIPS = 60


@dataclass(frozen=True)
class ScoreChange:
    """Scores of the annotated classes of a subset after stage 1 and after stage 2."""

    clips: pd.DataFrame
    """A row for each clip, the most changed first: `clip_id`; `moved`, the mean absolute difference of its scores;
    `before`, `after`, their mean absolute distance from what people wrote."""
    classes: tuple[str, ...]
    before: np.ndarray
    """(T, C) of the most changed clip"""
    after: np.ndarray
    """(T, C) of the most changed clip"""

    @property
    def clip_id(self) -> str:
        """The most changed clip."""
        return self.clips["clip_id"].iloc[0]

    @property
    def sentence(self) -> str:
        """How far scores moved, whether towards the annotation, and whether a picture can show it."""
        moved, most = self.clips["moved"].mean(), self.clips.iloc[0]
        closer = int((self.clips["after"] < self.clips["before"]).sum())
        text = (
            f"From stage 1 to stage 2 a score moved by {moved:.3f} on average; {closer} of {len(self.clips)} clips are "
            f"now closer to what people wrote. Most changed is {most.clip_id}: its scores moved by {most.moved:.3f}, "
            f"their distance from the annotation went from {most.before:.3f} to {most.after:.3f}."
        )
        return text if most.moved >= VISIBLE else f"{text} That is too little to be seen: the pictures look alike."


def changed_scores(
    run: Run, arch: str, iteration: int, subset: str, *, progress: Progress = no_progress
) -> ScoreChange:
    """Let the students of both stages hear an annotated subset (its first 60 clips) and compare what they say."""
    part, classes = run.corpus().subset(subset), annotated_classes(subset, run.space)
    clips = part.clips.head(_CLIPS)
    said = {}
    for stage in ("stage1", "stage2"):
        student = load_network(run.node_dir(stage, arch, iteration) / "best.pt")
        scores = predict_logits(student, run.cache(), clips, progress=progress)
        said[stage] = scores.select(scores.clip_ids, classes).probabilities
    before, after = said["stage1"], said["stage2"]
    events = dict(list(part.events.groupby("clip_id")))
    nothing = part.events.iloc[:0]
    truth = np.stack([strong_targets(events.get(clip_id, nothing), classes).T for clip_id in clips["clip_id"]])
    changes = {"moved": after - before, "before": before - truth, "after": after - truth}
    table = pd.DataFrame({name: np.abs(values).mean((1, 2)) for name, values in changes.items()})
    table.insert(0, "clip_id", clips["clip_id"].to_numpy())
    first = int(table["moved"].argmax())
    table = table.sort_values("moved", ascending=False, ignore_index=True)
    return ScoreChange(table, tuple(classes), before[first], after[first])


def moved_classes(change: ScoreChange, count: int = 4) -> list[str]:
    """Return the classes of the most changed clip whose scores moved most, at most ``count``."""
    moved = np.abs(change.after - change.before).mean(0)
    order = np.argsort(-moved, kind="stable")[:count]
    return [change.classes[place] for place in sorted(order)]
