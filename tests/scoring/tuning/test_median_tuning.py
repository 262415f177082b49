import numpy as np
import pandas as pd
import pytest

from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.postprocess.median import median_filter
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.postprocess.median import MedianParams
from sedlab.scoring.scores.tables import score_tables
from sedlab.scoring.tuning.median import tune_median


def test_each_class_gets_the_length_that_is_best_for_it(real20):
    classes, lengths = ("Dog", "Speech", "Vacuum_cleaner"), (1, 9, 19)
    tuning = tune_median(CountedEvents.of(real20.tables, real20.events, real20.durations, classes), lengths=lengths)
    for j, length in enumerate(lengths):
        filtered = {}
        for clip_id, table in real20.tables.items():
            values = median_filter(table[list(classes)].to_numpy(), length)
            filtered[clip_id] = table[["onset", "offset"]].assign(**dict(zip(classes, values.T, strict=True)))
        result = psds(CountedEvents.of(filtered, real20.events, real20.durations, classes))
        assert tuning.values[:, j].tolist() == [result.per_class[label] for label in classes]
    assert tuning.best == dict(zip(classes, tuning.values.max(axis=1), strict=True))
    assert len(set(tuning.params.seconds.values())) > 1
    after = psds(
        CountedEvents.of(tuning.params.scores(real20.tables, classes), real20.events, real20.durations, classes)
    )
    assert after.per_class == pytest.approx(tuning.best, abs=1e-9)
    before = psds(CountedEvents.of(real20.tables, real20.events, real20.durations, classes))
    assert after.overall > before.overall


def test_the_shortest_of_equals_is_kept_and_nothing_longer_than_a_clip_is_tried():
    tables = score_tables(np.full((1, 20, 2), 0.5), ["a"], ("Cat", "Dog"), np.arange(21) * 0.5)
    events = pd.DataFrame([("a", 0.0, 10.0, "Cat")], columns=["clip_id", "onset", "offset", "label"])
    tuning = tune_median(CountedEvents.of(tables, events, {"a": 10.0}, ("Cat", "Dog")))
    assert tuning.grid == tuple(range(1, 20, 2))
    assert tuning.params.seconds == {"Cat": 0.5} and tuning.params.provenance["not_tuned"] == ["Dog"]
    assert tuning.best["Cat"] == 1.0 and np.isnan(tuning.best["Dog"])


def test_untuned_classes_have_their_published_length_or_none():
    probabilities = np.random.default_rng(1).random((1, 156, 3))
    tables = score_tables(probabilities, ["a"], ("Cat", "Blender", "Whistle"), frame_times())
    values = MedianParams({"Cat": 3 * 0.064}).scores(tables)["a"].to_numpy()[:, 2:]
    np.testing.assert_array_equal(values, median_filter(probabilities, [3, 9, 1])[0])


def test_frames_of_several_lengths_are_refused():
    events = pd.DataFrame([("a", 0.0, 10.0, "Cat")], columns=["clip_id", "onset", "offset", "label"])
    tables = score_tables(np.full((1, 20, 1), 0.5), ["a"], ("Cat",), np.arange(21) * 0.5)
    tables |= score_tables(np.full((1, 20, 1), 0.5), ["b"], ("Cat",), np.arange(21) * 0.25)
    with pytest.raises(SedlabError, match=r"clip b: frames of 0\.2500 s, others of 0\.5000 s"):
        tune_median(CountedEvents.of(tables, events, {"a": 10.0}, ("Cat",)))
    with pytest.raises(SedlabError, match="no event of the classes to tune"):
        tune_median(CountedEvents.of({"a": tables["a"]}, events, {"a": 10.0}, ()))
