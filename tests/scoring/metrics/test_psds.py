from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.scoring.metrics.events import CountedEvents, merge_touching
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, psds
from sedlab.scoring.scores.tables import score_tables


@pytest.fixture(scope="module")
def tables60(synthetic60):
    data = synthetic60
    return score_tables(data.probabilities, data.clip_ids, data.classes, data.times)


def events(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"])


def flat_tables(clip_ids, classes=("Cat", "Dog"), seed=0):
    probabilities = np.random.default_rng(seed).random((len(clip_ids), 20, len(classes)))
    return score_tables(probabilities, clip_ids, classes, np.arange(21) * 0.5)


def test_recorded_values_of_synthetic_scores(synthetic60, tables60, expected):
    result = psds(CountedEvents.of(tables60, synthetic60.events, synthetic60.durations))
    assert result.overall == pytest.approx(expected["synthetic60"]["psds1"], abs=1e-9)
    assert result.per_class == pytest.approx(expected["synthetic60"]["psds1_class"], abs=1e-9)
    second = psds(CountedEvents.of(tables60, synthetic60.events, synthetic60.durations), scenario=PSDS2)
    assert second.overall == pytest.approx(expected["synthetic60"]["psds2"], abs=1e-9)


def test_recorded_values_of_a_published_system(real20, expected):
    wanted = expected["dcase2023_baseline_paper_grid"]
    result = psds(CountedEvents.of(real20.tables, real20.events, real20.durations))
    assert result.overall == pytest.approx(wanted["psds1"], abs=1e-9)
    assert result.per_class == pytest.approx(wanted["psds1_class"], abs=1e-9)
    second = psds(CountedEvents.of(real20.tables, real20.events, real20.durations), scenario=PSDS2)
    assert second.overall == pytest.approx(wanted["psds2"], abs=1e-9)


def test_order_of_clips_events_and_columns_does_not_matter(real20):
    rng = np.random.default_rng(0)
    names = list(real20.tables)
    rng.shuffle(names)
    tables = {name: real20.tables[name][["onset", "offset", *real20.tables[name].columns[:1:-1]]] for name in names}
    shuffled = real20.events.sample(frac=1.0, random_state=1)
    classes = list(tables[names[0]].columns[2:])
    once = psds(CountedEvents.of(real20.tables, real20.events, real20.durations))
    again = psds(CountedEvents.of(tables, shuffled, real20.durations, classes))
    assert again.overall == once.overall and again.per_class == once.per_class


def test_curve_integrates_to_the_score(real20):
    result = psds(CountedEvents.of(real20.tables, real20.events, real20.durations))
    curve = result.curve
    assert curve.efpr[-1] == PSDS1.max_efpr and (np.diff(curve.efpr) >= 0).all()
    assert np.sum(np.diff(curve.efpr) * curve.etpr[:-1]) / PSDS1.max_efpr == pytest.approx(result.overall)
    assert set(result.class_curves) == set(result.per_class)
    for single in result.class_curves.values():
        assert (np.diff(single.etpr) >= 0).all()


def test_perfect_scores_give_one_and_silence_gives_nothing():
    truth = events(("a", 1.0, 3.0, "Cat"), ("b", 2.0, 6.0, "Dog"), ("b", 7.0, 8.0, "Cat"))
    durations = {"a": 10.0, "b": 10.0}
    perfect = {name: table.assign(Cat=0.0, Dog=0.0) for name, table in flat_tables(["a", "b"]).items()}
    for row in truth.itertuples():
        table = perfect[row.clip_id]
        table.loc[(table["onset"] >= row.onset) & (table["offset"] <= row.offset), row.label] = 1.0
    for scenario in (PSDS1, PSDS2):
        assert psds(
            CountedEvents.of(perfect, truth, durations, ("Cat", "Dog")), scenario=scenario
        ).overall == pytest.approx(1.0)
    silent = {name: table.assign(Cat=0.0, Dog=0.0) for name, table in perfect.items()}
    assert psds(CountedEvents.of(silent, truth, durations, ("Cat", "Dog"))).overall == 0.0


def test_clips_without_events_do_not_count(real20):
    template = next(iter(real20.tables.values()))
    tables = {**real20.tables, "silent": template}
    durations = {**real20.durations, "silent": 3600.0}
    result = psds(CountedEvents.of(tables, real20.events, durations))
    assert result.overall == psds(CountedEvents.of(real20.tables, real20.events, real20.durations)).overall
    assert result.num_clips == len(real20.tables)


def test_class_without_events_is_left_out_and_named(real20):
    kept = real20.events[real20.events["label"] != "Dog"]
    result = psds(CountedEvents.of(real20.tables, kept, real20.durations))
    assert result.missing_classes == ("Dog",)
    assert np.isnan(result.per_class["Dog"]) and np.isfinite(result.overall)
    others = [label for label in result.per_class if label != "Dog"]
    assert psds(CountedEvents.of(real20.tables, kept, real20.durations, others)).overall == result.overall


@pytest.mark.parametrize("scenario", [PSDS1, PSDS2])
def test_one_class_alone_and_no_class_at_all(scenario):
    tables, durations = flat_tables(["a"]), {"a": 10.0}
    one = psds(CountedEvents.of(tables, events(("a", 1.0, 3.0, "Cat")), durations, ("Cat", "Dog")), scenario=scenario)
    assert one.missing_classes == ("Dog",) and one.overall == one.per_class["Cat"]
    none = psds(CountedEvents.of(tables, events(), durations, ("Cat", "Dog")), scenario=scenario)
    assert np.isnan(none.overall) and none.missing_classes == ("Cat", "Dog") and none.num_clips == 0


def test_overlapping_events_of_a_class_are_one_event():
    tables, durations = flat_tables(["a", "b"], seed=2), {"a": 10.0, "b": 10.0}
    apart = events(("a", 1.0, 3.0, "Cat"), ("a", 2.0, 5.0, "Cat"), ("a", 5.0, 6.0, "Cat"), ("b", 0.0, 2.0, "Dog"))
    joined = events(("a", 1.0, 6.0, "Cat"), ("b", 0.0, 2.0, "Dog"))
    classes = ("Cat", "Dog")
    first, second = (psds(CountedEvents.of(tables, truth, durations, classes)) for truth in (apart, joined))
    assert first.overall == second.overall and first.num_events == 2


def test_rows_without_times_and_foreign_labels_are_ignored(real20):
    extra = events(("x", np.nan, np.nan, "Speech"), ("y", 0.0, 1.0, "car"), ("z", 2.0, 2.0, "Dog"))
    result = psds(CountedEvents.of(real20.tables, pd.concat([real20.events, extra]), real20.durations))
    assert result.overall == psds(CountedEvents.of(real20.tables, real20.events, real20.durations)).overall


def test_missing_scores_durations_and_columns_are_refused(real20):
    name = real20.events["clip_id"].iloc[0]
    fewer = {clip: table for clip, table in real20.tables.items() if clip != name}
    with pytest.raises(SedlabError, match=rf"no scores for 1 of 20 clips.*first: {name}"):
        psds(CountedEvents.of(fewer, real20.events, real20.durations))
    with pytest.raises(SedlabError, match=rf"no duration for 1 of 20 clips.*first: {name}"):
        psds(CountedEvents.of(real20.tables, real20.events, {k: v for k, v in real20.durations.items() if k != name}))
    with pytest.raises(SedlabError, match=r"no column for 1 of 10 classes .*'Dog'"):
        psds(
            CountedEvents.of(
                {clip: table.drop(columns="Dog") for clip, table in real20.tables.items()}, real20.events, {}
            )
        )


def test_spread_over_classes_costs(real20):
    without = psds(
        CountedEvents.of(real20.tables, real20.events, real20.durations), scenario=replace(PSDS1, alpha_st=0.0)
    )
    assert without.overall == pytest.approx(np.mean(list(without.per_class.values())), abs=1e-9)
    assert without.overall > psds(CountedEvents.of(real20.tables, real20.events, real20.durations)).overall


def test_merging_does_not_join_across_clips_or_labels():
    rows = events(("a", 0.0, 2.0, "Cat"), ("b", 1.0, 3.0, "Cat"), ("a", 1.0, 3.0, "Dog"), ("a", 0.5, 1.0, "Cat"))
    merged = merge_touching(rows, ["clip_id"])
    assert merged.to_numpy().tolist() == [["a", "Cat", 0.0, 2.0], ["a", "Dog", 1.0, 3.0], ["b", "Cat", 1.0, 3.0]]
