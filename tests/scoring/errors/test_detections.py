"""Score tables become one table of events."""

import numpy as np
import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.scoring.errors.detections import detected_events


def clip(*dogs):
    times = np.arange(len(dogs) + 1) * 0.5
    return pd.DataFrame({"onset": times[:-1], "offset": times[1:], "Cat": 0.4, "Dog": list(map(float, dogs))})


def test_runs_above_the_threshold_are_events_of_their_clip():
    found = detected_events({"a": clip(0.9, 0.7, 0.1), "b": clip(0, 0, 0.6), "c": clip(0, 0, 0)}, ["Dog"])
    assert found[["clip_id", "onset", "offset", "label"]].to_numpy().tolist() == [
        ["a", 0.0, 1.0, "Dog"],
        ["b", 1.0, 1.5, "Dog"],
    ]
    assert found["confidence"].tolist() == pytest.approx([0.8, 0.6])


def test_each_class_may_have_its_threshold():
    found = detected_events({"a": clip(0.9, 0.7)}, ["Cat", "Dog"], {"Cat": 0.3, "Dog": 0.8})
    assert found[["label", "offset"]].to_numpy().tolist() == [["Cat", 1.0], ["Dog", 0.5]]


def test_nothing_detected_is_an_empty_table_with_its_columns():
    found = detected_events({"a": clip(0.1)}, ["Dog"])
    assert found.empty and list(found.columns) == ["clip_id", "onset", "offset", "label", "confidence"]


def test_unknown_classes_are_refused():
    with pytest.raises(SedlabError, match="no column"):
        detected_events({"a": clip(0.1)}, ["Cow"])
