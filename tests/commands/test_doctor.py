"""`sedlab doctor` tells what is broken from what is merely absent."""

import pytest

from sedlab.commands import doctor
from sedlab.commands.doctor import Finding, examine, print_findings


def test_this_environment_runs_experiments(tmp_path):
    findings = {finding.part: finding for finding in examine(tmp_path)}
    for part in ("python", "torch", "torchaudio", "libsndfile", "scoring", "snakemake", "papermill", "kernel python3"):
        assert findings[part].state == "ok", findings[part]
    assert findings["data sets"].state == "missing"


def test_broken_scoring_is_found(tmp_path, monkeypatch):
    def broken():
        raise ValueError("buffer source array is read-only")

    monkeypatch.setattr(doctor, "_scoring", broken)
    (finding,) = [one for one in examine(tmp_path) if one.part == "scoring"]
    assert finding == Finding("scoring", "broken", "ValueError: buffer source array is read-only")


@pytest.mark.parametrize(("state", "status"), [("ok", 0), ("missing", 0), ("broken", 1)])
def test_exit_status_is_1_only_if_something_essential_is_broken(state, status, capsys):
    assert print_findings([Finding("torch", state, "found")]) == status
    assert state in capsys.readouterr().out
