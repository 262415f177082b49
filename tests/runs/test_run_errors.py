"""Errors of a run: named for every system, written, read back, shown."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_run import NUM_CLIPS, complete_run, small_run

from sedlab import runs, views
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


def test_a_case_is_shown_with_its_clip_and_its_name(run):
    case = runs.error_cases(run, 2, "atst").query("outcome != 'correct'").iloc[0]
    view = runs.case_view(run, case, 2, "atst")
    assert view.title.startswith(f"{case['clip_id']}: ") and case["outcome"] in view.title
    assert view.pseudo is None and view.scores.shape == (156, 27)


def test_the_notebook_shows_the_detections_of_the_chosen_system(run):
    """Each system with its own detections: those of the table at 0.5, the one in question at its own threshold."""
    source = [
        "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"
    ]
    names = {"runs": runs, "views": views, "system_table": system_table, "opened": run, "errors": runs.read_errors(run)}
    names |= {"iteration": 2, "model": "ensemble", "threshold": 0.2}
    names["cases"] = runs.error_cases(run, 2, "ensemble", threshold=0.2)
    for cell in source:
        if "named = " in cell or "ErrorInspector(" in cell:
            exec(cell, names)
    inspector, seen = names["inspector"], {}
    for system, cases in inspector._cases.items():
        case = cases.iloc[0]
        seen[system] = view = inspector._load(system, case)
        own = cases.query("side == 'detection' and clip_id == @case.clip_id")
        columns = ["onset", "offset", "label"]
        found = view.detections[columns].sort_values(columns).to_numpy().tolist()
        assert found == own[columns].sort_values(columns).to_numpy().tolist(), system
    assert len(seen) == 1 + len(runs.scored_systems(run))
    assert len({view.scores.tobytes() for view in seen.values()}) == len(runs.scored_systems(run))


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
