"""Measure how many ten-second clips a second one core reads from the waveform cache, once it is in the page cache.

    python benchmarks/cache.py
    python benchmarks/cache.py --clips 2000 --batch 72

Four measures: samples alone (`WaveformCache.read`), those of a batch as they are stored, whole examples with their
targets, and batches as training gets them. The clips are noise with four events each, written to a temporary folder.

Time is that of the processor, so that other work on the machine is not counted; it still slows memory down. Elapsed
time is printed beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sedlab.data.cache import INDEX, WAVEFORMS, WaveformCache
from sedlab.data.dataset import SedDataset
from sedlab.data.loader import BatchLoader
from sedlab.data.sampler import GroupBatchSampler
from sedlab.data.tables import Corpus
from sedlab.data.tsv import write_tsv
from sedlab.grid import CLIP_SAMPLES
from sedlab.labels import DESED_CLASSES

TARGET = 3000
EVENTS_PER_CLIP = 4


def main() -> None:
    """Print clips a second of each measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=600, help="clips in the cache, 320 kB each (default 600)")
    parser.add_argument("--batch", type=int, default=72, help="clips of a batch (default 72)")
    parser.add_argument("--repeats", type=int, default=5, help="the best of so many is printed (default 5)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        corpus = synthetic_corpus(Path(folder), options.clips)
        for name, read in measures(corpus, WaveformCache.open(folder), options.batch).items():
            read()  # brings the file into the page cache
            cpu, elapsed = best_of(read, options.repeats)
            print(f"{name:32} {options.clips / cpu:7.0f} clips/s   ({options.clips / elapsed:.0f} by elapsed time)")
    print(f"aim: {TARGET} clips/s a core")


def measures(corpus: Corpus, cache: WaveformCache, batch_size: int) -> dict[str, Callable[[], None]]:
    """Return functions by name; each reads every clip once, in random order."""
    keys = list(zip(corpus.clips["subset"], corpus.clips["clip_id"], strict=True))
    order = np.random.default_rng(0).permutation(len(keys)).tolist()
    dataset = SedDataset(corpus, cache, training=True)
    loader = BatchLoader(dataset, GroupBatchSampler(dataset.group_indices(), {"synth": batch_size}, seed=0))

    def samples() -> None:
        for index in order:
            cache.read(*keys[index])

    def stacked() -> None:
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            for index, row in zip(indices, np.empty((len(indices), CLIP_SAMPLES), dtype=np.int16), strict=True):
                cache.read_stored(*keys[index], out=row)

    def examples() -> None:
        for index in order:
            dataset[index]

    def batches() -> None:
        for _ in loader.epoch(0):
            pass

    return {
        "samples": samples,
        "samples of a batch, 16 bits": stacked,
        "examples with targets": examples,
        "batches with targets": batches,
    }


def best_of(function: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Return the least processor time and the least elapsed time of several calls, in seconds."""
    cpu, elapsed = [], []
    for _ in range(repeats):
        clocks = time.process_time(), time.perf_counter()
        function()
        cpu.append(time.process_time() - clocks[0])
        elapsed.append(time.perf_counter() - clocks[1])
    return min(cpu), min(elapsed)


def synthetic_corpus(folder: Path, num_clips: int) -> Corpus:
    """Write a cache of noise to ``folder`` and return the corpus it belongs to."""
    random = np.random.default_rng(0)
    with (folder / WAVEFORMS).open("wb") as file:
        for _ in range(num_clips):
            file.write(random.integers(-3000, 3000, CLIP_SAMPLES, dtype=np.int16).tobytes())
    names = [f"{index:06}" for index in range(num_clips)]
    index = pd.DataFrame({"subset": "synth_train", "clip_id": names, "audio": names})
    index = index.assign(bytes=2 * CLIP_SAMPLES, modified_ns=0, offset=np.arange(num_clips) * CLIP_SAMPLES)
    write_tsv(folder / INDEX, index.assign(num_samples=CLIP_SAMPLES))
    clips = index[["subset", "clip_id", "audio"]].assign(
        duration=10.0, group="synth", split="train", label_kind="strong", recording="", recording_onset=0.0
    )
    onsets = random.uniform(0, 8, num_clips * EVENTS_PER_CLIP)
    events = pd.DataFrame(
        {
            "subset": "synth_train",
            "clip_id": np.repeat(names, EVENTS_PER_CLIP),
            "onset": onsets,
            "offset": onsets + random.uniform(0.3, 2, len(onsets)),
            "label": random.choice(DESED_CLASSES, len(onsets)),
            "confidence": 1.0,
        }
    )
    return Corpus(clips=clips, events=events, root=folder)


if __name__ == "__main__":
    main()
