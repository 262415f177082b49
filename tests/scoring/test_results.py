import math

import numpy as np
import pandas as pd
import pytest
from scoring_material import logits_from_events, make_corpus

from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.scoring.metrics.audioset import audioset_psds1
from sedlab.scoring.results import COLUMNS, format_ladder, ladder, read_results, write_results
from sedlab.scoring.scores.file import ScoreFile
from sedlab.scoring.subset import evaluate_score_file

SOURCE = {"iteration": 1, "model": "atst", "stage": "stage2"}


@pytest.fixture(scope="module")
def rows(desed_corpus, maestro_corpus) -> list[dict]:
    desed, maestro = (logits_from_events(corpus, noise=2.5) for corpus in (desed_corpus, maestro_corpus))
    return [
        *evaluate_score_file(desed, desed_corpus, "devtest", **SOURCE),
        *evaluate_score_file(maestro, maestro_corpus, "maestro_dev", **SOURCE, teacher=True),
    ]


def test_rows_cover_metrics_classes_and_post_processing(rows):
    table = pd.DataFrame(rows)
    assert tuple(table.columns) == COLUMNS
    labels = table.groupby(["subset", "metric", "postprocess"])["label"].agg(set).to_dict()
    desed, maestro = {"all", *DESED_CLASSES}, {"all", *MAESTRO_EVAL_CLASSES}
    f1 = [f"{kind}_f1{which}" for kind in ("collar", "intersection") for which in ("", "_best")]
    assert labels == {
        ("devtest", "psds1", "none"): desed,
        **{("devtest", metric, "median"): desed for metric in ("psds1", "psds2", *f1)},
        **{("maestro_dev", metric, how): maestro for metric in ("mpauc", "mpauc_linear") for how in ("none", "median")},
    }
    assert table["teacher"].tolist() == (table["subset"] == "maestro_dev").tolist()
    assert table.groupby("subset")["clips"].agg(set).to_dict() == {"devtest": {12}, "maestro_dev": {8}}
    assert not table.duplicated(list(COLUMNS[: COLUMNS.index("value")])).any()


def test_smoothing_helps_noisy_scores_of_slow_classes(rows):
    values = pd.DataFrame(rows).set_index(["metric", "postprocess", "label"])["value"]
    assert values["psds1", "median", "all"] > values["psds1", "none", "all"]
    assert values["psds2", "median", "all"] > values["psds1", "median", "all"]
    assert math.isnan(values["psds1", "median", "Blender"])


def test_order_of_clips_in_the_file_does_not_matter(desed_corpus):
    scores = logits_from_events(desed_corpus, noise=3.0)
    shuffled = scores.select(scores.clip_ids[::-1])
    first, second = (evaluate_score_file(s, desed_corpus, "devtest", **SOURCE) for s in (scores, shuffled))
    assert pd.DataFrame(first).equals(pd.DataFrame(second))


def test_clips_without_scores_and_foreign_label_spaces_are_refused(desed_corpus):
    scores = logits_from_events(desed_corpus, noise=3.0)
    with pytest.raises(SedlabError, match="no scores for 2 of 12 clips"):
        evaluate_score_file(scores.select(scores.clip_ids[2:]), desed_corpus, "devtest", **SOURCE)
    foreign = ScoreFile(scores.clip_ids, scores.logits[:, :, :3], ("a", "b", "c"), scores.frame_times)
    with pytest.raises(SedlabError, match=r"no scores for 10 of 10 classes .*'Alarm_bell_ringing'"):
        evaluate_score_file(foreign, desed_corpus, "devtest", **SOURCE)


def test_results_round_trip_to_the_last_digit(tmp_path, rows):
    write_results(tmp_path / "results.csv", rows)
    assert read_results(tmp_path / "results.csv").equals(pd.DataFrame(rows))
    write_results(tmp_path / "again.csv", read_results(tmp_path / "results.csv"))
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "results.csv").read_bytes()


def test_tables_of_older_versions_have_no_intervals(tmp_path, rows):
    older = pd.DataFrame(rows).drop(columns=["low", "high", "clips"])
    older.to_csv(tmp_path / "results.csv", index=False)
    table = read_results(tmp_path / "results.csv")
    assert tuple(table.columns) == COLUMNS and table[["low", "high", "clips"]].isna().all(axis=None)
    assert table["value"].equals(older["value"])


def test_intervals_of_the_ladder_hold_their_values(desed_corpus, maestro_corpus):
    for corpus, subset, metric in ((desed_corpus, "devtest", "psds1"), (maestro_corpus, "maestro_dev", "mpauc")):
        scores = logits_from_events(corpus, noise=2.5)
        table = pd.DataFrame(evaluate_score_file(scores, corpus, subset, **SOURCE, replicates=100))
        known = table.dropna(subset=["low", "high"])
        assert set(known["metric"]) == {metric} and set(known["postprocess"]) == {"median"}
        overall = known[known["label"] == "all"].iloc[0]
        assert overall["low"] <= overall["value"] <= overall["high"] and overall["low"] < overall["high"]


def test_no_rows_make_an_empty_table(tmp_path):
    write_results(tmp_path / "results.csv", [])
    assert read_results(tmp_path / "results.csv").empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="metric"), "lacks column 'metric'"),
        (lambda table: table.assign(threshold=0.5), "unknown column 'threshold'"),
        (lambda table: table.assign(stage="stage_2"), "unknown stage 'stage_2'. Did you mean 'stage2'"),
        (lambda table: table.assign(value="high"), "does not hold numbers"),
        (lambda table: table.iloc[:, :0], "not a results table"),
    ],
)
def test_foreign_tables_are_refused_by_name(tmp_path, rows, change, message):
    path = tmp_path / "results.csv"
    change(pd.DataFrame(rows)).to_csv(path, index=False)
    with pytest.raises(SedlabError, match=rf"results\.csv.*{message}"):
        read_results(path)


def test_missing_results_are_refused(tmp_path):
    with pytest.raises(SedlabError, match="no results there"):
        read_results(tmp_path / "results.csv")


def ladder_rows() -> pd.DataFrame:
    def row(iteration, model, stage, subset, metric, value, **other):
        known = {"teacher": False, "postprocess": "median", "label": "all", **other}
        source = {"iteration": iteration, "model": model, "stage": stage, "subset": subset}
        return {**source, "metric": metric, "value": value, "low": math.nan, "high": math.nan, "clips": 12, **known}

    rows = [
        row(2, "ensemble", "stage2", "devtest", "psds1", 0.6),
        row(1, "ensemble", "stage2", "devtest", "psds1", 0.55),
        row(1, "atst", "stage2", "maestro_dev", "mpauc", 0.7),
        row(1, "passt", "stage2", "devtest", "psds1", 0.5),
        row(1, "atst", "stage1", "devtest", "psds1", 0.4),
        row(1, "atst", "stage2", "devtest", "psds1", 0.45),
        # None of these belongs into the ladder.
        row(1, "atst", "stage2", "devtest", "psds1", 0.99, teacher=True),
        row(1, "atst", "stage2", "devtest", "psds1", 0.99, postprocess="none"),
        row(1, "atst", "stage2", "eval_public", "psds1", 0.99),
        row(1, "atst", "stage2", "devtest", "psds2", 0.99),
        row(1, "atst", "stage2", "devtest", "psds1", 0.99, label="Dog"),
        row(0, "atst", "pretrain", "audioset_eval", "psds1", 0.99),
    ]
    return pd.DataFrame(rows)[list(COLUMNS)]


def test_ladder_climbs_by_iteration_stage_and_model():
    table = ladder(ladder_rows())
    assert list(table.columns) == ["iteration", "model", "stage", "psds1", "mpauc"]
    assert table.iloc[:, :4].to_numpy().tolist() == [
        [1, "atst", "stage1", 0.4],
        [1, "passt", "stage2", 0.5],
        [1, "atst", "stage2", 0.45],
        [1, "ensemble", "stage2", 0.55],
        [2, "ensemble", "stage2", 0.6],
    ]
    assert table["mpauc"].dropna().tolist() == [0.7]


def test_printed_ladder_lines_up():
    lines = format_ladder(ladder(ladder_rows())).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == ["iteration", "stage", "model", "PSDS1", "mpAUC"]
    assert lines[3].split() == ["1", "stage2", "atst", "0.4500", "0.7000"]
    assert lines[-1].split() == ["2", "stage2", "ensemble", "0.6000", "-"]


def test_empty_ladder_is_an_empty_table():
    assert ladder(ladder_rows().iloc[:0]).empty
    assert format_ladder(ladder(ladder_rows().iloc[:0])).split()[-1] == "mpAUC"


@pytest.fixture(scope="module")
def audioset():
    classes = ("Bark", "Rain", "Speech", "Unheard")
    clips = [{"subset": "audioset_eval", "clip_id": f"c{k}"} for k in range(8)]
    rng = np.random.default_rng(0)
    events, logits = [], rng.normal(-3, 5.0, (8, 250, 4)).astype(np.float32)
    for k in range(8):
        label = k % 3
        onset = rng.uniform(0, 5)
        events.append(("audioset_eval", f"c{k}", onset, onset + 4.0, classes[label], 1.0))
        logits[k, int(onset * 25) : int(onset * 25) + 100, label] += 6
    scores = ScoreFile([f"c{k}" for k in range(8)], logits, classes, np.arange(251) * 0.04)
    return make_corpus(clips, events), scores


def test_pretraining_score_is_the_mean_of_its_classes(audioset):
    corpus, scores = audioset
    result = audioset_psds1(scores, corpus)
    values = [result.per_class[label] for label in ("Bark", "Rain", "Speech")]
    assert result.overall == pytest.approx(np.mean(values)) and 0 < result.overall < 1
    assert result.missing_classes == ("Unheard",)
    assert audioset_psds1(scores, corpus, classes=("Rain",)).num_clips == 3


def test_pretraining_rows_are_median_filtered_only(audioset):
    corpus, scores = audioset
    rows = evaluate_score_file(scores, corpus, "audioset_eval", iteration=0, model="atst", stage="pretrain")
    table = pd.DataFrame(rows)
    assert set(table["postprocess"]) == {"median"} and set(table["metric"]) == {"psds1"}
    assert table.loc[table["label"] == "all", "value"].item() == audioset_psds1(scores, corpus).overall
