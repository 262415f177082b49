"""What a run tells of the check of its corpus, and that checking in another way makes nothing due."""

import pytest

from sedlab.config.loading import load_experiment
from sedlab.files import write_json
from sedlab.runs.lessons.parts import told_check
from sedlab.runs.manifest import Manifest, results_digest
from sedlab.runs.run import create_run

ABOUT = {"node": "data", "parameters": {}, "started": "", "results": {"clips": {"devtest": 3}}}


@pytest.fixture
def run(tmp_path):
    return create_run(load_experiment("nano"), tmp_path / "runs" / "nano")


def test_errors_of_the_check_are_told_with_the_run(run):
    assert told_check(run) == ""
    check = {"date": "2026-11-27T12:00:00+00:00", "errors": ["strong_train, truncated: 2"]}
    check["findings"] = {"error": 1, "warning": 2, "note": 7}
    write_json(run.path / "data" / "manifest.json", Manifest(**ABOUT, check=check))
    assert told_check(run) == (
        "The data, as checked on 2026-11-27: 1 error (strong_train, truncated: 2), 2 warnings. "
        "See them all with `sedlab data check`."
    )
    check["findings"] = {"error": 0, "warning": 0, "note": 7}
    write_json(run.path / "data" / "manifest.json", Manifest(**ABOUT, check=check))
    assert told_check(run) == ""


def test_the_check_is_no_input_of_later_jobs():
    assert results_digest(Manifest(**ABOUT)) == results_digest(Manifest(**ABOUT, check={"version": 9}))
