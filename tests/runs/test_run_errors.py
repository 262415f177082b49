"""Errors of a run: named for every system, written, read back, shown."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_run import NUM_CLIPS, complete_run, small_run

from sedlab import runs
from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.report.errors import errors as report_section
from sedlab.runs.errors import all_errors
from sedlab.scoring.errors.tables import system_table
from sedlab.scoring.scores.file import ScoreFile, write_score_file

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "08_errors.ipynb"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("run"))


def test_every_student_and_ensemble_has_its_cases(run):
    errors = runs.read_errors(run)
    systems = list(errors[["iteration", "model"]].drop_duplicates().itertuples(index=False, name=None))
    assert systems == runs.scored_systems(run)
    assert len(systems) == 2 * (len(run.experiment.archs) + 1)
    events = {system: len(cases[cases["side"] == "event"]) for system, cases in errors.groupby(["iteration", "model"])}
    assert len(set(events.values())) == 1


def test_cases_read_back_are_those_that_were_named(run):
    errors = runs.read_errors(run)
    named = runs.error_cases(run, 2, "ensemble")
    pd.testing.assert_frame_equal(runs.cases_of(errors, 2, "ensemble"), named)


def test_a_detector_that_knows_the_truth_makes_no_error(tmp_path):
    run = small_run(tmp_path)
    part = run.corpus().subset("devtest")
    targets = [strong_targets(part.events[part.events["clip_id"] == clip_id]).T for clip_id in part.clips["clip_id"]]
    logits = np.where(np.stack(targets) > 0.5, 5.0, -5.0).astype(np.float32)
    path = run.score_file(1, "ensemble", "devtest")
    write_score_file(path, ScoreFile(list(part.clips["clip_id"]), logits, CLASSES, np.arange(157) * 0.064))
    cases = runs.error_cases(run, 1, "ensemble")
    assert system_table({"knows": cases})[["total", "correct"]].to_numpy().tolist() == [[2 * NUM_CLIPS] * 2]
    nothing = runs.error_cases(run, 1, "ensemble", threshold=1.0)
    assert set(nothing["outcome"]) == {"missed"}


def test_the_baseline_is_one_iteration_earlier_or_a_single_model(run):
    assert runs.baseline_of(run, 2, "ensemble") == (1, "ensemble")
    assert runs.baseline_of(run, 1, "ensemble") == (1, run.experiment.archs[-1])


def test_the_notebook_opens_the_errors_of_the_chosen_system_at_its_threshold(run):
    source = [
        "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"
    ]
    names = {"opened": run, "tested": "devtest", "iteration": 2, "model": "atst", "threshold": 0.2}
    (cell,) = [text for text in source if ".explore(" in text]
    exec(cell, names)
    errors = names["explorer"].panel("Errors")
    assert errors.system.value == "ATST, iteration 2" and errors.other.value == "ATST, iteration 1"
    assert errors.cases_of("ATST, iteration 2").equals(runs.error_cases(run, 2, "atst", threshold=0.2))
    # Those of any other can be chosen, and its detections are there to be drawn.
    wanted = {f"{name}, iteration {i}" for i in (1, 2) for name in ("fPaSST", "BEATs", "ATST", "Ensemble")}
    assert wanted <= set(errors.systems)
    assert wanted <= {system.name for system in names["explorer"].player.scene.systems}


def test_report_counts_the_kinds_and_says_what_changed(run):
    html = report_section(run)
    for words in ("offset early", "false alarm", "iteration 1", "What changed", "<svg"):
        assert words in html


def test_a_run_without_errors_says_what_to_do(tmp_path):
    run = small_run(tmp_path)
    with pytest.raises(SedlabError, match="no errors were named yet"):
        runs.read_errors(run)
    with pytest.raises(SedlabError, match="no scores of devtest"):
        all_errors(run)
