"""Other clips and other seeds: intervals hold the truth as often as they say; drawing three seeds again does not."""

from dataclasses import dataclass

import numpy as np
import pytest

from sedlab.scoring.metrics.bootstrap import Resampling
from sedlab.scoring.metrics.statistics.base import Statistics
from sedlab.scoring.seeds.resampling import compare_over_seeds, joint_interval

CLIPS, SEEDS = 60, 3


@dataclass(frozen=True, eq=False)
class MeanOfClips(Statistics):
    """A metric that is the mean over clips, of two classes that share it."""

    scores: np.ndarray = None

    def evaluate(self, weights):
        return np.repeat((weights @ self.scores / weights.sum(axis=1))[:, None], 3, axis=1)


def systems(scores):
    names = tuple(map(str, range(scores.shape[1])))
    return [MeanOfClips(names, ("Cat", "Dog"), (), row) for row in scores]


def drawn_pairs(random, *, truth, of_seeds, of_clips):
    """Scores of two systems, (seeds, clips): what is hard in a clip, or lucky in a seed, is so for both."""
    common = random.normal(0, 1, CLIPS) + random.normal(0, 1, (SEEDS, 1))
    gain = truth + random.normal(0, of_clips, CLIPS) + random.normal(0, of_seeds, (SEEDS, 1))
    return common, common + gain + random.normal(0, 0.1, (SEEDS, CLIPS))


def compared(random, **how):
    before, after = drawn_pairs(random, **how)
    return compare_over_seeds("psds1", systems(before), systems(after), resampling=Resampling(50)), before, after


@pytest.mark.parametrize(("of_seeds", "of_clips"), [(0.1, 0.8), (0.3, 0.2)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(of_seeds, of_clips):
    held, held_by_drawing = [], []
    for trial in range(100):
        random = np.random.default_rng(trial)
        comparison, before, after = compared(random, truth=0.1, of_seeds=of_seeds, of_clips=of_clips)
        row = comparison.rows.iloc[0]
        held.append(row["low"] <= 0.1 <= row["high"])
        gains = after - before
        drawn = [
            gains[random.integers(SEEDS, size=SEEDS)][:, random.integers(CLIPS, size=CLIPS)].mean() for _ in range(100)
        ]
        low, high = np.quantile(drawn, [0.025, 0.975])
        held_by_drawing.append(low <= 0.1 <= high)
    assert np.mean(held) >= 0.87
    if of_seeds > of_clips:
        assert np.mean(held_by_drawing) < 0.83


def test_both_kinds_of_doubt_are_told_apart():
    mostly_clips, *_ = compared(np.random.default_rng(1), truth=0.0, of_seeds=0.0, of_clips=2.0)
    mostly_seeds, *_ = compared(np.random.default_rng(1), truth=0.0, of_seeds=1.0, of_clips=0.0)
    first, second = mostly_clips.rows.iloc[0], mostly_seeds.rows.iloc[0]
    assert first["clips_error"] > 5 * first["seeds_error"] and second["seeds_error"] > 5 * second["clips_error"]
    assert mostly_seeds.num_units == CLIPS and mostly_seeds.gains.shape == (SEEDS,)
    assert list(mostly_seeds.rows["label"]) == ["all", "Cat", "Dog"]


def test_with_one_kind_of_doubt_the_interval_is_the_known_one():
    low, high, _ = joint_interval(0.0, 0.0, 1.0, 3)
    assert (low, high) == pytest.approx((-4.303, 4.303), abs=1e-3)  # Student, 2 degrees of freedom
    low, high, _ = joint_interval(0.0, 1.0, 0.0, 3)
    assert (low, high) == pytest.approx((-1.960, 1.960), abs=1e-3)  # normal
    assert np.isnan(joint_interval(0.0, 0.0, float("nan"), 1)).all()
