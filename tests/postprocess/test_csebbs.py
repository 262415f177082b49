import numpy as np
import pytest
from csebbs_reference import reference_boxes
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.postprocess.csebbs import csebbs, segment_boxes

STEPS = (0.38, 0.48, 0.66)


def times_of(num_frames: int, hop: float = 0.064) -> np.ndarray:
    return np.arange(num_frames + 1) * hop


def rows(boxes, track: int) -> np.ndarray:
    chosen = boxes.track == track
    return np.stack((boxes.onset[chosen], boxes.offset[chosen], boxes.confidence[chosen]), axis=1)


@st.composite
def score_tracks(draw):
    """Noise, slow curves, or few levels with many ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 50)), draw(st.integers(1, 3)))
    match draw(st.sampled_from(["noise", "curve", "levels", "saturated"])):
        case "noise":
            return rng.random(shape)
        case "curve":
            return 1 / (1 + np.exp(-np.cumsum(rng.normal(size=shape), axis=1)))
        case "levels":
            return np.round(rng.random(shape) * 4) / 4
        case _:
            return (rng.random(shape) < 0.5).astype(float)


@settings(max_examples=150)
@given(
    score_tracks(),
    st.sampled_from([0.064, 0.04, 0.02]),
    st.lists(st.sampled_from(STEPS), min_size=3, max_size=3),
    st.lists(
        st.sampled_from([(0.15, np.inf), (0.3, np.inf), (np.inf, 1.5), (np.inf, 3.0), (0.2, 2.0)]),
        min_size=3,
        max_size=3,
    ),
)
def test_equals_the_slow_reference(probabilities, hop, steps, thresholds):
    num_clips, num_frames, num_classes = probabilities.shape
    times = times_of(num_frames, hop)
    absolute, relative = (np.array(values[:num_classes]) for values in zip(*thresholds, strict=True))
    boxes = csebbs(probabilities, times, np.array(steps[:num_classes]), absolute, relative)
    for clip in range(num_clips):
        for k in range(num_classes):
            slow = reference_boxes(probabilities[clip, :, k], times, steps[k], absolute[k], relative[k])
            np.testing.assert_allclose(rows(boxes, clip * num_classes + k), slow, rtol=0, atol=1e-9)


@settings(max_examples=50)
@given(score_tracks(), st.sampled_from(STEPS), st.sampled_from([(0.2, np.inf), (np.inf, 2.0)]))
def test_boxes_of_a_track_are_apart_and_inside_the_clip(probabilities, step, thresholds):
    times = times_of(probabilities.shape[1])
    boxes = csebbs(probabilities, times, step, *thresholds)
    num_tracks = probabilities.shape[0] * probabilities.shape[2]
    assert set(boxes.track) == set(range(num_tracks))
    assert (boxes.onset < boxes.offset).all() and boxes.onset.min() >= 0 and boxes.offset.max() <= round(times[-1], 6)
    neighbours = boxes.track[1:] == boxes.track[:-1]
    assert (boxes.onset[1:] > boxes.offset[:-1])[neighbours].all()
    flat = probabilities.transpose(0, 2, 1).reshape(num_tracks, -1)[boxes.track]
    assert (boxes.confidence <= flat.max(axis=1) + 1e-12).all()


def test_an_event_on_silence_is_found_with_its_edges():
    scores = np.zeros((1, 156, 1))
    scores[0, 40:80] = 0.9
    boxes = rows(csebbs(scores, times_of(156), 0.38, relative=1.5), 0)
    sure = boxes[boxes[:, 2] > 0.1]
    np.testing.assert_allclose(sure, [[40 * 0.064, 80 * 0.064, 0.9]], atol=1e-6)


def test_a_dip_is_bridged_when_the_threshold_allows_it():
    scores = np.zeros((1, 156, 1))
    scores[0, 40:120], scores[0, 70:73] = 0.9, 0.6
    for absolute, relative, expected in ((0.25, np.inf, 2), (0.35, np.inf, 1), (np.inf, 1.4, 2), (np.inf, 1.6, 1)):
        boxes = rows(csebbs(scores, times_of(156), 0.48, absolute, relative), 0)
        assert (boxes[:, 2] > 0.5).sum() == expected, (absolute, relative)


def test_higher_thresholds_merge_more():
    scores = np.random.default_rng(0).random((4, 156, 3))
    counts = [len(csebbs(scores, times_of(156), 0.48, absolute).onset) for absolute in (0.2, 0.5, 0.8, np.inf)]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) == 4 and counts[-1] == 12


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_constant_scores_are_one_box(value):
    boxes = csebbs(np.full((2, 156, 2), value), times_of(156), 0.54, 0.15)
    np.testing.assert_array_equal(boxes.track, np.arange(4))
    np.testing.assert_allclose(rows(boxes, 3), [[0.0, 9.984, value]], atol=1e-12)


def test_one_frame_is_one_box():
    np.testing.assert_allclose(rows(csebbs(np.array([[[0.7]]]), [0.0, 0.064], 0.38), 0), [[0.0, 0.064, 0.7]])


def test_clips_and_classes_do_not_touch_each_other():
    scores = np.random.default_rng(1).random((3, 60, 2))
    together = csebbs(scores, times_of(60), 0.42, 0.3)
    alone = csebbs(scores[1:2, :, 1:], times_of(60), 0.42, 0.3)
    np.testing.assert_array_equal(rows(together, 3), rows(alone, 0))


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_what_is_no_probability_is_refused(value):
    scores = np.full((1, 20, 1), 0.5)
    scores[0, 7] = value
    with pytest.raises(SedlabError, match=r"not in \[0, 1\]"):
        csebbs(scores, times_of(20), 0.38)
    with pytest.raises(SedlabError, match=r"not in \[0, 1\]"):
        segment_boxes(scores, times_of(20))


def test_wrong_grid_and_wrong_step_are_refused():
    scores = np.full((1, 20, 1), 0.5)
    with pytest.raises(SedlabError, match="20 frames with 20 frame boundaries"):
        csebbs(scores, times_of(19), 0.38)
    with pytest.raises(SedlabError, match="must be positive"):
        csebbs(scores, times_of(20), 0.0)


def test_seconds_become_boxes_with_their_mean():
    scores = np.random.default_rng(2).random((2, 156, 2))
    boxes = segment_boxes(scores, times_of(156))
    clip1_class0 = rows(boxes, 2)
    np.testing.assert_allclose(clip1_class0[:, 0], np.arange(10))
    np.testing.assert_allclose(clip1_class0[:, 1], [*range(1, 10), 9.984])
    fine = np.repeat(scores[1, :, 0], 64)  # milliseconds
    means = [fine[1000 * k : 1000 * (k + 1)].mean() for k in range(10)]
    np.testing.assert_allclose(clip1_class0[:, 2], means, atol=1e-12)


def test_an_hour_of_audio_needs_little_memory():
    """Nothing grows with frames times boundaries: an hour would need gigabytes."""
    import tracemalloc

    scores = np.random.default_rng(3).random((1, 56250, 2))
    tracemalloc.start()
    csebbs(scores, times_of(56250), 0.48, 0.3)
    segment_boxes(scores, times_of(56250))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6
