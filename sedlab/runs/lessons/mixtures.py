"""Interpolation consistency, seen: a student's answer to a mixture beside the mixture of its mean teacher's answers.

Shape letters: B clips, C classes, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from sedlab.audio.mixup import Mixing, mix
from sedlab.checkpoints.loading import load_network
from sedlab.data.dataset import SedDataset, collate
from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.models.head import Scores
from sedlab.runs.run import Run
from sedlab.scoring.names import STAGE_NAME
from sedlab.training.losses import interpolated

#: Among so many clips of a set a pair is chosen.
_CANDIDATES = 16


@dataclass(frozen=True)
class HeardMixture:
    """Two clips, mixed, and what was answered after each stage."""

    curves: pd.DataFrame
    """A row for each stage, class and frame: `after`, "stage 1" or "stage 2"; `label`; `seconds`, where the frame
    begins; `teacher`, the mixture of its answers to the two clips; `student`, its answer to the mixed clip."""
    distance: pd.Series
    """Mean squared difference of the two over all frames and classes, by `after`: what the loss is made of."""
    clip_ids: tuple[str, str]
    share: float
    """How much of the mixture is the first clip."""

    @property
    def sentence(self) -> str:
        """Whether student and teacher came closer, on this one mixture."""
        before, after = self.distance
        text = f"On this mixture the mean squared difference went from {before:.4f} to {after:.4f}: stage 2 has"
        if after < before:
            return f"{text} brought the student's answer closer to the mixture of the mean teacher's."
        return (
            f"{text} not brought them closer. A student that is sure of both sounds answers nearly 1 for either, "
            "not in proportion to its share."
        )


def hear_mixture(run: Run, arch: str, iteration: int, subset: str, *, share: float = 0.6) -> HeardMixture:
    """Mix two annotated clips of a subset that have no class in common and ask the networks of both stages.

    Features are mixed as mixup mixes them, ``share`` of the first with the rest of the second; the teacher hears both
    alone. Networks are in evaluation mode: what is compared is what they know, without dropout.

    Raises
    ------
    SedlabError
        When a stage is not trained, or the subset has no two clips with events.
    """
    networks = {
        (stage, network): load_network(run.node_dir(stage, arch, iteration) / "best.pt", network=network)
        for stage in ("stage1", "stage2")
        for network in ("teacher", "student")
    }
    part = run.corpus().subset(subset)
    dataset = SedDataset(part, run.cache(), training=False)
    batch = collate([dataset[index] for index in range(min(_CANDIDATES, len(dataset)))])
    teacher = networks["stage1", "teacher"]
    heard = teacher.features(batch.waveform)
    with torch.inference_mode():
        (alone,) = teacher(heard.mel, teacher.embed(heard.transformer), masks=(batch.targets.mask,))
    pair, labels = _choose(alone.strong.amax(-1) * batch.targets.weak, batch.targets.weak > 0, subset)

    mixing = Mixing(torch.tensor([1, 0]), torch.tensor([share, 1 - share]))
    tables, distance = [], {}
    for stage in ("stage1", "stage2"):
        told, answered = _answers(
            networks[stage, "teacher"],
            networks[stage, "student"],
            batch.waveform[pair],
            batch.targets.mask[pair],
            mixing,
        )
        after = STAGE_NAME[stage]
        distance[after] = float((told - answered).square().mean())
        for label in labels:
            curve = {"seconds": frame_times()[:-1], "teacher": told[label].numpy(), "student": answered[label].numpy()}
            tables.append(pd.DataFrame({"after": after, "label": part.classes[label], **curve}))
    clip_ids = tuple(batch.clip_ids[row] for row in pair)
    return HeardMixture(pd.concat(tables, ignore_index=True), pd.Series(distance), clip_ids, share)


@torch.inference_mode()
def _answers(teacher: torch.nn.Module, student: torch.nn.Module, waveform: Tensor, mask: Tensor, mixing: Mixing):
    """Return (C, T) of the first clip's mixture: the teacher's mixed answers, the student's answer."""
    heard = teacher.features(waveform)
    (alone,) = teacher(heard.mel, teacher.embed(heard.transformer), masks=(mask,))
    told = interpolated(Scores(alone.strong, alone.weak), mixing)
    heard = student.features(waveform)
    mel, transformer = mix(heard.mel, mixing), mix(heard.transformer, mixing)
    (answered,) = student(mel, student.embed(transformer), masks=(mask,))
    return told.strong[0], answered.strong[0]


def _choose(certainty: Tensor, present: Tensor, subset: str) -> tuple[list[int], Sequence[int]]:
    """Return the rows of two clips, if possible without common class, and their surest classes, by ``certainty``."""
    order = [row for row in certainty.amax(-1).argsort(descending=True).tolist() if present[row].any()]
    pairs = [(first, second) for place, first in enumerate(order) for second in order[place + 1 :]]
    if not pairs:
        raise SedlabError(f"{subset}: fewer than two of its clips have events. Choose another subset.")
    pair = next((pair for pair in pairs if not (present[pair[0]] & present[pair[1]]).any()), pairs[0])
    return list(pair), [int(certainty[row].argmax()) for row in pair]
