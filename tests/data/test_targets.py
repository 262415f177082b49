import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.data.targets import StrongTargets, event_arrays, frame_times, group_events, strong_targets, weak_targets
from sedlab.grid import CLIP_SECONDS, NUM_FRAMES

THREE = ("a", "b", "c")
# Frames of ten consecutive 1 s segments in the published system.
SEGMENT_FRAMES = [
    (0, 16), (15, 32), (31, 47), (46, 63), (62, 79), (78, 94), (93, 110), (109, 125), (125, 141), (140, 156),
]  # fmt: skip

times = st.integers(-2000, 12_000).map(lambda ms: ms / 1000)
rows = st.lists(st.tuples(times, times, st.sampled_from(THREE), st.sampled_from([0.2, 0.5, 1.0])), max_size=8)


def table(rows):
    return pd.DataFrame(rows, columns=["onset", "offset", "label", "confidence"])


def reference_targets(rows, crop_onset):
    """The rule of the published encoder, a row at a time."""
    target = np.zeros((len(THREE), NUM_FRAMES), dtype=np.float32)
    seen = set()
    for onset, offset, label, confidence in rows:
        if crop_onset:
            onset, offset = round(onset - crop_onset, 6), round(offset - crop_onset, 6)
        onset, offset = min(max(onset, 0.0), 10.0), min(max(offset, 0.0), 10.0)
        if onset >= offset or (onset, offset, label, confidence) in seen:
            continue
        seen.add((onset, offset, label, confidence))
        first = min(onset * 16000 / 256 / 4, 156)
        last = min(offset * 16000 / 256 / 4, 156)
        target[THREE.index(label), math.floor(first) : math.ceil(last)] = confidence
    return target


@pytest.mark.parametrize(("second", "frames"), list(enumerate(SEGMENT_FRAMES)))
def test_one_second_segments_cover_the_published_frames(second, frames):
    target = strong_targets(table([(second, second + 1, "a", 1.0)]), THREE)
    assert np.flatnonzero(target[0]).tolist() == list(range(*frames))


@given(rows, st.sampled_from([0.0, 0.064, 0.36, 1.001]))
def test_targets_equal_the_slow_reference(rows, crop_onset):
    np.testing.assert_array_equal(
        strong_targets(table(rows), THREE, crop_onset=crop_onset), reference_targets(rows, crop_onset)
    )


@given(rows)
def test_confidences_are_assigned_in_row_order(rows):
    target = strong_targets(table(rows), THREE)
    assert set(np.unique(target)) <= {np.float32(v) for v in (0, 0.2, 0.5, 1)}
    doubled = strong_targets(table(rows + rows), THREE)
    np.testing.assert_array_equal(doubled, target)


@given(st.lists(rows, min_size=1, max_size=5), st.data())
def test_the_targets_of_a_batch_are_those_of_its_clips(clips, data):
    events = [event_arrays(table(rows), THREE) for rows in clips]
    chosen = data.draw(st.lists(st.integers(0, len(clips) - 1), max_size=6))
    written = np.full((len(chosen), len(THREE), NUM_FRAMES), np.nan, dtype=np.float32)
    StrongTargets(events, len(THREE), NUM_FRAMES).write(np.array(chosen, dtype=int), written)
    for found, clip in zip(written, chosen, strict=True):
        np.testing.assert_array_equal(found, reference_targets(clips[clip], 0.0))


def test_later_row_owns_the_shared_frame_even_if_less_confident():
    target = strong_targets(table([(0, 1, "a", 0.9), (1, 2, "a", 0.1)]), THREE)
    assert target[0, 15] == np.float32(0.1)


def test_offset_beyond_the_clip_reaches_the_last_frame_only():
    target = strong_targets(table([(9.0, 10.115, "a", 1.0)]), THREE)
    assert np.flatnonzero(target[0]).tolist() == list(range(140, 156))


def test_audioset_grid():
    target = strong_targets(table([(0.04, 0.08, "b", 1.0)]), THREE, num_frames=250, frame_seconds=0.04)
    assert target.shape == (3, 250)
    assert np.argwhere(target).tolist() == [[1, 1]]


def test_weak_labels_have_no_frames_but_a_clip_target():
    events = table([(math.nan, math.nan, "c", 1.0)])
    assert strong_targets(events, THREE).sum() == 0
    assert weak_targets(events, THREE).tolist() == [0, 0, 1]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("pqr"), times, times, st.sampled_from([*THREE, "unknown"])), max_size=12))
def test_grouping_keeps_the_rows_of_each_clip_in_order(rows):
    events = pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"]).assign(subset="s", confidence=1.0)
    groups = group_events(events, THREE)
    for clip_id in "pqr":
        expected = event_arrays(events[events["clip_id"] == clip_id], THREE)
        found = groups.get(("s", clip_id))
        if found is None:
            assert len(expected) == 0
        else:
            np.testing.assert_array_equal(found["onset"], expected["onset"])
            np.testing.assert_array_equal(found["label"], expected["label"])


def test_frame_times_end_before_the_clip():
    assert len(frame_times()) == NUM_FRAMES + 1
    assert frame_times()[-1] == pytest.approx(9.984)
    assert frame_times()[-1] < CLIP_SECONDS
