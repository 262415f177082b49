"""The process of `training.py` that measures: it reads what to do from its input and writes numbers, a line each.

It can be ended at any time, and may crash: what asks for the numbers starts another one.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from training_steps import (
    LATE,
    Noise,
    Steps,
    endless,
    matrix_rate,
    micro_batches_of,
    noise,
    precision_of,
    synchronise,
)

from sedlab.config.experiment import Node
from sedlab.data.batch import Batch
from sedlab.data.loader import BatchLoader
from sedlab.data.sampler import GroupBatchSampler
from sedlab.labels import DESED_CLASSES
from sedlab.models.kernels.choice import WAYS, chosen
from sedlab.models.trials import exactly
from sedlab.training.detection import DetectionTask
from sedlab.training.device.hardware import choose
from sedlab.training.device.layers import fastest_layers
from sedlab.training.device.micro_batches import TOLERANCE
from sedlab.training.device.rewinding import relative_distance
from sedlab.training.device.trying import Question, verdicts
from sedlab.training.distributed import make_fabric
from sedlab.training.node import compile_parts
from sedlab.training.optimizer import detector_optimizer
from sedlab.training.pretraining import PretrainingTask

#: Scale of float16 gradients when numbers are compared: they must not overflow.
MODEST_SCALE = 1024.0
SCORED_CLIPS = {"cuda": 512, "cpu": 8}


def main() -> None:
    """Do what the input asks for until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever libraries print
    step_seconds, folder = float(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as data:
        lab = Lab(Path(data), step_seconds, Path(folder) if folder else None)
        for text in sys.stdin:
            job = json.loads(text)
            try:
                row = lab.do(job["kind"], Node.model_validate_json(job["node"]), job["variant"])
            except Exception as error:
                traceback.print_exc()
                row = {"problem": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
            row["machine"] = machine()
            print(json.dumps(row), file=answers, flush=True)


def machine() -> dict[str, str]:
    """Return what the numbers are measured on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"torch": torch.__version__, "gpu": gpu, "threads": str(torch.get_num_threads())}


class Lab:
    """The nodes measured so far, with their data and their networks as they were at first."""

    def __init__(self, data: Path, step_seconds: float, profiles: Path | None):
        self._data, self._step_seconds, self._profiles = data, step_seconds, profiles
        self._tasks: dict[str, tuple[Any, dict[str, Any]]] = {}
        self._noise: dict[str, Noise] = {}
        self._references: dict[str, list[torch.Tensor]] = {}
        self._flop: dict[str, float] = {}
        self._plain_distance: dict[str, float] = {}

    def do(self, kind: str, node: Node, variant: dict[str, Any]) -> dict[str, Any]:
        """Return the numbers of one job."""
        if kind == "ways":
            return {"ways": each_way(node)}
        with prepared(node, variant) as (fabric, ways):
            task = self._task(node, fabric)
            row = {"ways": ways} if kind == "train" and ways else {}
            row["precision"] = precision_of(fabric)
            measure = self._train if kind == "train" else self._score
            try:
                if variant.get("compile"):
                    for network in task.networks.values():
                        compile_parts(network)
                return row | measure(node, task, fabric, variant)
            finally:
                for network in task.networks.values():
                    for module in network.modules():
                        module._compiled_call_impl = None
                task.optimizer = None
                gc.collect()
                if fabric.device.type == "cuda":
                    torch.cuda.empty_cache()

    def _task(self, node: Node, fabric: Fabric) -> Any:
        """Return the node's task from its first weights, under another precision perhaps."""
        if node.name not in self._tasks:
            task = make_task(node, fabric)
            first = {name: {k: v.clone() for k, v in n.state_dict().items()} for name, n in task.networks.items()}
            self._tasks[node.name] = task, first
        task, first = self._tasks[node.name]
        task.fabric = fabric
        for name, network in task.networks.items():
            network.load_state_dict(first[name])
            network.zero_grad(set_to_none=True)
        task.optimizer = detector_optimizer(task.networks["student"], node.training.optim)
        return task

    def _loader(self, node: Node, fabric: Fabric) -> BatchLoader:
        if node.name not in self._noise:
            self._noise[node.name] = noise(node, self._data / node.name)
        dataset, sizes, _ = self._noise[node.name]
        sampler = GroupBatchSampler(dataset.group_indices(), sizes, seed=0)
        is_gpu = fabric.device.type == "cuda"
        return BatchLoader(dataset, sampler, num_workers=node.training.trainer.num_workers, pin_memory=is_gpu)

    def _train(self, node: Node, task: Any, fabric: Fabric, variant: dict[str, Any]) -> dict[str, Any]:
        with self._loader(node, fabric) as loader:
            batches = endless(loader)
            batch = next(batches).to(fabric.device)
            row = self._compare(node, task, fabric, variant, batch)
            if node.name not in self._flop:
                self._flop[node.name] = clip_flop(task, batch)
            micro_batches = micro_batches_of(node, task, fabric, variant)
            steps = Steps(node, task, fabric, micro_batches, batches)
            row |= steps.measure(self._step_seconds)
            name = f"{node.name}-{'-'.join(variant) or 'plain'}"
            row |= steps.profiled(self._profiles, name, several="together" in variant)
            if micro_batches.problem:
                row["remark"] = f"without graphs: {micro_batches.problem}"
        row["matrix_share"] = row["clips_per_second"] * self._flop[node.name] / matrix_rate(precision_of(fabric))
        row["tflop_per_clip"] = self._flop[node.name] / 1e12
        return row

    def _compare(self, node: Node, task: Any, fabric: Fabric, variant: dict[str, Any], batch: Batch) -> dict[str, Any]:
        """Return how far the loss and the gradients of one batch are from those of the plain way in float32."""
        found = outcome(node, task, fabric, variant, batch)
        if node.name not in self._references:
            with exactly(), prepared(node, {"precision": "32-true"}) as (exact, _):
                task.fabric = exact
                self._references[node.name] = outcome(node, task, exact, {}, batch)
                task.fabric = fabric
            task.optimizer = detector_optimizer(task.networks["student"], node.training.optim)
        expected = self._references[node.name]
        loss = abs((found[0] - expected[0]) / expected[0]).item()
        gradient = relative_distance(
            [torch.ones_like(expected[0]), *expected[1:]], [torch.ones_like(found[0]), *found[1:]]
        )
        together = torch.stack([(a - b).norm() for a, b in zip(found[1:], expected[1:], strict=True)]).norm()
        together = (together / torch.stack([b.norm() for b in expected[1:]]).norm()).item()
        key = f"{node.name} {precision_of(fabric)}"
        if not variant.keys() - {"precision"}:
            self._plain_distance[key] = gradient
        bound = max(TOLERANCE[precision_of(fabric)], 2 * self._plain_distance.get(key, 0.0))
        return {
            "loss_distance": loss,
            "gradient_distance": gradient,
            "all_gradients_distance": together,
            "is_right": gradient <= bound and loss <= bound,
        }

    def _score(self, node: Node, task: Any, fabric: Fabric, variant: dict[str, Any]) -> dict[str, Any]:
        """Return the rate at which validation asks student and teacher about clips, reading them included."""
        from sedlab.pipeline.validation import score_batch
        from sedlab.scoring.scores.predict import predict_networks

        with self._loader(node, fabric):
            dataset, _, clips = self._noise[node.name]
        num, device = SCORED_CLIPS[fabric.device.type], str(fabric.device)
        # Names are told apart by their place: scores are those of a set of clips.
        clips = clips.iloc[np.arange(num) % len(clips)]
        options = {"batch_size": score_batch(node, device), "device": device, "precision": precision_of(fabric)}
        score = partial(predict_networks, task.networks, dataset.cache, **options)
        score(clips.iloc[: options["batch_size"]])
        synchronise(fabric.device)
        begin = time.perf_counter()
        score(clips)
        synchronise(fabric.device)
        return {"clips_per_second": num / (time.perf_counter() - begin), "is_right": True}


@contextmanager
def prepared(node: Node, variant: dict[str, Any]) -> Iterator[tuple[Fabric, dict[str, str]]]:
    """Yield the Fabric of a variant, while layers are computed in its ways; and those ways."""
    trainer = node.training.trainer
    if "precision" in variant:
        trainer = trainer.model_copy(update={"precision": variant["precision"]})
    fabric = make_fabric(trainer)
    ways = fastest_ways(node.model_dump_json(), precision_of(fabric)) if variant.get("ways") == "auto" else {}
    with chosen_ways(fabric.device.type, ways):
        yield fabric, ways


def chosen_ways(kind: str, ways: dict[str, str]) -> Any:
    """Return the context in which layers are computed in these ways, the others in their plain ones."""
    return chosen(kind, **dict.fromkeys(WAYS, "plain") | ways)


@cache
def fastest_ways(node: str, precision: str) -> dict[str, str]:
    """Return the right and fastest ways of a node's layers on this device, as trainings find and remember them."""
    node = Node.model_validate_json(node)
    trainer = node.training.trainer.model_copy(update={"precision": precision})
    return fastest_layers(node, choose(trainer))


def each_way(node: Node) -> dict[str, str]:
    """Return what came of every way of every layer, as text."""
    config, told = node.training, {}
    clips = config.batch.total if hasattr(config, "batch") else config.batch_size
    everything = {layer: names[1:] for layer, names in WAYS.items()}
    question = Question(node.detector, clips, "16-mixed", device=choose(config.trainer).kind, ways=everything)
    for verdict in verdicts(question, seconds=40.0, way_seconds=40.0):
        seconds = "" if verdict.seconds is None else f"{verdict.seconds * 1e3:.2f} ms"
        graph = "" if verdict.graph_seconds is None else f", {verdict.graph_seconds * 1e3:.2f} ms in a graph"
        wrong = "" if verdict.seconds is None else f"WRONG by {verdict.error:.1e}"
        right = "right" if verdict.is_right else wrong
        told[f"{verdict.layer}={verdict.way}"] = f"{seconds}{graph} {right} {verdict.remark}".strip()
    return told


def outcome(node: Node, task: Any, fabric: Fabric, variant: dict[str, Any], batch: Batch) -> list[torch.Tensor]:
    """Return the loss and the gradients of one batch, without dropout; weights and batch norm stay as they were."""
    before = [buffer.clone() for network in task.networks.values() for buffer in network.buffers()]
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    if scaler is not None:
        scaler.load_state_dict(scaler.state_dict() | {"scale": MODEST_SCALE})
    with without_dropout(task):
        task.optimizer.zero_grad(set_to_none=True)
        micro_batches = micro_batches_of(node, task, fabric, variant)
        terms = micro_batches.learn(batch, LATE, torch.Generator().manual_seed(1), is_last=True)
        if scaler is not None:
            scaler.unscale_(task.optimizer)
        gradients = [p.grad.clone() for p in task.networks["student"].parameters() if p.grad is not None]
        found = [terms.total.detach().float().clone(), *gradients]
    if scaler is not None:
        scaler.load_state_dict(scaler.state_dict() | {"scale": 65536.0})
        scaler._per_optimizer_states.clear()
    for buffer, value in zip(
        (buffer for network in task.networks.values() for buffer in network.buffers()), before, strict=True
    ):
        buffer.copy_(value)
    task.optimizer.zero_grad(set_to_none=True)
    return found


@contextmanager
def without_dropout(task: Any) -> Iterator[None]:
    """Set the dropout of all layers to 0 within this block."""
    changed = []
    for network in task.networks.values():
        for module in network.modules():
            if isinstance(getattr(module, "dropout", None), float):
                changed.append((module, "dropout", module.dropout))
                module.dropout = 0.0
        if hasattr(network.config, "crnn"):
            changed.append((network, "config", network.config))
            crnn = network.config.crnn.model_copy(update={"dropout": 0.0})
            network.config = network.config.model_copy(update={"crnn": crnn})
    try:
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)


def clip_flop(task: Any, batch: Batch) -> float:
    """Return the floating-point operations of matrix products and convolutions for one clip, forward and backward."""
    # Attention is counted as the two products it consists of, whatever kernel computes it; layers in their plain way.
    generator = torch.Generator().manual_seed(0)
    kind = batch.waveform.device.type
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), chosen_ways(kind, {}):
        task.loss(batch, LATE, generator).total.backward()
    task.optimizer.zero_grad(set_to_none=True)
    return counter.get_total_flops() / len(batch)


def make_task(node: Node, fabric: Fabric) -> DetectionTask | PretrainingTask:
    """Return the task of a node, from random weights."""
    if node.stage == "pretrain":
        return PretrainingTask(node, fabric, classes=DESED_CLASSES)
    return DetectionTask(node, fabric, responses=torch.randn(4, 8001, generator=torch.Generator().manual_seed(0)) / 90)


if __name__ == "__main__":
    main()
