"""Measure what the data loader alone delivers, and what training waits for it, at the batch composition of a preset.

    python benchmarks/feeding.py                      # preset paper, stage 1, iteration 2: 72 clips and their partners
    python benchmarks/feeding.py --stage stage2 --archs beats --workers 0 1 2
    python benchmarks/feeding.py --compute 25         # beside a consumer that computes so many ms a batch

Clips of noise come through the waveform cache, targets from events, pseudo-labels from a score file, partners as wavmix
draws them; everything is in the page cache. "alone": a consumer that does nothing. "beside": one that computes in
Python and in torch for a time that is fixed, and what it waits for the next batch, of the whole time. "Python": how
long loading a batch keeps other threads from running Python, seen by one that wants to all the time.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from cache import synthetic_corpus

from sedlab.config.experiment import Node
from sedlab.config.loading import load_experiment
from sedlab.data.batch import Batch
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.layout import GROUPS
from sedlab.data.dataset import SedDataset
from sedlab.data.loader import BatchLoader
from sedlab.data.pseudo_labels import read_pseudo_labels
from sedlab.data.sampler import GroupBatchSampler
from sedlab.data.stored_logits import write_logits
from sedlab.grid import NUM_FRAMES
from sedlab.labels import CLASSES

SECONDS = 3.0
KINDS = {"maestro": "soft", "weak": "weak", "unlabeled": "none"}


def main() -> None:
    """Print clips a second and shares of time for each number of threads."""
    options = parse_options()
    torch.set_num_threads(1)
    for arch in options.archs:
        node = load_experiment("paper").node(options.stage, arch, 2)
        with tempfile.TemporaryDirectory() as folder:
            dataset, sizes = noise(node, Path(folder), options.epoch_batches)
            size = sum(sizes.values())
            print(
                f"{node.name}: {size} clips a batch, {sum(loading_seconds(dataset, sizes)) * 1e3:.1f} ms to load one:"
            )
            for name, seconds in zip(("samples", "targets and the rest"), loading_seconds(dataset, sizes), strict=True):
                print(f"    {name:24} {seconds * 1e3:6.2f} ms")
            for workers in options.workers:
                report(dataset, sizes, workers, options.compute / 1e3)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", default="stage1", choices=("stage1", "stage2"))
    parser.add_argument("--archs", nargs="+", default=["atst"])
    parser.add_argument("--workers", nargs="+", type=int, default=[0, 1, 2], help="threads that load (default 0 1 2)")
    parser.add_argument("--compute", type=float, default=0.0, metavar="MS", help="also beside so much work a batch")
    parser.add_argument("--epoch-batches", type=int, default=8, help="batches of an epoch (default 8)")
    return parser.parse_args()


def noise(node: Node, folder: Path, num_batches: int) -> tuple[SedDataset, dict[str, int]]:
    """Return examples of noise for so many batches of a node, and the clips of each group in one."""
    config = node.training
    sizes = {group: size for group, size in config.batch.model_dump().items() if size}
    corpus = synthetic_corpus(folder, num_batches * sum(sizes.values()))
    groups = [group for group in GROUPS if group in sizes for _ in range(num_batches * sizes[group])]
    corpus.clips["group"] = groups
    corpus.clips["label_kind"] = [KINDS.get(group, "strong") for group in groups]
    pseudo_labels = None
    if config.loss.pseudo:
        names, random = corpus.clips["clip_id"].tolist(), np.random.default_rng(0)
        logits = random.normal(-3, 2, (len(names), NUM_FRAMES, len(CLASSES))).astype(np.float32)
        write_logits(folder / "labels.hdf5", names, logits, {"classes": list(CLASSES)})
        pseudo_labels = {"synth_train": read_pseudo_labels(folder / "labels.hdf5")}
    wavmix = {"wavmix_probability": config.augment.wavmix.p, "wavmix_alpha": config.augment.wavmix.alpha}
    cache = WaveformCache.open(folder)
    return SedDataset(corpus, cache, training=True, pseudo_labels=pseudo_labels, **wavmix), sizes


def loading_seconds(dataset: SedDataset, sizes: dict[str, int], repeats: int = 5) -> tuple[float, float]:
    """Return the least processor time that the samples of a batch take, and all the rest of it."""
    batches = list(GroupBatchSampler(dataset.group_indices(), sizes, seed=0))
    whole, samples = [], []
    for _ in range(repeats):
        begin = time.process_time()
        drawn = [dataset.batch(indices) for indices in batches]
        whole.append((time.process_time() - begin) / len(batches))
        extra = [0 if batch.partners is None else len(batch.partners.rows) for batch in drawn]
        del drawn
        begin = time.process_time()
        for indices, partners in zip(batches, extra, strict=True):
            for block in (indices, indices[:partners]):
                out = np.empty((len(block), 160_000), dtype=np.int16)
                for index, row in zip(block, out, strict=True):
                    dataset.cache.read_stored("synth_train", f"{index:06}", out=row)
        samples.append((time.process_time() - begin) / len(batches))
    return min(samples), min(whole) - min(samples)


def report(dataset: SedDataset, sizes: dict[str, int], workers: int, compute: float) -> None:
    """Print the rates with so many threads."""
    size = sum(sizes.values())
    with loader_of(dataset, sizes, workers) as loader:
        num_batches, seconds, _ = consume(loader, 0.0)
        line = f"    {workers} threads: alone {num_batches * size / seconds:6.0f} clips/s"
    if compute:
        with loader_of(dataset, sizes, workers) as loader:
            num_batches, seconds, waited = consume(loader, compute)
            line += f"   beside {compute * 1e3:.0f} ms of work: {num_batches * size / seconds:6.0f} clips/s"
            line += f", {waited / seconds:.1%} of the time waiting (at best {size / compute:.0f} clips/s)"
    if workers:
        line += f"   Python {python_share(dataset, sizes) * 1e3:.2f} ms a batch"
    print(line, flush=True)


def loader_of(dataset: SedDataset, sizes: dict[str, int], workers: int) -> BatchLoader:
    """Return the loader as training has it."""
    sampler = GroupBatchSampler(dataset.group_indices(), sizes, seed=0)
    return BatchLoader(dataset, sampler, num_workers=workers)


def consume(loader: BatchLoader, compute: float) -> tuple[int, float, float]:
    """Take batches for some seconds and work on each; return their number, all seconds, those spent waiting."""
    batches = endless(loader)
    for _ in range(4):
        next(batches)
    begin, waited, num_batches = time.perf_counter(), 0.0, 0
    while time.perf_counter() - begin < SECONDS:
        asked = time.perf_counter()
        next(batches)
        waited += time.perf_counter() - asked
        num_batches += 1
        work(compute)
    return num_batches, time.perf_counter() - begin, waited


def endless(loader: BatchLoader) -> Iterator[Batch]:
    """Yield the batches of one epoch after another."""
    for epoch in itertools.count():
        yield from loader.epoch(epoch)


def work(seconds: float) -> None:
    """Give small kernels to torch from Python for so long, as the host of a GPU does."""
    values, end = torch.zeros(64), time.perf_counter() + seconds
    while time.perf_counter() < end:
        values.add_(1.0)


def python_share(dataset: SedDataset, sizes: dict[str, int]) -> float:
    """Return for how many seconds a batch that is loaded keeps another thread from its Python."""
    indices = next(iter(GroupBatchSampler(dataset.group_indices(), sizes, seed=0)))
    turns, stop = [], threading.Event()

    def turn() -> None:
        count = 0
        while not stop.is_set():
            count += 1
        turns.append(count)

    def rate(load: bool) -> tuple[float, int]:
        stop.clear()
        thread, num_batches = threading.Thread(target=turn), 0
        begin = time.perf_counter()
        thread.start()
        while time.perf_counter() - begin < 1.0:
            if load:
                dataset.batch(indices)
                num_batches += 1
            else:
                time.sleep(0.05)
        stop.set()
        thread.join()
        return turns.pop() / (time.perf_counter() - begin), num_batches

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        alone, _ = rate(load=False)
        beside, num_batches = rate(load=True)
    finally:
        sys.setswitchinterval(interval)
    return max(0.0, 1 - beside / alone) / max(1, num_batches)


if __name__ == "__main__":
    main()
