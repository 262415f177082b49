"""A few seconds of training, to see what a device does: a rate of matrix products, a rate of clips."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sedlab.config.loading import load_experiment
from sedlab.config.trainer import TrainerConfig
from sedlab.data.batch import Batch, Rows, Targets
from sedlab.grid import CLIP_SAMPLES, NUM_FRAMES
from sedlab.labels import valid_classes
from sedlab.training.detection import DetectionTask
from sedlab.training.device.hardware import DTYPES, Hardware, choose
from sedlab.training.device.micro_batches import MicroBatches, recorder_for
from sedlab.training.distributed import make_fabric

_SIDE = {"cuda": 8192, "mps": 2048, "cpu": 1024}
#: Clips of each group in a batch: midi's on a card, few elsewhere.
_SIZES = {"maestro": 7, "strong": 5, "synth": 5, "weak": 9, "unlabeled": 9}
_FEW = dict.fromkeys(_SIZES, 1)


@dataclass(frozen=True)
class SelfTest:
    """What was measured."""

    hardware: Hardware
    matrix_tflops: float
    """10^12 floating-point operations a second of a large matrix product, at the precision of trainings."""
    clips_per_second: float
    """Of stage 2 of midi's ATST: clips of 10 s, student and teacher, all augmentations."""
    problem: str | None
    """Why there were no CUDA graphs although there should have been."""

    def __str__(self) -> str:
        graphs = f"; CUDA graphs are not used: {self.problem}" if self.problem else ""
        return (
            f"{self.matrix_tflops:.3g} TFLOP/s in matrix products, {self.clips_per_second:.3g} clips/s in stage 2 of "
            f"midi's ATST{graphs}"
        )


def self_test(seconds: float = 5.0, *, trainer: TrainerConfig | None = None) -> SelfTest:
    """Measure for about so many seconds, after a start that takes some more."""
    trainer = trainer or TrainerConfig()
    hardware = choose(trainer)
    matrix = _matrix_rate(hardware, 0.2 * seconds)
    node = load_experiment("midi").node("stage2", "atst", 1)
    node = node.model_copy(update={"training": node.training.model_copy(update={"trainer": trainer})})
    fabric = make_fabric(node.training.trainer)
    task = DetectionTask(node, fabric)
    optimizer = fabric.setup_optimizers(task.optimizer)
    recorder = recorder_for(fabric) if hardware.graphs else None
    micro_batches = MicroBatches(task, fabric, accumulation=1, recorder=recorder)
    batch = _noise(_SIZES if hardware.kind == "cuda" else _FEW).to(fabric.device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=not micro_batches.keeps_gradients)
        micro_batches.learn(batch, 1, torch.Generator().manual_seed(1), is_last=True)
        optimizer.step()

    step()
    steps_per_second = _rate(step, 0.8 * seconds, fabric.device)
    return SelfTest(hardware, matrix, len(batch) * steps_per_second, micro_batches.problem)


def _matrix_rate(hardware: Hardware, seconds: float) -> float:
    side = _SIDE[hardware.kind]
    left, right = torch.randn(2, side, side, device=hardware.kind).to(DTYPES[hardware.precision])
    return 2 * side**3 * _rate(lambda: left @ right, seconds, left.device) / 1e12


def _rate(work: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Return how often ``work`` is done in a second, tried for so many seconds, once at least."""
    work()
    _synchronise(device)
    num, begin = 0, time.perf_counter()
    while num == 0 or time.perf_counter() - begin < seconds:
        for _ in range(3 if device.type == "cuda" else 1):
            work()
            num += 1
        _synchronise(device)
    return num / (time.perf_counter() - begin)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _noise(sizes: dict[str, int]) -> Batch:
    generator, num_clips = torch.Generator().manual_seed(0), sum(sizes.values())
    corpora = ["maestro" if group == "maestro" else "desed" for group, size in sizes.items() for _ in range(size)]
    mask = torch.stack([torch.from_numpy(valid_classes(corpus, training=True)) for corpus in corpora])
    strong = (torch.rand(*mask.shape, NUM_FRAMES, generator=generator) > 0.9).float() * mask[..., None]
    return Batch(
        waveform=0.1 * torch.randn(num_clips, CLIP_SAMPLES, generator=generator),
        targets=Targets(strong, strong.amax(dim=-1), mask),
        rows=Rows.of(sizes),
        subsets=["synth_train"] * num_clips,
        clip_ids=[str(clip) for clip in range(num_clips)],
    )
