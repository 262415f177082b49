from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scoring_material import logits_from_events

from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.postprocess.csebbs import csebbs
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.metrics.segments import CountedSegments
from sedlab.scoring.postprocess.csebbs import UNTUNED, CsebbsParams, CsebbsSetting
from sedlab.scoring.scores.tables import score_tables
from sedlab.scoring.tuning.csebbs import PUBLISHED_GRID, CsebbsGrid, tune_csebbs
from sedlab.views.figures.tuning import csebbs_tuning_figure

SMALL_GRID = CsebbsGrid(steps=(0.32, 0.48, 0.64), absolute=(0.15, 0.2, 0.3), relative=(1.5, 2.0, 3.0))
FIXED = CsebbsSetting(step=0.48, absolute=0.2, relative=2.0)
PARAMS = CsebbsParams(dict.fromkeys(DESED_CLASSES, FIXED))


@pytest.fixture(scope="module")
def tables60(synthetic60):
    data = synthetic60
    return score_tables(data.probabilities, data.clip_ids, data.classes, data.times)


def tables_from(corpus, noise=2.0):
    scores = logits_from_events(corpus, noise=noise)
    return score_tables(scores.probabilities, scores.clip_ids, scores.classes, scores.frame_times)


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("synthetic60", PUBLISHED_GRID),
        ("dcase2023_baseline_paper_grid", PUBLISHED_GRID),
        ("dcase2023_baseline_small_grid", SMALL_GRID),
    ],
)
def test_tuning_equals_the_published_package(name, grid, synthetic60, tables60, real20, expected):
    data, tables = (synthetic60, tables60) if name == "synthetic60" else (real20, real20.tables)
    wanted = expected[name]
    steps_done = []
    tuning = tune_csebbs(
        CountedEvents.of(tables, data.events, data.durations),
        grid=grid,
        progress=lambda done, total, what: steps_done.append(done),
    )
    assert steps_done == list(range(1, len(grid.steps) + 1))
    assert tuning.best == pytest.approx(wanted["best_class"], abs=1e-9)
    found = tuning.params.settings
    assert {label: setting.step for label, setting in found.items()} == wanted["step"]
    assert {label: setting.absolute for label, setting in found.items()} == wanted["abs"]
    assert {label: setting.relative for label, setting in found.items()} == wanted["rel"]

    result = psds(CountedEvents.of(tuning.params.scores(tables), data.events, data.durations))
    assert result.overall == pytest.approx(wanted["psds1_csebbs"], abs=1e-9)
    assert result.per_class == pytest.approx(wanted["psds1_csebbs_class"], abs=1e-9)


def test_recorded_boxes_of_fixed_parameters(synthetic60, tables60, expected):
    wanted = expected["synthetic60"]
    boxes = csebbs(synthetic60.probabilities, synthetic60.times, FIXED.step, FIXED.absolute, FIXED.relative)
    assert len(boxes.onset) == wanted["n_sebbs_fixed"]
    row = synthetic60.clip_ids.index(wanted["first_clip"])
    found = PARAMS.detect(synthetic60.probabilities[row], synthetic60.classes, synthetic60.times)
    truth = pd.DataFrame(wanted["first_clip_sebbs"], columns=["onset", "offset", "label", "confidence"])
    found, truth = (table.sort_values(["label", "onset"], ignore_index=True) for table in (found, truth))
    pd.testing.assert_frame_equal(found, truth, rtol=0, atol=1e-9)
    result = psds(CountedEvents.of(PARAMS.scores(tables60), synthetic60.events, synthetic60.durations))
    assert result.overall == pytest.approx(wanted["psds1_csebbs_fixed"], abs=1e-9)


def test_recorded_boxes_of_a_published_system(real20, expected):
    wanted = expected["dcase2023_baseline_paper_grid"]
    table = real20.tables[wanted["first_clip"]]
    times = np.append(table["onset"], table["offset"].iloc[-1])
    found = PARAMS.detect(table.to_numpy()[:, 2:], list(table.columns[2:]), times)
    truth = pd.DataFrame(wanted["first_clip_sebbs"], columns=["onset", "offset", "label", "confidence"])
    found, truth = (rows.sort_values(["label", "onset"], ignore_index=True) for rows in (found, truth))
    pd.testing.assert_frame_equal(found, truth, rtol=0, atol=1e-9)


def test_recorded_values_of_a_published_system_are_those_known(expected):
    wanted = expected["dcase2023_baseline_paper_grid"]
    assert round(wanted["psds1"], 5) == 0.26974 and round(wanted["psds1_csebbs"], 5) == 0.43748


def test_order_of_clips_does_not_matter(real20):
    names = list(real20.tables)
    np.random.default_rng(0).shuffle(names)
    shuffled = {name: real20.tables[name] for name in names}
    events = real20.events.sample(frac=1.0, random_state=1)
    once = tune_csebbs(CountedEvents.of(real20.tables, real20.events, real20.durations), grid=SMALL_GRID)
    again = tune_csebbs(CountedEvents.of(shuffled, events, real20.durations), grid=SMALL_GRID)
    assert again.best == once.best and again.params.settings == once.params.settings


def test_clips_on_different_grids_are_tuned_together(real20):
    """A table cut into half frames holds the same scores, so it gives the same boxes."""
    fine = {}
    for k, (name, table) in enumerate(real20.tables.items()):
        middle = (table["onset"] + table["offset"]) / 2
        halves = pd.concat([table.assign(offset=middle), table.assign(onset=middle)]).sort_values("onset")
        fine[name] = halves.reset_index(drop=True) if k % 2 else table
    once = tune_csebbs(CountedEvents.of(real20.tables, real20.events, real20.durations), grid=SMALL_GRID)
    again = tune_csebbs(CountedEvents.of(fine, real20.events, real20.durations), grid=SMALL_GRID)
    assert again.best == pytest.approx(once.best, abs=1e-3) and again.best != pytest.approx(dict.fromkeys(once.best, 0))


def test_mpauc_is_unchanged(maestro_corpus):
    corpus = maestro_corpus
    # Louder where an annotator was sure, but not always.
    confident = replace(corpus, events=corpus.events[corpus.events["confidence"] > 0.5])
    tables = tables_from(confident, noise=8.0)
    before = segment_mpauc(CountedSegments.of(tables, corpus.clips, corpus.events))
    for classes in (None, MAESTRO_EVAL_CLASSES):
        after = segment_mpauc(CountedSegments.of(PARAMS.scores(tables, classes), corpus.clips, corpus.events))
        assert after.overall == pytest.approx(before.overall, abs=1e-12)
        assert after.per_class == pytest.approx(before.per_class, abs=1e-12, nan_ok=True)
    assert 0.2 < before.overall < 0.95


def test_a_class_without_event_is_not_tuned_and_has_the_boxes_of_the_middle_of_the_grid(synthetic60, tables60):
    without = synthetic60.events[~synthetic60.events["label"].isin(["Dog", "Speech"])]
    classes = ("Cat", "Dog", "Dishes", "Speech")
    tuning = tune_csebbs(CountedEvents.of(tables60, without, synthetic60.durations, classes), grid=SMALL_GRID)
    assert set(tuning.params.settings) == {"Cat", "Dishes"} == set(tuning.params.provenance["value"])
    assert tuning.params.provenance["not_tuned"] == ["Dog", "Speech"] and np.isnan(tuning.best["Dog"])
    explicit = CsebbsParams(tuning.params.settings | dict.fromkeys(["Dog", "Speech"], UNTUNED))
    for clip_id, table in tuning.params.scores(tables60, classes).items():
        pd.testing.assert_frame_equal(table, explicit.scores(tables60, classes)[clip_id], check_exact=True)
    assert csebbs_tuning_figure(tuning).axes


def test_untuned_classes_of_maestro_are_boxes_of_one_second(maestro_corpus):
    tables = tables_from(maestro_corpus)
    table = next(iter(PARAMS.scores(tables, ["car"]).values()))
    np.testing.assert_array_equal(table["onset"], np.arange(10))
    np.testing.assert_allclose(table["offset"], [*range(1, 10), 9.984])


def test_tables_hold_the_boxes_and_nothing_between(desed_corpus):
    tables = tables_from(desed_corpus)
    scored = PARAMS.scores(tables)
    name = list(tables)[3]
    boxes = PARAMS.detect(tables[name].to_numpy()[:, 2:], list(tables[name].columns[2:]), frame_times())
    table = scored[name]
    assert list(table.columns) == list(tables[name].columns) and list(scored) == list(tables)
    assert table["onset"].iloc[0] == 0 and table["offset"].iloc[-1] == 9.984
    np.testing.assert_array_equal(table["onset"].iloc[1:], table["offset"].iloc[:-1])
    centres = (table["onset"] + table["offset"]) / 2
    for label in ("Speech", "Dog", "car"):
        rows = boxes[boxes["label"] == label]
        for centre, score in zip(centres, table[label], strict=True):
            inside = rows[(rows["onset"] < centre) & (centre < rows["offset"])]
            assert score == (inside["confidence"].item() if len(inside) else 0.0)


def test_thresholds_choose_boxes(desed_corpus):
    tables = tables_from(desed_corpus)
    values, classes = next(iter(tables.values())).to_numpy()[:, 2:], list(next(iter(tables.values())).columns[2:])
    boxes = PARAMS.detect(values, classes, frame_times())
    chosen = PARAMS.detect(values, classes, frame_times(), 0.5)
    pd.testing.assert_frame_equal(chosen, boxes[boxes["confidence"] > 0.5].reset_index(drop=True))
    by_class = PARAMS.detect(values, classes, frame_times(), dict.fromkeys(classes, 1.0) | {"Dog": 0.0})
    assert set(by_class["label"]) == {"Dog"}


def events_of(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"])


def test_one_clip_with_constant_scores_and_a_class_without_events():
    tables = score_tables(np.full((1, 156, 2), 0.5), ["a"], ("Cat", "Dog"), frame_times())
    tuning = tune_csebbs(CountedEvents.of(tables, events_of(("a", 0.0, 9.9, "Cat")), {"a": 9.984}, ("Cat", "Dog")))
    assert tuning.best["Cat"] == 1.0 and np.isnan(tuning.best["Dog"])
    first = CsebbsSetting(0.38, 0.15, np.inf)
    assert tuning.params.settings == {"Cat": first}
    assert psds(
        CountedEvents.of(tuning.params.scores(tables), events_of(("a", 0.0, 9.9, "Cat")), {"a": 9.984}, ("Cat", "Dog"))
    )


def test_one_frame():
    tables = score_tables(np.full((1, 1, 1), 0.5), ["a"], ("Cat",), np.array([0.0, 0.064]))
    tuning = tune_csebbs(CountedEvents.of(tables, events_of(("a", 0.0, 0.064, "Cat")), {"a": 0.064}, ("Cat",)))
    assert tuning.best == {"Cat": 1.0}
    table = tuning.params.scores(tables)["a"]
    assert table.to_numpy().tolist() == [[0.0, 0.064, 0.5]]


def test_events_beyond_the_scores_are_not_found():
    tables = score_tables(np.full((1, 10, 1), 0.5), ["a"], ("Cat",), np.arange(11) * 0.064)
    tuning = tune_csebbs(CountedEvents.of(tables, events_of(("a", 5.0, 6.0, "Cat")), {"a": 10.0}, ("Cat",)))
    assert tuning.best == {"Cat": 0.0}


def test_what_cannot_be_tuned_is_one_line():
    tables = score_tables(np.full((1, 156, 1), 0.5), ["a"], ("Cat",), frame_times())
    broken = {"a": tables["a"].assign(Cat=np.nan)}
    cat = events_of(("a", 1.0, 2.0, "Cat"))
    for arguments, message in (
        ((broken, cat, {"a": 10.0}), "nan"),
        ((tables, cat, {}), "no duration for 1 of 1"),
        ((tables, events_of(("b", 1.0, 2.0, "Cat")), {"b": 10.0}), "no scores for 1 of 1"),
        ((tables, events_of(("a", 1.0, 2.0, "Dog")), {"a": 10.0}), "no event of the classes"),
        (({"a": tables["a"].drop(columns="Cat")}, cat, {"a": 10.0}), "no column"),
    ):
        with pytest.raises(SedlabError, match=message) as caught:
            tune_csebbs(CountedEvents.of(*arguments, ("Cat",)), grid=SMALL_GRID)
        assert "\n" not in str(caught.value)
    with pytest.raises(SedlabError, match="scores lack 9 of 10 classes"):
        PARAMS.detect(np.full((156, 1), 0.5), ["Cat"], frame_times())
