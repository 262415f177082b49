import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.postprocess.median import median_filter, median_lengths


def slow_median(signal: np.ndarray, length: int) -> np.ndarray:
    """Sort every window; index the signal as if mirrored at its ends with the edge sample repeated."""
    frames, half = len(signal), length // 2
    out = []
    for centre in range(frames):
        window = []
        for k in range(centre - half, centre + half + 1):
            k %= 2 * frames
            window.append(signal[k if k < frames else 2 * frames - 1 - k])
        out.append(sorted(window)[half])
    return np.array(out)


@settings(max_examples=40)
@given(st.integers(17, 40), st.lists(st.sampled_from([1, 3, 5, 9, 17]), min_size=1, max_size=4), st.integers(0, 10**6))
def test_equals_the_slow_reference(frames, lengths, seed):
    probabilities = np.random.default_rng(seed).random((2, frames, len(lengths)))
    filtered = median_filter(probabilities, lengths)
    for clip in range(2):
        for k, length in enumerate(lengths):
            assert np.array_equal(filtered[clip, :, k], slow_median(probabilities[clip, :, k], length))


def test_clips_are_filtered_apart():
    probabilities = np.random.default_rng(0).random((5, 156, 27))
    lengths = median_lengths(CLASSES)
    together = median_filter(probabilities, lengths)
    assert np.array_equal(together[3], median_filter(probabilities[3], lengths))


def test_length_one_leaves_scores_alone_and_input_is_not_changed():
    probabilities = np.random.default_rng(0).random((2, 20, 3))
    before = probabilities.copy()
    assert np.array_equal(median_filter(probabilities, 1), before)
    median_filter(probabilities, 5)
    assert np.array_equal(probabilities, before)


def test_recipe_lengths_of_some_classes():
    assert median_lengths(["Speech", "Alarm_bell_ringing", "metro leaving", "birds_singing"]) == [11, 3, 1, 15]


def test_even_length_too_long_window_and_unknown_class_are_refused():
    with pytest.raises(SedlabError, match="11 frames is longer than the 10 frames"):
        median_filter(np.zeros((1, 10, 2)), [3, 11])
    with pytest.raises(SedlabError, match="odd and positive"):
        median_filter(np.zeros((1, 10, 2)), [3, 4])
    with pytest.raises(SedlabError, match=r"'speech'.*Did you mean 'Speech'"):
        median_lengths(["speech"])
