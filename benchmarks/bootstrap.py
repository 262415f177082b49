"""Print how long 1,000 paired bootstrap replicates of PSDS1 and mpAUC take for two systems, and the memory.

PSDS1: 1,168 synthetic clips of 10 s, 156 frames, 10 classes, without and with a median filter. mpAUC: 1,168 windows of
10 s from 26 recordings, 11 classes. Below, the width of the interval of one PSDS1 beside that of the procedure which
sed_scores_eval 0.0.4 calls bootstrap: leaving out one fifth of the clips, 100 times.

OMP_NUM_THREADS=2 python benchmarks/bootstrap.py [replicates]
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

from sedlab.data.targets import frame_times
from sedlab.labels import DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.postprocess.median import median_filter
from sedlab.scoring.metrics.bootstrap import Resampling, bootstrap_intervals
from sedlab.scoring.metrics.comparison import compare
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.metrics.statistics.psds import psds_statistics
from sedlab.scoring.scores.tables import ScoreTables, score_tables, sed_scores_eval

NUM_CLIPS = 1168
NUM_RECORDINGS = 26
TIMES = frame_times()
NUM_FRAMES = len(TIMES) - 1


def main(replicates: int) -> None:
    """Time both metrics and print a line each."""
    sed_scores_eval()  # its import takes seconds and is no part of the work
    clip_ids = [f"clip{k:04d}" for k in range(NUM_CLIPS)]
    clips = pd.DataFrame({"clip_id": clip_ids, "duration": 10.0})
    events, truth = draw_events(clip_ids, np.random.default_rng(0))
    a, b = (draw_probabilities(truth, seed) for seed in (1, 2))
    windows, soft, soft_truth = draw_recordings(np.random.default_rng(3))
    pair = [draw_probabilities(soft_truth, seed, noise=2.0) for seed in (4, 5)]
    ids = list(windows["clip_id"])

    for name, frames in (("PSDS1, no post-processing", 1), ("PSDS1, median filter", 7)):
        systems = [as_tables(median_filter(scores, frames), clip_ids, DESED_CLASSES) for scores in (a, b)]
        timed(name, systems, events, clips, "psds1", replicates)
    timed("mpAUC", [as_tables(p, ids, MAESTRO_EVAL_CLASSES) for p in pair], soft, windows, "mpauc", replicates)
    print(f"largest memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
    compare_widths(systems[0], events, clips, replicates)


def timed(name: str, systems: list[ScoreTables], events: pd.DataFrame, clips: pd.DataFrame, *options) -> None:
    """Print seconds, and the first row of the comparison."""
    metric, replicates = options
    start = time.perf_counter()
    if metric == "mpauc":
        counted = [CountedSegments.of(tables, clips, events) for tables in systems]
    else:
        counted = [count_events(tables, events, clips) for tables in systems]
    row = compare(*counted, [metric], resampling=Resampling(replicates)).table().loc[0]
    seconds = time.perf_counter() - start
    interval = f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})"
    print(f"{name}: {seconds:.1f} s for 2 systems x {replicates} replicates; difference {interval}", flush=True)


def compare_widths(tables: ScoreTables, events: pd.DataFrame, clips: pd.DataFrame, replicates: int) -> None:
    """Print the 95 % interval of PSDS1 and what 20 divisions into five folds, one left out each time, give."""
    counted = count_events(tables, events, clips)
    interval = bootstrap_intervals(counted, resampling=Resampling(replicates)).overall
    statistics = psds_statistics(counted)
    rng, kept = np.random.default_rng(0), []
    for _ in range(20):
        fold = rng.permutation(np.arange(len(statistics.units)) % 5)
        kept += [fold != left_out for left_out in range(5)]
    low, high = np.quantile(statistics.evaluate(np.array(kept))[:, 0], [0.025, 0.975])
    width = interval.high - interval.low
    print(f"width of the 95 % interval: bootstrap {width:.4f}, one fifth left out {high - low:.4f}")


def count_events(tables: ScoreTables, events: pd.DataFrame, clips: pd.DataFrame) -> CountedEvents:
    """Return what counts of one system."""
    return CountedEvents.of(tables, events, dict(zip(clips["clip_id"], clips["duration"], strict=True)))


def draw_events(clip_ids: list[str], rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return events and (clips, frames, classes) bool; one to eight events a clip, some classes much rarer."""
    truth = np.zeros((len(clip_ids), NUM_FRAMES, len(DESED_CLASSES)), dtype=bool)
    events = []
    for clip, clip_id in enumerate(clip_ids):
        for _ in range(1 + min(rng.poisson(2.6), 7)):
            label = min(int(rng.exponential(2.5)), len(DESED_CLASSES) - 1)
            onset = float(rng.uniform(0, 9))
            offset = min(onset + 0.2 + float(rng.exponential(2)), 10.0)
            events.append((clip_id, onset, offset, DESED_CLASSES[label]))
            truth[clip, int(onset / 0.064) : int(offset / 0.064) + 1, label] = True
    return pd.DataFrame(events, columns=["clip_id", "onset", "offset", "label"]), truth


def draw_recordings(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Return windows that start every 5 s, soft labels of one second, and (windows, frames, classes) bool."""
    rows, events, truth = [], [], []
    per_recording = NUM_CLIPS // NUM_RECORDINGS + 1
    for k in range(NUM_CLIPS):
        recording, onset = f"recording{k // per_recording:02d}", 5.0 * (k % per_recording)
        clip_id = f"{recording}-{k:04d}"
        rows.append((clip_id, 10.0, recording, onset))
        active = rng.random((10, len(MAESTRO_EVAL_CLASSES))) < np.linspace(0.02, 0.4, len(MAESTRO_EVAL_CLASSES))
        events += [(clip_id, float(s), s + 1.0, MAESTRO_EVAL_CLASSES[c], 1.0) for s, c in np.argwhere(active)]
        truth.append(active[np.minimum(TIMES[:-1].astype(int), 9)])
    windows = pd.DataFrame(rows, columns=["clip_id", "duration", "recording", "recording_onset"])
    return windows, pd.DataFrame(events, columns=["clip_id", "onset", "offset", "label", "confidence"]), np.stack(truth)


def draw_probabilities(truth: np.ndarray, seed: int, noise: float = 0.6) -> np.ndarray:
    """Return scores that follow the truth with noise that is alike in neighbouring frames; no two are equal."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, noise, truth.shape)
    for frame in range(1, truth.shape[1]):
        logits[:, frame] += 0.8 * logits[:, frame - 1]
    return 1 / (1 + np.exp(3.0 - logits - 4.0 * truth))


def as_tables(probabilities: np.ndarray, clip_ids: list[str], classes: tuple[str, ...]) -> ScoreTables:
    """Return score tables on the detector's frames."""
    return score_tables(probabilities, clip_ids, classes, TIMES)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
