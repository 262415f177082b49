"""The mean teacher, seen: one student that trains for a few steps, and teachers with different decays behind it.

Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sedlab.data.batch import Batch
from sedlab.grid import FRAME_SECONDS
from sedlab.models.detector import Detector
from sedlab.progress import Progress, no_progress
from sedlab.runs.lessons.batches import training_batches
from sedlab.runs.run import Run
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.losses import supervised_losses
from sedlab.training.teacher import make_teacher, update_teacher

#: More would only make the lesson longer, and the student steadier than it is shown.
_CLIPS_OF_A_GROUP = 1
#: So many clips tell what networks say and how far they are apart: the one that is watched and those before it.
_CLIPS_ASKED = 2
#: Steps for each epoch of the stage that the lesson takes at most: one of a few steps needs no long lesson.
_STEPS_PER_EPOCH = 10


@dataclass(frozen=True)
class Following:
    """A student's steps, and what became of its teachers."""

    table: pd.DataFrame
    """A row for each step and network: `step`; `network`, "student" or "decay 0.9"; `score`, the probability of one
    class in one frame; `weight`, that parameter of the class's linear layer which the student moved most; `distance`,
    the mean squared difference from the student's answers, as the loss has it."""
    label: str
    """The class of `score`."""
    seconds: float
    """Where its frame begins in its clip; the class sounds there."""
    clip_id: str


def follow_teachers(
    run: Run,
    arch: str,
    iteration: int = 1,
    *,
    decays: Sequence[float] = (0.5, 0.95, 0.999),
    num_steps: int = 60,
    num_batches: int = 3,
    look_every: int = 2,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Following:
    """Train a fresh student of stage 1 for a few steps on a few batches; teachers with ``decays`` follow it.

    Labels alone teach here: no teacher has a say, so that all follow the same student. Its rate is that of the stage
    from the first step on, and clips are as they are, without augmentation. The frame whose score is watched lies in
    the middle of the longest event of a strongly labelled clip. Every ``look_every``-th step is written down. Takes
    five to ten seconds with the small models of `mini`; a stage of few epochs gets fewer steps, ten an epoch at most.
    """
    node = run.node("stage1", arch, iteration)
    num_steps = min(num_steps, _STEPS_PER_EPOCH * node.training.epochs)
    with torch.random.fork_rng(devices=[]):
        fabric, space = make_fabric(node.training.trainer), run.corpus().space
        task = DetectionTask(node, fabric, pretrained=_hearing(run, arch, iteration), space=space)
        student, device = task.student.train(), task.fabric.device
        drawn = training_batches(run, node, num_batches, seed=seed, at_most=_CLIPS_OF_A_GROUP)
        batches = [batch.to(device) for batch in drawn]
        inputs = [_inputs(student, batch) for batch in batches]
        clip, label, place = _watched(batches[0])
        asked = slice(max(0, clip + 1 - _CLIPS_ASKED), clip + 1)
        probe = tuple(tensor[asked] for tensor in (*inputs[0], batches[0].targets.mask))
        teachers = {f"decay {decay:g}": (make_teacher(student).train(), decay) for decay in decays}
        networks = {"student": student, **{name: teacher for name, (teacher, _) in teachers.items()}}
        rows = []
        for step in range(num_steps):
            batch, (mel, embedding) = batches[step % num_batches], inputs[step % num_batches]
            (scores,) = student(mel, embedding, masks=(batch.targets.mask,))
            loss = supervised_losses(scores, batch.targets.masked(), batch.rows, node.training.loss)["supervised"]
            for teacher, decay in teachers.values():
                update_teacher(teacher, student, step=step, decay=decay)
            if step % look_every == 0:
                rows += _states(step, networks, probe, (clip - asked.start, label, place))
            task.optimizer.zero_grad()
            loss.backward()
            task.optimizer.step()
            progress(step + 1, num_steps, "steps")
    table, seconds = _with_most_moved_weight(pd.DataFrame(rows)), place * FRAME_SECONDS
    return Following(table, space.classes[label], seconds, batches[0].clip_ids[clip])


def _states(
    step: int,
    networks: dict[str, Detector],
    probe: tuple[Tensor, Tensor, Tensor],
    watched: tuple[int, int, int],
) -> list[dict[str, object]]:
    """Return what each network is and says at a step, asked in training mode as the loss asks it."""
    mel, embedding, mask = probe
    rows, answers = [], {}
    for name, network in networks.items():
        with torch.no_grad():
            (scores,) = network(mel, embedding, masks=(mask,))
        answers[name] = scores.strong
        distance = (scores.strong - answers["student"]).square().mean()
        rows.append(
            {
                "step": step,
                "network": name,
                "score": float(scores.strong[watched]),
                "weight": network.head.events.weight[watched[1]].detach().cpu().numpy().copy(),
                "distance": float(distance),
            }
        )
    return rows


def _with_most_moved_weight(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with one of its vectors of weights: where the student's spread over steps is largest."""
    student = np.stack(table.loc[table["network"] == "student", "weight"])
    place = int(student.std(axis=0).argmax())
    return table.assign(weight=[float(weights[place]) for weights in table["weight"]])


def _hearing(run: Run, arch: str, iteration: int) -> Path | None:
    """Return a file with the frozen transformer of the stage: pre-training's, or a finished stage's; None: neither."""
    folders = (run.node_dir("pretrain", arch), run.node_dir("stage1", arch, iteration))
    return next((folder / "best.pt" for folder in folders if (folder / "best.pt").is_file()), None)


@torch.no_grad()
def _inputs(student: Detector, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return what both branches bring to a batch; the transformer is frozen, so it listens once."""
    features = student.features(batch.waveform)
    return features.mel, student.embed(features.transformer)


def _watched(batch: Batch) -> tuple[int, int, int]:
    """Return clip, class and frame of the middle of the longest event of the first clip with certain labels."""
    active = batch.targets.strong * batch.targets.mask[..., None]
    first = batch.rows.hard_labelled.start
    clip = next((row for row in range(first, len(batch)) if active[row].any()), 0)
    label = int((active[clip] > 0).sum(dim=-1).argmax())
    frames = active[clip, label].nonzero()[:, 0]
    return clip, label, int(frames[len(frames) // 2]) if len(frames) else 0
