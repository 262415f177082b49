"""Print how often 90 % bootstrap intervals of PSDS1 hold the true value, on samples from a synthetic population.

Three classes, two systems, one better than the other. The truth is the PSDS1 of 6,000 clips of the same kind.

OMP_NUM_THREADS=2 python benchmarks/bootstrap_coverage.py [samples] [clips]
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from sedlab.scoring.metrics.bootstrap import Resampling
from sedlab.scoring.metrics.comparison import paired_bootstrap
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.statistics.psds import PsdsStatistics, psds_statistics
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.tables import score_tables

CLASSES = ("Cat", "Dog", "Speech")
SHARES = (0.2, 0.3, 0.5)
FRAME_SECONDS = 0.16
TIMES = np.arange(61) * FRAME_SECONDS
SKILLS = (0.8, 1.0)
CONFIDENCE = 0.9


def main(num_samples: int, num_clips: int) -> None:
    """Draw samples, compute intervals and print the share that holds the truth, overall and by class."""
    everything = draw(6000, np.random.default_rng(10**6))
    truth_a, truth_b = (system.evaluate(np.ones((1, 6000)))[0] for system in everything)
    held = np.zeros((3, 1 + len(CLASSES)))
    for sample in range(num_samples):
        pair = draw(num_clips, np.random.default_rng(sample))
        rows = paired_bootstrap("psds1", *pair, resampling=Resampling(300, CONFIDENCE, sample))
        for k, row in enumerate(rows):
            for what, (interval, truth) in enumerate(
                ((row.a, truth_a[k]), (row.b, truth_b[k]), (row.difference, truth_b[k] - truth_a[k]))
            ):
                held[what, k] += interval.low <= truth <= interval.high
    print(f"{num_samples} samples of {num_clips} clips; truth {np.round(truth_a, 3)} and {np.round(truth_b, 3)}")
    shares = pd.DataFrame(held / num_samples, index=["A", "B", "B - A"], columns=[ALL, *CLASSES])
    print(shares.round(2).to_string())


def draw(num_clips: int, rng: np.random.Generator) -> list[PsdsStatistics]:
    """Return the statistics of both systems on newly drawn clips."""
    clip_ids = [f"clip{k:04d}" for k in range(num_clips)]
    signal = np.full((num_clips, len(TIMES) - 1, len(CLASSES)), -2.0)
    events = []
    for clip, clip_id in enumerate(clip_ids):
        for _ in range(1 + rng.poisson(1.0)):
            label = rng.choice(len(CLASSES), p=SHARES)
            onset = rng.uniform(0, 7)
            offset = min(onset + rng.uniform(0.5, 3), 9.6)
            events.append((clip_id, onset, offset, CLASSES[label]))
            inside = slice(int(onset / FRAME_SECONDS), int(offset / FRAME_SECONDS) + 1)
            signal[clip, inside, label] += rng.normal(4, 1.5)
    table = pd.DataFrame(events, columns=["clip_id", "onset", "offset", "label"])
    systems = []
    for skill in SKILLS:
        white = rng.normal(0, 1, signal.shape)
        noise = sum(np.roll(white, shift, axis=1) for shift in range(5)) / np.sqrt(5)
        probabilities = 1 / (1 + np.exp(-skill * signal - noise))
        tables = score_tables(probabilities, clip_ids, CLASSES, TIMES)
        systems.append(psds_statistics(CountedEvents.of(tables, table, dict.fromkeys(clip_ids, 9.6), CLASSES)))
    return systems


if __name__ == "__main__":
    main(*(int(argument) for argument in (sys.argv[1:] + ["200", "600"][len(sys.argv) - 1 :])))
