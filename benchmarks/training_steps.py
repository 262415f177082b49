"""The timed steps of `training_worker.py`, the clips of noise that they train on, and a device's rate of products."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from cache import synthetic_corpus
from lightning_fabric import Fabric
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from sedlab.config.experiment import Node
from sedlab.data.batch import Batch
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.layout import GROUPS
from sedlab.data.dataset import SedDataset
from sedlab.data.loader import BatchLoader
from sedlab.data.pseudo_labels import read_pseudo_labels
from sedlab.data.stored_logits import write_logits
from sedlab.labels import CLASSES, DESED_CLASSES
from sedlab.training.device.graphs import CudaRecorder
from sedlab.training.device.micro_batches import MicroBatches
from sedlab.training.optimizer import clip_gradients

#: A step at which every ramp and warm-up is over.
LATE = 100_000
#: Micro-batches of a timed step: more of them, as BEATs has, only take longer.
MOST_ACCUMULATED = 8
MATRIX = {"cuda": 8192, "cpu": 1024}
#: Of the driver: what the host starts on the device, and what it waits for.
STARTS = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch", "cudaMemcpyAsync", "cudaMemsetAsync")
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")


class Steps:
    """Optimiser steps in the order of `sedlab.training.fit`."""

    def __init__(self, node: Node, task: Any, fabric: Fabric, micro_batches: MicroBatches, batches: Iterator[Batch]):
        self._node, self._task, self._fabric = node, task, fabric
        self._micro_batches, self._batches = micro_batches, batches
        self._optimizer = fabric.setup_optimizers(task.optimizer)
        self._seeds = itertools.count()
        self.waited = 0.0

    def step(self, accumulation: int | None = None) -> int:
        """Make one optimiser step; return its clips."""
        clips, config = 0, self._node.training
        accumulation = accumulation or min(config.accumulation, MOST_ACCUMULATED)
        for position in range(accumulation):
            if position == 0:
                self._optimizer.zero_grad(set_to_none=not self._micro_batches.keeps_gradients)
            asked = time.perf_counter()
            batch = next(self._batches)
            self.waited += time.perf_counter() - asked
            clips += len(batch)
            seed = next(self._seeds)
            torch.manual_seed(seed)
            generator = torch.Generator().manual_seed(seed)
            batch = batch.to(self._fabric.device, non_blocking=True)
            self._micro_batches.learn(batch, LATE, generator, is_last=position == accumulation - 1)
        if config.optim.clip_norm is not None:
            clip_gradients(self._fabric, self._task.optimizer, config.optim.clip_norm)
        self._optimizer.step()
        return clips

    def measure(self, seconds: float) -> dict[str, Any]:
        """Return rates of steps over at least so many seconds, two steps at least."""
        device = self._fabric.device
        self.step()  # the first call allocates, chooses kernels, compiles, records
        synchronise(device)
        begin = time.perf_counter()
        self.step()
        synchronise(device)
        num = max(2, round(seconds / (time.perf_counter() - begin)))
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.waited, begin = 0.0, time.perf_counter()
        # As in training, nothing waits for the device between two steps.
        clips = sum(self.step() for _ in range(num))
        synchronise(device)
        elapsed = time.perf_counter() - begin
        return {
            "clips_per_second": clips / elapsed,
            "steps_per_second": num / elapsed,
            "clips_per_step": clips / num,
            "waiting": self.waited / elapsed,
            "memory_gib": torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else None,
        }

    def profiled(self, folder: Path | None, name: str, *, several: bool) -> dict[str, Any]:
        """Return what the host starts and waits for in a micro-batch, and the longest kernels."""
        if self._fabric.device.type != "cuda":
            with OperatorCount() as count:
                self.step(1)
            return {"starts": count.computed, "waits_for_device": count.read}
        # A whole step where several are learnt from at once: other numbers of them would be new to the recorder.
        num = min(self._node.training.accumulation, MOST_ACCUMULATED if several else 2)
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as told:
            self.step(num)
            torch.cuda.synchronize()
        events = told.key_averages()
        count = {event.key: event.count for event in events}
        kernels = [
            (event.key[:60], event.self_device_time_total / 1e3 / num, round(event.count / num))
            for event in events
            if event.device_type == torch.autograd.DeviceType.CUDA
        ]
        kernels.sort(key=lambda kernel: -kernel[1])
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            lines = [f"{milliseconds:9.3f} ms {number:6d} x {key}" for key, milliseconds, number in kernels]
            (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        waits = sum(number for key, number in count.items() if key.startswith(WAITS)) - 1  # our own
        return {
            "starts": round(sum(number for key, number in count.items() if key.startswith(STARTS)) / num),
            "waits_for_device": round(waits / num),
            "kernel_milliseconds": sum(milliseconds for _, milliseconds, _ in kernels),
            "kernels": kernels[:12],
        }


class OperatorCount(TorchDispatchMode):
    """Counts operators that compute something, and values that the host reads."""

    def __init__(self) -> None:
        super().__init__()
        self.computed = self.read = 0

    def __torch_dispatch__(self, operator: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        is_view = any(part.alias_info is not None and not part.alias_info.is_write for part in operator._schema.returns)
        self.read += operator is torch.ops.aten._local_scalar_dense.default
        self.computed += not is_view
        return operator(*args, **(kwargs or {}))


def micro_batches_of(node: Node, task: Any, fabric: Fabric, variant: dict[str, Any]) -> MicroBatches:
    """Return the micro-batches of a variant."""
    graphs = variant.get("graphs") and fabric.device.type == "cuda"
    return MicroBatches(
        task,
        fabric,
        accumulation=node.training.accumulation,
        together=min(variant.get("together", 1), node.training.accumulation),
        side_by_side=bool(variant.get("side")),
        recorder=CudaRecorder(fabric.device) if graphs else None,
    )


@cache
def matrix_rate(precision: str) -> float:
    """Return the FLOP/s of a large matrix product at a training's precision, the best of five."""
    kind = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16, "32-true": torch.float32}[precision]
    left, right = torch.randn(2, MATRIX[kind], MATRIX[kind], device=kind).to(dtype)
    best = float("inf")
    for _ in range(5):
        synchronise(left.device)
        begin = time.perf_counter()
        left @ right
        synchronise(left.device)
        best = min(best, time.perf_counter() - begin)
    return 2 * MATRIX[kind] ** 3 / best


def precision_of(fabric: Fabric) -> str:
    """Return the precision of a Fabric."""
    return str(getattr(fabric.strategy.precision, "precision", "32-true"))


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


class Noise(NamedTuple):
    """Clips of noise."""

    dataset: SedDataset
    sizes: dict[str, int]
    """Clips of each group in a batch."""
    clips: pd.DataFrame
    """The clip table."""


def noise(node: Node, folder: Path) -> Noise:
    """Return four batches in the composition of the node."""
    config = node.training
    if node.stage == "pretrain":
        sizes = {"audioset": config.batch_size}
    else:
        sizes = {group: size for group, size in config.batch.model_dump().items() if size}
    folder.mkdir()
    corpus = synthetic_corpus(folder, 4 * sum(sizes.values()))
    corpus.clips["group"] = [group for group in GROUPS if group in sizes for _ in range(4 * sizes[group])]
    kinds = {"maestro": "soft", "weak": "weak", "unlabeled": "none"}
    corpus.clips["label_kind"] = [kinds.get(group, "strong") for group in corpus.clips["group"]]
    cached = WaveformCache.open(folder)
    options: dict[str, Any] = {
        "wavmix_probability": config.augment.wavmix.p,
        "wavmix_alpha": config.augment.wavmix.alpha,
    }
    if node.stage == "pretrain":
        options |= {"classes": DESED_CLASSES, "num_frames": 250, "frame_seconds": 0.04}
    elif config.loss.pseudo:
        names, random = corpus.clips["clip_id"].tolist(), np.random.default_rng(0)
        logits = random.normal(-3, 2, (len(names), 156, len(CLASSES))).astype(np.float32)
        write_logits(folder / "labels.hdf5", names, logits, {"classes": list(CLASSES)})
        options["pseudo_labels"] = {"synth_train": read_pseudo_labels(folder / "labels.hdf5")}
    return Noise(SedDataset(corpus, cached, training=True, **options), sizes, corpus.clips)


def endless(loader: BatchLoader) -> Iterator[Batch]:
    """Yield the batches of one epoch after another."""
    for epoch in itertools.count():
        yield from loader.epoch(epoch)
