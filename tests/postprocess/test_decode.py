import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.postprocess.decode import detect_events

LABELS = ("Cat", "Dog", "car")


def slow_events(probabilities, threshold):
    """Walk over the frames of each class, opening and closing events."""
    found = []
    for k, label in enumerate(LABELS):
        start = None
        for t in range(len(probabilities) + 1):
            active = t < len(probabilities) and probabilities[t, k] > threshold
            if active and start is None:
                start = t
            if not active and start is not None:
                found.append((start, t, label, probabilities[start:t, k].mean()))
                start = None
    return sorted(found, key=lambda event: (event[0], LABELS.index(event[2])))


@settings(max_examples=50)
@given(st.integers(1, 60), st.floats(0.0, 1.0), st.integers(0, 10**6))
def test_equals_the_slow_reference(frames, threshold, seed):
    probabilities = np.random.default_rng(seed).random((frames, 3))
    times = np.arange(frames + 1) * 0.064
    table = detect_events(probabilities, LABELS, times, threshold)
    wanted = slow_events(probabilities, threshold)
    assert table["label"].tolist() == [event[2] for event in wanted]
    assert np.allclose(table["onset"], [times[event[0]] for event in wanted])
    assert np.allclose(table["offset"], [times[event[1]] for event in wanted])
    assert np.allclose(table["confidence"], [event[3] for event in wanted])


def test_thresholds_by_class():
    probabilities = np.tile([0.4, 0.4, 0.4], (156, 1))
    by_name = detect_events(probabilities, LABELS, frame_times(), {"Cat": 0.3, "Dog": 0.5, "car": 0.39})
    assert by_name["label"].tolist() == ["Cat", "car"]
    assert by_name[["onset", "offset"]].to_numpy().tolist() == [[0.0, pytest.approx(9.984)]] * 2
    assert detect_events(probabilities, LABELS, frame_times(), [0.3, 0.5, 0.39]).equals(by_name)


def test_silence_gives_an_empty_table_with_columns():
    table = detect_events(np.zeros((10, 3)), LABELS, np.arange(11.0))
    assert table.empty and list(table.columns) == ["onset", "offset", "label", "confidence"]


def test_wrong_shape_and_missing_threshold_are_refused():
    with pytest.raises(SedlabError, match=r"shape \(3, 10\), expected \(10, 3\)"):
        detect_events(np.zeros((3, 10)), LABELS, np.arange(11.0))
    with pytest.raises(SedlabError, match="no threshold for class 'car'"):
        detect_events(np.zeros((10, 3)), LABELS, np.arange(11.0), {"Cat": 0.1, "Dog": 0.1})
    with pytest.raises(SedlabError, match="2 thresholds for 3 classes"):
        detect_events(np.zeros((10, 3)), LABELS, np.arange(11.0), [0.1, 0.2])
