"""Why a tag teaches when: the frames of a weakly labelled clip that its loss pulls at.

Shape letters: T frames, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from sedlab.checkpoints.loading import load_network
from sedlab.config.experiment import Stage
from sedlab.data.dataset import SedDataset, collate
from sedlab.errors import SedlabError
from sedlab.models.head import pool_scores
from sedlab.runs.run import Run

#: Among so many clips one is chosen.
_CANDIDATES = 40


@dataclass(frozen=True)
class TagPull:
    """One clip with one of its tags: what the head says of it, and what the tag does to each frame."""

    waveform: np.ndarray
    """(N,) at 16 kHz"""
    clip_id: str
    label: str
    weak: float
    """The pooled probability that the class is in the clip."""
    score: np.ndarray
    """(T,) probability of the class in each frame"""
    attention: np.ndarray
    """(T,) share of each frame in the pooled answer; they add up to 1"""
    pull: np.ndarray
    """(T,) how far the tag's loss raises the logit of each frame, as a share of all; negative: lowers it"""


def pull_of_a_tag(run: Run, stage: Stage, arch: str, iteration: int, subset: str) -> TagPull:
    """Return the tag of a subset whose class the student hears in the smallest part of the clip, and its pull.

    ``pull`` is the negative gradient of the binary cross-entropy between pooled answer and tag with respect to the
    frames' logits, through scores alone: attention is held still.

    Raises
    ------
    SedlabError
        When no clip of the subset has a tag.
    """
    student = load_network(run.node_dir(stage, arch, iteration) / "best.pt")
    part = run.corpus().subset(subset)
    dataset = SedDataset(part, run.cache(), training=False)
    batch = collate([dataset[index] for index in range(min(_CANDIDATES, len(dataset)))])
    tagged = (batch.targets.weak > 0) & batch.targets.mask
    if not tagged.any():
        raise SedlabError(f"{subset}: no clip has a tag. Choose a weakly labelled subset.")
    with torch.no_grad():
        features = student.features(batch.waveform)
        hidden = student.trunk(features.mel, student.embed(features.transformer))
        logits, attention = student.head.events(hidden), student.head.attention(hidden)
    logits.requires_grad_()
    scores = pool_scores(logits, logits.sigmoid(), attention, batch.targets.mask)

    frames = scores.strong.detach()
    contrast = (frames.amax(-1) - frames.mean(-1)).masked_fill(~tagged, -1)
    clip, label = divmod(int(contrast.argmax()), contrast.shape[1])
    weak = scores.weak[clip, label]
    (gradient,) = torch.autograd.grad(F.binary_cross_entropy(weak, torch.ones_like(weak)), logits)
    pull = -gradient[clip, :, label]
    weights = attention[clip].masked_fill(~batch.targets.mask[clip], -1e30).softmax(-1).clamp(1e-7, 1.0)[:, label]
    return TagPull(
        waveform=batch.waveform[clip].numpy(),
        clip_id=batch.clip_ids[clip],
        label=part.classes[label],
        weak=float(weak.detach()),
        score=frames[clip, label].numpy(),
        attention=(weights / weights.sum()).numpy(),
        pull=(pull / pull.abs().sum().clamp(min=1e-12)).numpy(),
    )
