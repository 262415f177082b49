"""What notebooks tell of a run follows its numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from small_run import SmallRun, complete_run, small_run

from sedlab import runs
from sedlab.config.loading import load_experiment
from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.runs.lessons.gains import ALONE_AGAIN, STAGE_2, TOGETHER, TOGETHER_AGAIN
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.metrics.psds import PsdRoc, PsdsResult
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.results import COLUMNS, read_results
from sedlab.scoring.scores.file import ScoreFile, write_score_file


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("run"))


class Elsewhere(SmallRun):
    """The same run on another corpus."""

    def corpus_digest(self):
        return "another"


def results_of(values):
    rows = [
        (iteration, model, stage, False, "median", "devtest", "psds1", "all", value, np.nan, np.nan, 8.0)
        for (iteration, stage, model), value in values.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


STEPS = {
    (1, "stage1", "atst"): 0.20,
    (1, "stage1", "passt"): 0.30,
    (1, "stage2", "atst"): 0.30,
    (1, "stage2", "passt"): 0.28,
    (1, "stage2", "ensemble"): 0.35,
    (2, "stage2", "atst"): 0.33,
    (2, "stage2", "passt"): 0.27,
    (2, "stage2", "ensemble"): 0.34,
}


def test_gains_are_those_of_each_step():
    gains = runs.ladder_gains(results_of(STEPS)).set_index("step")
    assert gains["gain"].to_dict() == pytest.approx(
        {STAGE_2: 0.04, TOGETHER: (0.05 + 0.01) / 2, ALONE_AGAIN: 0.01, TOGETHER_AGAIN: -0.01}
    )
    assert gains["gained"].tolist() == [1, 2, 1, 0] and gains["pairs"].tolist() == [2, 2, 2, 1]


def test_a_loss_is_told_as_a_loss_and_a_gain_as_a_gain():
    said = runs.told_gains(runs.ladder_gains(results_of(STEPS)))
    assert f"Not a gain in this run: {TOGETHER_AGAIN} (PSDS1)." in said and "−0.010 (0 of 1 up)" in said
    better = STEPS | {(2, "stage2", "ensemble"): 0.36}
    assert "Every step is a gain" in runs.told_gains(runs.ladder_gains(results_of(better)))


def test_a_run_of_one_iteration_and_one_model_has_fewer_steps():
    alone = {key: value for key, value in STEPS.items() if key[0] == 1 and key[2] == "atst"}
    assert runs.ladder_gains(results_of(alone))["step"].tolist() == [STAGE_2]


def test_a_guess_is_held_against_the_run():
    gains = runs.ladder_gains(results_of(STEPS))
    table = runs.guessed_gains({STAGE_2: 0.03, TOGETHER_AGAIN: 0.05}, gains)
    assert table["right_way"].tolist() == [True, False]
    assert runs.told_guess(table).startswith("1 of 2 with the right sign. Farthest off: last iteration: ensemble")
    assert "not guessed" in runs.told_guess(runs.guessed_gains({STAGE_2: 0.0}, gains))
    with pytest.raises(SedlabError, match="'stage 2'"):
        runs.guessed_gains({"stage2": 0.1}, gains)


def test_two_runs_are_compared_on_the_same_clips(run, tmp_path):
    other = complete_run(tmp_path)
    # The truth in place of noise: better without doubt.
    path = other.score_file(2, "ensemble", "devtest")
    part = other.corpus().subset("devtest")
    logits = np.full((len(part.clips), 156, len(CLASSES)), -5, np.float32)
    for event in part.events.itertuples():
        row = list(part.clips["clip_id"]).index(event.clip_id)
        logits[row, int(event.onset / 0.064) : int(event.offset / 0.064), CLASSES.index(event.label)] = 5
    write_score_file(path, ScoreFile(list(part.clips["clip_id"]), logits, CLASSES, frame_times()))
    comparison = runs.compared_runs(run, other)
    said = runs.told_differences(comparison, "noise", "truth")
    assert said.startswith("truth against noise: +1.000") and "zero lies outside" in said
    same = runs.told_differences(runs.compared_runs(run, run), "a", "b")
    assert "the same on every draw" in same and "none have an interval" in same
    with pytest.raises(SedlabError, match="not the same clips"):
        runs.compared_runs(run, Elsewhere(other.path, other.experiment))


def test_settings_that_differ_are_told_node_by_node(run, tmp_path):
    changed = load_experiment("mini", ["stage1.loss.self_supervised=0"])
    (row,) = runs.changed_settings(run, replace(run, experiment=changed)).itertuples(index=False)
    assert row[:3] == ("training.loss.self_supervised", "0.2", "0.0")
    assert row.nodes.split(", ") == [node.name for node in changed.nodes() if node.stage == "stage1"]


def test_nodes_with_other_weights_are_found(tmp_path):
    first, second = (small_run(tmp_path / name) for name in "ab")
    for name, weights in (("stage1", b"same"), ("stage2", b"a")):
        for one, content in ((first, weights), (second, weights if name == "stage1" else b"b")):
            folder = one.node_dir(name, "atst", 1)
            folder.mkdir(parents=True)
            (folder / "best.pt").write_bytes(content)
    assert runs.retrained_nodes(first, second) == ["iteration1_stage2_atst"]


def test_a_run_says_whether_it_is_a_variant(tmp_path):
    parent = small_run(tmp_path)
    variant = parent.variant("short", ["stage2.epochs=1"])
    for run, weights in ((parent, b"a"), (variant, b"b")):
        folder = run.node_dir("stage2", "atst", 1)
        folder.mkdir(parents=True)
        (folder / "best.pt").write_bytes(weights)
    said = runs.told_variant(variant)
    assert said.startswith("short is small with stage2.epochs=1. Other weights: iteration1_stage2_atst; ")
    assert "small is no variant" in runs.told_variant(parent) and "-p run runs/small" in runs.told_variant(parent)


def test_the_frame_in_dispute_is_where_the_two_averages_differ_most(run):
    found = runs.disputed_frame(run, 1, "devtest")
    members = [runs.read_scores(run.score_file(1, arch, "devtest")) for arch in run.experiment.archs]
    logits = np.stack([scores.logits for scores in members])[..., [CLASSES.index(c) for c in CLASSES[:10]]]
    apart = np.abs(expit(logits.mean(0)) - expit(logits).mean(0)).max()
    table = found.table()["probability"]
    assert abs(table["mean of logits"] - table["mean of probabilities"]) == pytest.approx(apart, abs=1e-6)


def told_audit(run, frequency):
    audit = runs.pseudo_label_audits(run, 1)["devtest"]
    bins = pd.DataFrame(
        {"label": ["all", "Dog"], "low": 0.8, "high": 0.9, "count": 100, "probability": 0.85, "frequency": frequency}
    )
    return runs.told_calibration(replace(audit, reliability=bins))


def test_calibration_is_told_as_it_is(run):
    modest, right, sure = (told_audit(run, frequency) for frequency in (0.99, 0.86, 0.4))
    assert "too modest" in modest and "above it (too modest): Dog" in modest
    assert "about as sure as it is right" in right and "close to it: Dog" in right
    assert "it is too sure" in sure and "below the diagonal (too sure): Dog" in sure


def test_the_brief_event_is_the_shortest_that_is_heard(run):
    found = runs.brief_event(run, 1, "devtest", threshold=0.0)
    lengths = run.corpus().subset("devtest").events.eval("offset - onset")
    assert found.offset - found.onset == pytest.approx(lengths.min())
    scores = runs.read_scores(run.score_file(1, "ensemble", "devtest")).select([found.clip_id])
    np.testing.assert_array_equal(found.scores, scores.probabilities[0][:, CLASSES.index(found.label)])
    with pytest.raises(SedlabError, match="no event of 'Speach'"):
        runs.brief_event(run, 1, "devtest", label="Speach")


def test_what_people_said_adds_up(run):
    table = runs.label_reach(run)
    np.testing.assert_allclose(table.drop(columns=["subset", "clips"]).sum(axis=1), 1)
    assert table.set_index("subset").loc["strong_train", "every frame"] == pytest.approx(12 / 27)
    assert "stay masked" in runs.told_reach(table, masked=True)
    assert "outside the annotation (56 %)" in runs.told_reach(table, masked=False)


def test_boxes_leave_mpauc_as_it_is(run):
    Postprocess.of(CsebbsParams({"Dog": CsebbsSetting(0.5, 0.2)})).write(run.csebbs(1, "ensemble"))
    table = runs.mpauc_by_postprocess(run, 1)
    assert table.index.tolist() == ["passt", "beats", "atst", "ensemble"] and table["none"].notna().all()
    assert table.loc["ensemble", "csebbs"] == pytest.approx(table.loc["ensemble", "none"], abs=1e-12)
    assert table.loc["ensemble", "median"] != table.loc["ensemble", "none"] and np.isnan(table.loc["atst", "csebbs"])
    assert runs.mpauc_by_postprocess(small_run(run.path / "nothing"), 1).empty


def test_errors_are_told_by_their_most_frequent_kind():
    events = pd.DataFrame({"clip_id": "a", "label": ["Dog", "Cat", "Cat"], "onset": [0.0, 3, 6], "offset": [2.0, 5, 8]})
    found = pd.DataFrame({"clip_id": "a", "label": ["Dog", "Cat"], "onset": [0.0, 9], "offset": [2.0, 9.5]})
    said = runs.told_errors(find_errors(found, events))
    assert said.startswith("1 of 3 events are correct (33 %). Most of the others are missed (2), Cat first (2 of 2)")
    assert said.endswith("Of 2 detections 1 are false alarms (50 %).")


def test_gains_of_a_run_on_disk(run):
    assert set(runs.ladder_gains(read_results(run.results))["metric"]) == {"psds1", "mpauc"}


def test_one_bad_class_costs_twice():
    curves = {f"class {k}": PsdRoc(np.array([0.0]), np.array([0.8])) for k in range(9)}
    curves["bad_one"] = PsdRoc(np.array([0.0]), np.array([0.0]))
    values = {label: curve.etpr[0] for label, curve in curves.items()}
    result = PsdsResult(0.48, values, PsdRoc(np.empty(0), np.empty(0)), curves)
    worst, rest = runs.without_worst(result)
    assert worst == "bad_one" and rest.overall == pytest.approx(0.8) and len(rest.class_curves) == 9
    # 0.08 through the mean, and three times that through the spread of 0.24.
    said = runs.told_spread(result)
    assert "The mean of the classes is 0.720; their spread takes 0.240 off, which leaves 0.480" in said
    assert "the mean would rise by 0.080, and PSDS by 0.320: 4.0 times as much" in said


def test_what_pseudo_labels_taught_is_told_or_that_nobody_has_learnt_yet(tmp_path):
    run = small_run(tmp_path)
    for iteration, objective in ((1, 0.5), (2, 0.4)):
        folder = run.node_dir("stage1", "atst", iteration)
        folder.mkdir(parents=True)
        table = pd.DataFrame({"step": range(20), "val/objective": objective})
        (table.assign(**{"loss/pseudo": np.linspace(1, 0, 20)}) if iteration > 1 else table).to_csv(
            folder / "history.csv", index=False
        )
    said = runs.told_uptake(run, 1)
    assert "ATST: loss from 0.974 to 0.026; best objective 0.400, in iteration 1 0.500 (−0.100)." in said
    assert "Nobody has learnt from them yet" in runs.told_uptake(run, 2)


def test_a_comparison_says_how_far_it_is(run):
    calls = []
    runs.compared_ensembles(run, 1, 2, progress=lambda *call: calls.append(call))
    assert calls[-1] == (1000, 1000, "psds1") and len(calls) > 2
