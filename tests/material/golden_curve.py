"""The losses of thirty steps of each stage of `nano`, on noise with random labels: what `golden/curves/` holds."""

from __future__ import annotations

from pathlib import Path

import torch

from sedlab.config.experiment import Node
from sedlab.config.loading import load_experiment
from sedlab.data.batch import Batch, Partners, Rows, Targets
from sedlab.data.corpora.layout import DETECTION_GROUPS
from sedlab.labels import valid_classes
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.fit import fit
from sedlab.training.pretraining import PretrainingTask

CURVES = Path(__file__).parents[1] / "golden" / "curves"
STEPS = 30
NUM_AUDIOSET_CLASSES = 12
#: Every stage, and every transformer at least once; stage 1 of iteration 2 has pseudo-labels.
NODES = (
    ("pretrain", "passt", 0),
    ("pretrain", "atst", 0),
    ("stage1", "beats", 1),
    ("stage1", "passt", 2),
    ("stage2", "atst", 1),
    ("stage2", "beats", 2),
)


class NoiseLoader:
    """One epoch of batches of five clips of noise, one of each group."""

    def __init__(self, node: Node):
        self.node = node

    def __len__(self) -> int:
        return STEPS

    def epoch(self, epoch: int, start: int = 0):
        """Yield the batches; the same ones whenever they are asked for."""
        for index in range(start, STEPS):
            yield self._pretraining(index) if self.node.stage == "pretrain" else self._detection(index)

    def _pretraining(self, index: int) -> Batch:
        generator, num_clips = torch.Generator().manual_seed(index), len(DETECTION_GROUPS)
        strong = (torch.rand(num_clips, NUM_AUDIOSET_CLASSES, 250, generator=generator) > 0.9).float()
        return Batch(
            waveform=0.1 * torch.randn(num_clips, 160_000, generator=generator),
            targets=Targets(strong, strong.amax(-1), torch.ones(num_clips, NUM_AUDIOSET_CLASSES, dtype=torch.bool)),
            rows=Rows.of({"audioset": num_clips}),
            subsets=["audioset_train"] * num_clips,
            clip_ids=[str(row) for row in range(num_clips)],
        )

    def _detection(self, index: int) -> Batch:
        return detection_batch(index, pseudo=self.node.training.loss.pseudo > 0)


def detection_batch(seed: int, *, pseudo: bool) -> Batch:
    """Return five clips of noise, one of each group of a detector's training, with random labels."""
    generator, num_clips = torch.Generator().manual_seed(seed), len(DETECTION_GROUPS)
    corpora = ["maestro"] + ["desed"] * (num_clips - 1)
    mask = torch.stack([torch.from_numpy(valid_classes(corpus, training=True)) for corpus in corpora])
    strong = (torch.rand(num_clips, 27, 156, generator=generator) > 0.9).float() * mask[..., None]
    strong[3:] = 0
    return Batch(
        waveform=0.1 * torch.randn(num_clips, 160_000, generator=generator),
        targets=Targets(
            strong=strong,
            weak=(torch.rand(num_clips, 27, generator=generator) > 0.9).float() * mask,
            mask=mask,
            pseudo=torch.rand(num_clips, 27, 156, generator=generator) if pseudo else None,
        ),
        rows=Rows.of(dict.fromkeys(DETECTION_GROUPS, 1)),
        subsets=["synth_train"] * num_clips,
        clip_ids=[str(row) for row in range(num_clips)],
        partners=Partners(
            rows=torch.tensor([1]),
            share=torch.tensor([0.7]),
            waveform=0.1 * torch.randn(1, 160_000, generator=generator),
            targets=Targets(
                strong=(torch.rand(1, 27, 156, generator=generator) > 0.9).float() * mask[1:2, :, None],
                weak=torch.zeros(1, 27),
                mask=mask[1:2],
                pseudo=torch.rand(1, 27, 156, generator=generator) if pseudo else None,
            ),
        ),
    )


def curve(stage: str, arch: str, iteration: int, folder: Path) -> str:
    """Train thirty steps of a node of `nano` in ``folder``; return its losses as text, a line a step."""
    node = _one_epoch(load_experiment("nano").node(stage, arch, iteration))
    fabric = make_fabric(node.training.trainer)
    if stage == "pretrain":
        task = PretrainingTask(node, fabric, classes=tuple(f"/m/{i}" for i in range(NUM_AUDIOSET_CLASSES)))
    else:
        responses = torch.randn(2, 101, generator=torch.Generator().manual_seed(0)) / 10
        task = DetectionTask(node, fabric, responses=responses)
    folder.mkdir(parents=True, exist_ok=True)
    result = fit(task, NoiseLoader(node), node, folder, fabric=fabric, save_best=task.save)
    return _as_text(result.history)


def curve_file(stage: str, arch: str, iteration: int) -> Path:
    """Return the file of the recorded losses of a node."""
    return CURVES / f"{stage}_{arch}_{iteration}.txt"


def _one_epoch(node: Node) -> Node:
    return node.model_copy(update={"training": node.training.model_copy(update={"epochs": 1})})


def _as_text(history: Path) -> str:
    import pandas as pd

    table = pd.read_csv(history, float_precision="round_trip")
    names = [name for name in table if name.startswith("loss/")]
    # Nine digits tell any two float32 numbers apart; a part that a step does not have is nan.
    rows = [[f"{step}", *(f"{value:.9g}" for value in row)] for step, row in enumerate(table[names].to_numpy())]
    header = ["step", *(name.removeprefix("loss/") for name in names)]
    return "".join(" ".join(cells) + "\n" for cells in [header, *rows])
