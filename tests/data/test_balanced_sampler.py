"""Which clips an epoch of pre-training sees: weights against a slow reference, draws against their probabilities."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.data.balanced_sampler import ClipBatchSampler, balanced_weights
from sedlab.data.corpora.audioset import merge_events
from sedlab.data.sampler import GroupBatchSampler
from sedlab.data.tables import CLIP_COLUMNS, EVENT_COLUMNS, Corpus
from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.grid import AUDIOSET_FRAME_SECONDS, AUDIOSET_NUM_FRAMES

CLASSES = ("a", "b", "c")

events = st.lists(
    st.tuples(
        st.sampled_from(["x", "y", "z"]),
        st.floats(0, 10.2, allow_subnormal=False).map(lambda seconds: round(seconds, 3)),
        st.floats(0.001, 4).map(lambda seconds: round(seconds, 3)),
        st.sampled_from([*CLASSES, "unknown"]),
    ),
    max_size=12,
)


def corpus_of(rows) -> Corpus:
    clips = pd.DataFrame([{"subset": "audioset_train", "clip_id": name} for name in "xyz"], columns=CLIP_COLUMNS)
    table = pd.DataFrame(
        [("audioset_train", clip, onset, onset + seconds, label, 1.0) for clip, onset, seconds, label in rows],
        columns=EVENT_COLUMNS,
    ).astype({"onset": float, "offset": float})
    return Corpus(clips, merge_events(table), Path())


def reference_weights(corpus: Corpus) -> np.ndarray:
    """The formula on the targets themselves."""
    active = []
    for clip_id in corpus.clips["clip_id"]:
        rows = corpus.events[corpus.events["clip_id"] == clip_id]
        targets = strong_targets(rows, CLASSES, AUDIOSET_NUM_FRAMES, frame_seconds=AUDIOSET_FRAME_SECONDS)
        active.append((targets > 0).sum(axis=1))
    active = np.array(active)
    return (active * 1000 / (30 + active.sum(axis=0))).sum(axis=1)


@settings(max_examples=60)
@given(events)
def test_weights_are_those_of_the_active_frames(rows):
    corpus = corpus_of(rows)
    np.testing.assert_allclose(balanced_weights(corpus, CLASSES), reference_weights(corpus), atol=1e-9)


def test_a_rare_class_outweighs_a_frequent_one():
    rows = [("x", 0.0, 10.0, "a"), ("y", 0.0, 10.0, "a"), ("z", 0.0, 1.0, "b")]
    weights = balanced_weights(corpus_of(rows), CLASSES)
    # 250 of 500 frames against 25 of 25, each total raised by 30.
    assert weights == pytest.approx([250_000 / 530, 250_000 / 530, 25_000 / 55])


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 24.0)])
def test_an_epoch_draws_each_clip_once_and_the_same_ones_again(weights):
    sampler = ClipBatchSampler(23, 4, seed=3, samples_per_epoch=10, weights=weights)
    sampler.set_epoch(2)
    batches = list(sampler)
    assert [len(batch) for batch in batches] == [4, 4, 2] and len(sampler) == 3
    drawn = [index for batch in batches for index in batch]
    assert len(set(drawn)) == 10 and set(drawn) <= set(range(23))
    assert list(sampler) == batches
    sampler.set_epoch(3)
    assert list(sampler) != batches


def test_more_draws_than_clips_are_all_clips():
    for samples in (None, 5, 100_000):
        assert sorted(ClipBatchSampler(5, 2, seed=0, samples_per_epoch=samples).draw(0)) == [0, 1, 2, 3, 4]


def test_draws_follow_the_weights():
    weights = np.array([1.0, 2.0, 0.0, 5.0])
    sampler = ClipBatchSampler(4, 1, seed=1, weights=weights)
    draws = np.array([sampler.draw(epoch) for epoch in range(4000)])
    first = np.bincount(draws[:, 0], minlength=4) / len(draws)
    assert first == pytest.approx(weights / weights.sum(), abs=0.03)
    # After the heaviest clip, the others in proportion among themselves; a clip of weight 0 comes last.
    second = np.bincount(draws[draws[:, 0] == 3, 1], minlength=4)
    assert second[:2] / second.sum() == pytest.approx([1 / 3, 2 / 3], abs=0.03)
    assert (draws[:, 3] == 2).all()


def test_a_uniform_epoch_is_that_of_the_group_sampler():
    uniform, grouped = (
        ClipBatchSampler(12, 4, seed=7),
        GroupBatchSampler({"audioset": range(12)}, {"audioset": 4}, seed=7),
    )
    for sampler in (uniform, grouped):
        sampler.set_epoch(5)
    assert list(uniform) == list(grouped)


def test_no_clips_are_an_error():
    with pytest.raises(SedlabError, match="no clips to draw from"):
        ClipBatchSampler(0, 4, seed=0)


def test_two_processes_share_an_epoch_and_repeat_a_clip_of_a_batch_that_does_not_divide():
    whole = ClipBatchSampler(11, 4, seed=5)
    whole.set_epoch(1, start=1)
    parts = [ClipBatchSampler(11, 4, seed=5, rank=rank, num_ranks=2) for rank in range(2)]
    for part in parts:
        part.set_epoch(1, start=1)
    batches = list(whole)
    assert [len(batch) for batch in batches] == [4, 3]
    for batch, first, second in zip(batches, *parts, strict=True):
        assert first == batch[::2]
        assert second == (batch[1::2] if len(batch) == 4 else [batch[1], batch[0]])
    with pytest.raises(SedlabError, match="cannot share the 3 clips"):
        ClipBatchSampler(11, 3, seed=5, rank=0, num_ranks=2)
