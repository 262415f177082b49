"""`sedlab data ... prepare` against the resampler alone: clips a second on all cores, processor time, memory.

    python benchmarks/preparing.py
    python benchmarks/preparing.py --clips 400 --folder /scratch

Clips of 10 s at 44.1 kHz lie on the disk in folders of a hundred. Folder by folder, first one then the other: threads
that resample waveforms held in memory, and the same number of threads that prepare the folder: read, average, resample,
round, write, note. Machines and their load differ, so what counts is the ratio of the two within one run.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from sedlab.data.audio_file import read_audio, resample
from sedlab.data.preparation.outcome import SetOutcome
from sedlab.data.preparation.twins import make_twin
from sedlab.grid import SAMPLE_RATE

RATE = 44_100
SECONDS = 10
FOLDER_CLIPS = 100
#: What prepare must reach of the resampler alone.
SHARE = 0.85


def main() -> None:
    """Print a line for each pair of folders, then the totals; exit status 1 when prepare is too slow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=Path, help="where to write 1.3 MB a clip meanwhile; a temporary folder")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        folders = [_write(root, k, FOLDER_CLIPS) for k in range(max(1, options.clips // FOLDER_CLIPS))]
        totals = _measure(root, folders, options.workers)
        again = _timed(lambda: _prepare(root, folders, options.workers))
    finally:
        shutil.rmtree(root)
    clips = len(folders) * FOLDER_CLIPS
    (alone, alone_cpu), (whole, whole_cpu) = totals
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{clips} clips, {options.workers} threads")
    print(f"resampler alone: {clips / alone:.1f} clips/s, {1000 * alone_cpu / clips:.1f} ms of processor time a clip")
    print(f"prepare: {clips / whole:.1f} clips/s, {1000 * whole_cpu / clips:.1f} ms of processor time a clip")
    by_clock, by_processor = alone / whole, alone_cpu / whole_cpu
    print(f"prepare reaches {by_clock:.0%} of the resampler by the clock, {by_processor:.0%} by processor time")
    print(f"peak memory {memory:.0f} MB; a second run of all takes {again[0]:.2f} s")
    raise SystemExit(int(max(by_clock, by_processor) < SHARE))


def _measure(root: Path, folders: list[Path], workers: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return seconds by the clock and of the processors, for the resampler alone and for prepare."""
    waveforms = [read_audio(path)[0] for path in sorted(folders[0].glob("*.wav"))[:8]]
    resample(waveforms[0], RATE, SAMPLE_RATE)  # designs the filter

    def alone() -> None:
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(lambda k: len(resample(waveforms[k % 8], RATE, SAMPLE_RATE)), range(FOLDER_CLIPS)):
                pass

    times: dict[str, list[tuple[float, float]]] = {"alone": [], "prepare": []}
    for number, folder in enumerate(folders):
        pair = {"alone": alone, "prepare": lambda folder=folder: _prepare(root, [folder], workers)}
        # Who comes first takes turns: a machine that slows down favours neither.
        for name in sorted(pair, reverse=bool(number % 2)):
            times[name].append(_timed(pair[name]))
        share = times["alone"][-1][0] / times["prepare"][-1][0]
        print(f"folder {number + 1} of {len(folders)}: {share:.0%}", flush=True)
    shares = [one[0] / other[0] for one, other in zip(times["alone"], times["prepare"], strict=True)]
    print(f"median of the pairs {statistics.median(shares):.0%}")
    totals = [tuple(map(sum, zip(*times[name], strict=True))) for name in ("alone", "prepare")]
    return totals[0], totals[1]


def _prepare(root: Path, folders: list[Path], workers: int) -> None:
    for folder in folders:
        make_twin(root, folder, folder.with_name(f"{folder.name}_16k"), SetOutcome(folder.name), workers=workers)


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    begin, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - processor


def _write(root: Path, number: int, count: int) -> Path:
    folder = root / f"set{number}"
    folder.mkdir()
    random = np.random.default_rng(number)
    for k in range(count):
        samples = random.integers(-8000, 8000, RATE * SECONDS, dtype=np.int16)
        soundfile.write(folder / f"{k}.wav", samples, RATE, subtype="PCM_16")
    return folder


if __name__ == "__main__":
    main()
