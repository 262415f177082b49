"""Measure training as `sedlab run` does it, at the batch composition of a preset: throughput, memory, where time goes.

    python benchmarks/training.py                           # the `paper` preset: base size; meant for a CUDA device
    python benchmarks/training.py --preset nano --steps 2   # on any machine, in seconds
    python benchmarks/training.py --midi 3                  # then `sedlab run midi` with three seeds, and the ladder
    python benchmarks/training.py --iterations 1 2 --compile --json training.json

Optimiser steps of every stage and transformer on clips of noise, which come through the waveform cache and the data
loader. Each step is the loop's: its micro-batches, the teacher, the gradient's clipping, the optimiser. Weights are
random. Steps are timed without waiting for the device in between; the split comes from steps of their own that wait at
each border. "data" is the time that the loop waits for a batch.

On a GPU nothing of this has been run yet; the CPU's numbers of the small presets show that it works, no more.

Model FLOP utilisation is the floating-point operations of the matrix products and convolutions of a step (student and
teacher forward, student backward) over its time and the device's rate of large matrix products at the same precision,
which is measured, not taken from a data sheet.

`benchmarks/speed.py` measures the networks alone, on batches of two clips.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from cache import synthetic_corpus
from lightning_fabric import Fabric
from speed import Stopwatch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sedlab.config.experiment import Experiment, Node
from sedlab.config.loading import load_experiment
from sedlab.data.batch import Batch
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.layout import GROUPS
from sedlab.data.dataset import SedDataset
from sedlab.data.loader import BatchLoader
from sedlab.data.sampler import GroupBatchSampler
from sedlab.labels import DESED_CLASSES
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.node import compile_parts
from sedlab.training.pretraining import PretrainingTask

MATRIX = {"cuda": 8192, "cpu": 1024}
#: A step at which every ramp and warm-up is over.
LATE = 100_000


def main() -> None:
    """Measure each stage, print a table, run `midi` if asked."""
    options = parse_options()
    settings = [*options.set, *(["archs=[" + ",".join(options.archs) + "]"] if options.archs else [])]
    experiment = load_experiment(options.preset, settings)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for node in nodes(experiment, options.iterations):
            rows.append(measure(node, Path(folder) / node.name, options))
            print_row(rows[-1])
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    if options.midi:
        run_midi(options.midi)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as for `sedlab run`")
    parser.add_argument("--archs", nargs="+", help="only these transformers")
    parser.add_argument("--iterations", nargs="+", type=int, default=[1], help="whose batch compositions (default 1)")
    parser.add_argument("--steps", type=int, default=20, help="timed optimiser steps (default 20)")
    parser.add_argument("--compile", action="store_true", help="as trainer.compile")
    parser.add_argument("--midi", type=int, default=0, metavar="SEEDS", help="run the midi preset with so many seeds")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    return parser.parse_args()


def nodes(experiment: Experiment, iterations: list[int]) -> Iterator[Node]:
    """Yield the training nodes to measure."""
    for arch in experiment.archs:
        if experiment.pretrains(arch):
            yield experiment.node("pretrain", arch)
        for iteration in iterations:
            for stage in ("stage1", "stage2"):
                yield experiment.node(stage, arch, iteration)


def measure(node: Node, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the numbers of one node."""
    config = node.training
    fabric = make_fabric(config.trainer)
    task = make_task(node, fabric)
    batches, seeds = endless(make_loader(node, fabric, folder)), itertools.count()
    optimizer = fabric.setup_optimizers(task.optimizer)

    def step(enter: Any = None) -> int:
        return one_step(task, node, fabric, optimizer, batches, seeds, enter or (lambda _: None))

    flop = step_flop(step)
    if options.compile or config.trainer.compile:
        for network in task.networks.values():
            compile_parts(network)
    for _ in range(2):  # first calls allocate, choose kernels, compile
        step()
    if fabric.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    clips = 0
    synchronise(fabric)
    begin = time.perf_counter()
    for _ in range(options.steps):
        clips += step()
    synchronise(fabric)
    seconds = time.perf_counter() - begin
    rate = matmul_rate(fabric)
    return {
        "node": node.name,
        "device": str(fabric.device),
        "precision": config.trainer.precision,
        "clips_per_step": clips / options.steps,
        "accumulation": config.accumulation,
        "steps_per_second": options.steps / seconds,
        "clips_per_second": clips / seconds,
        "memory_gib": torch.cuda.max_memory_allocated() / 2**30 if fabric.device.type == "cuda" else None,
        "tflop_per_step": flop / 1e12,
        "matmul_tflop_per_second": rate / 1e12,
        "model_flop_utilisation": flop * options.steps / seconds / rate,
        "split_seconds": {} if options.compile else split(step, task, fabric, min(3, options.steps)),
    }


def one_step(
    task: Any,
    node: Node,
    fabric: Fabric,
    optimizer: Any,
    batches: Iterator[Batch],
    seeds: Iterator[int],
    enter: Callable[[str], None],
) -> int:
    """Make one optimiser step, in the order of `sedlab.training.fit`; return its clips."""
    config, clips = node.training, 0
    for position in range(config.accumulation):
        enter("data")
        batch = next(batches).to(fabric.device, non_blocking=True)
        clips += len(batch)
        enter("rest")
        terms = task.loss(batch, LATE, torch.Generator().manual_seed(next(seeds)))
        if position == 0:
            enter("teacher's running mean")
            task.before_backward(LATE)
            optimizer.zero_grad()
        enter("backward")
        fabric.backward(terms.total / config.accumulation)
    enter("optimiser")
    if config.optim.clip_norm is not None:
        student = task.networks["student"]
        fabric.clip_gradients(student, optimizer, max_norm=config.optim.clip_norm, error_if_nonfinite=False)
    optimizer.step()
    enter("rest")
    return clips


def split(step: Any, task: Any, fabric: Fabric, repeats: int) -> dict[str, float]:
    """Return mean seconds of data, front-ends, each network's forward pass, backward, optimiser, the rest (losses,
    augmentations)."""
    watch = Stopwatch(fabric.device)
    handles = []
    for name, network in task.networks.items():
        for part, module in network.named_children():
            section = "front-ends" if "frontend" in part else name
            handles.append(module.register_forward_pre_hook(lambda *_, section=section: watch.enter(section)))
            handles.append(module.register_forward_hook(lambda *_: watch.enter("rest")))
    for _ in range(repeats):
        watch.start()
        step(watch.enter)
        watch.enter("rest")
    for handle in handles:
        handle.remove()
    total: dict[str, float] = defaultdict(float)
    for section, seconds in watch.seconds.items():
        total[section] += seconds / repeats
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def step_flop(step: Any) -> int:
    """Return the floating-point operations of one step's matrix products and convolutions, forward and backward."""
    # Attention is counted as the two products it consists of, whatever kernel computes it.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        step()
    return counter.get_total_flops()


def make_task(node: Node, fabric: Fabric) -> DetectionTask | PretrainingTask:
    """Return the task of a node, from random weights."""
    if node.stage == "pretrain":
        return PretrainingTask(node, fabric, classes=DESED_CLASSES)
    return DetectionTask(node, fabric, responses=torch.randn(4, 8001, generator=torch.Generator().manual_seed(0)) / 90)


def make_loader(node: Node, fabric: Fabric, folder: Path) -> BatchLoader:
    """Return batches of noise in the composition of the node, four of them an epoch."""
    config = node.training
    if node.stage == "pretrain":
        sizes = {"audioset": config.batch_size}
    else:
        sizes = {group: size for group, size in config.batch.model_dump().items() if size}
    folder.mkdir()
    corpus = synthetic_corpus(folder, 4 * sum(sizes.values()))
    groups = [group for group in GROUPS if group in sizes for _ in range(4 * sizes[group])]
    kinds = {"maestro": "soft", "weak": "weak", "unlabeled": "none"}
    corpus.clips["group"] = groups
    corpus.clips["label_kind"] = [kinds.get(group, "strong") for group in groups]
    cache = WaveformCache.open(folder)
    wavmix = {"wavmix_probability": config.augment.wavmix.p, "wavmix_alpha": config.augment.wavmix.alpha}
    grid = {}
    if node.stage == "pretrain":
        grid = {"classes": DESED_CLASSES, "num_frames": 250, "frame_seconds": 0.04}
    dataset = SedDataset(corpus, cache, training=True, **grid, **wavmix)
    sampler = GroupBatchSampler(dataset.group_indices(), sizes, seed=0)
    is_gpu = fabric.device.type == "cuda"
    return BatchLoader(dataset, sampler, num_workers=config.trainer.num_workers, pin_memory=is_gpu)


def endless(loader: BatchLoader) -> Iterator[Batch]:
    """Yield the batches of one epoch after another."""
    epoch = 0
    while True:
        yield from loader.epoch(epoch)
        epoch += 1


def matmul_rate(fabric: Fabric) -> float:
    """Return the FLOP/s of a large matrix product at the training's precision, the best of five."""
    size = MATRIX[fabric.device.type]
    left, right = torch.randn(2, size, size, device=fabric.device)
    best = float("inf")
    with fabric.autocast(), torch.no_grad():
        for _ in range(5):
            synchronise(fabric)
            begin = time.perf_counter()
            left @ right
            synchronise(fabric)
            best = min(best, time.perf_counter() - begin)
    return 2 * size**3 / best


def synchronise(fabric: Fabric) -> None:
    """Wait until the device has done what it was given."""
    if fabric.device.type == "cuda":
        torch.cuda.synchronize()


def print_row(row: dict[str, Any]) -> None:
    """Print the numbers of one node."""
    memory = "" if row["memory_gib"] is None else f"   {row['memory_gib']:.1f} GiB"
    print(
        f"{row['node']:26} {row['clips_per_second']:8.1f} clips/s   {row['steps_per_second']:6.2f} steps/s of "
        f"{row['clips_per_step']:.0f} clips{memory}   {row['tflop_per_step']:.2f} TFLOP a step, "
        f"{row['model_flop_utilisation']:.0%} of {row['matmul_tflop_per_second']:.1f} TFLOP/s"
    )
    total = sum(row["split_seconds"].values())
    parts = (f"{name} {seconds / total:.0%}" for name, seconds in row["split_seconds"].items())
    if total:
        print(f"{'':26} {', '.join(parts)}", flush=True)


def machine() -> dict[str, str]:
    """Return what the numbers were measured on."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"torch": torch.__version__, "gpu": gpu, "threads": str(torch.get_num_threads())}


def run_midi(seeds: int) -> None:
    """Run the `midi` preset end to end with several seeds, print each one's time and the ladder of all."""
    names, seconds = [f"midi-seed{seed}" for seed in range(1, seeds + 1)], []
    for seed, name in enumerate(names, start=1):
        begin = time.perf_counter()
        command = [sys.executable, "-m", "sedlab.cli", "run", "midi", "--name", name, "--set", f"seed={seed}"]
        subprocess.run(command, check=True)
        seconds.append(time.perf_counter() - begin)
        print(f"{name}: {seconds[-1] / 60:.1f} minutes")
    print(f"median {statistics.median(seconds) / 60:.1f} minutes")
    ladder = Path(__file__).with_name("ladder.py")
    subprocess.run([sys.executable, str(ladder), *(f"runs/{name}" for name in names)], check=True)


if __name__ == "__main__":
    main()
