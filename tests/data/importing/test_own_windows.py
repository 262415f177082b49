"""Clips cover a recording, and events are where they were in it."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.data.importing.windows import (
    SHORTEST_END,
    SHORTEST_PIECE,
    evaluation_windows,
    training_windows,
    window_events,
    window_name,
)
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE

LENGTHS = st.integers(1, 60 * SAMPLE_RATE)
EVENTS = st.lists(st.tuples(st.floats(0, 58), st.floats(0.01, 12)), max_size=12).map(
    lambda spans: [(onset, onset + seconds, "x") for onset, seconds in spans]
)


@settings(max_examples=80, deadline=None)
@given(LENGTHS, st.floats(0.5, 10))
def test_training_clips_cover_all_but_a_short_end(length, hop):
    windows = training_windows(length, hop)
    assert windows[0][0] == 0 and all(0 < end - start <= CLIP_SAMPLES for start, end in windows)
    assert all(later[0] <= earlier[1] for earlier, later in pairwise(windows))
    assert length - windows[-1][1] < SHORTEST_END * SAMPLE_RATE or windows[-1][1] == length
    assert len({window_name("r", window, whole=False) for window in windows}) == len(windows)


@settings(max_examples=80, deadline=None)
@given(LENGTHS, EVENTS)
def test_evaluation_clips_cover_a_recording_once(length, events):
    windows = evaluation_windows(length, events)
    assert windows[0][0] == 0 and windows[-1][1] == length
    assert all(earlier[1] == later[0] for earlier, later in pairwise(windows))
    assert all(0 < end - start <= CLIP_SAMPLES for start, end in windows)
    assert len(windows) == 1 or min(end - start for start, end in windows) >= 0.98 * SAMPLE_RATE


def test_evaluation_clips_end_between_events():
    events = [(3.0, 4.0, "x"), (8.0, 12.0, "x"), (14.0, 26.0, "x")]
    ends = [end / SAMPLE_RATE for _, end in evaluation_windows(30 * SAMPLE_RATE, events)]
    assert ends == [8.0, 14.0, 24.0, 30.0]  # the third event is longer than a clip: cut once
    pieces = [window_events(events, *window) for window in evaluation_windows(30 * SAMPLE_RATE, events)]
    assert [len(piece) for piece in pieces] == [1, 1, 1, 1]
    assert sum(offset - onset for piece in pieces for onset, offset, _ in piece) == 1 + 4 + 12


def test_what_the_edge_of_a_clip_leaves_of_an_event_counts_unless_it_is_tiny():
    tiny = SHORTEST_PIECE / 2
    events = [(9.0, 11.0, "a"), (10 - tiny, 12.0, "b"), (2.0, 2 + tiny, "c")]
    inside = window_events(events, 0, CLIP_SAMPLES)
    assert inside == [(2.0, 2.05, "c"), (9.0, 10.0, "a")]  # a short event of its own stays
    after = window_events(events, CLIP_SAMPLES, 2 * CLIP_SAMPLES)
    assert after == [(0.0, 1.0, "a"), (0.0, 2.0, "b")]
