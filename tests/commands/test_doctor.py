"""`sedlab doctor` tells what is broken from what is merely absent."""

import shutil
import sys
from pathlib import Path

import pytest

from sedlab.commands import doctor
from sedlab.commands.doctor import PartStatus, examine, print_findings
from sedlab.errors import SedlabError


def test_this_environment_runs_experiments(tmp_path):
    findings = {finding.part: finding for finding in examine(tmp_path)}
    for part in (
        "python",
        "torch",
        "torchaudio",
        "libsndfile",
        "scoring",
        "snakemake",
        "papermill",
        "kernel python3",
        "working folder",
    ):
        assert findings[part].state == "ok", findings[part]
    assert findings["data sets"].state == "missing"


def test_broken_scoring_is_found(tmp_path, monkeypatch):
    def broken():
        raise ValueError("buffer source array is read-only")

    monkeypatch.setattr(doctor, "_scoring", broken)
    (finding,) = [one for one in examine(tmp_path) if one.part == "scoring"]
    assert finding == PartStatus("scoring", "broken", "ValueError: buffer source array is read-only")


@pytest.mark.parametrize(("state", "status"), [("ok", 0), ("missing", 0), ("broken", 1)])
def test_exit_status_is_1_only_if_something_essential_is_broken(state, status, capsys):
    assert print_findings([PartStatus("torch", state, "found")]) == status
    assert state in capsys.readouterr().out


def test_another_kernel_that_comes_first_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "other", "language": "python"}')
    assert sys.prefix in doctor._jupyter()
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with pytest.raises(doctor._Missing, match=r"take /bin/false \(.*Remove that kernel, or"):
        doctor._jupyter()
    shutil.rmtree(folder)
    doctor._jupyter()


@pytest.mark.parametrize("folder", ["/proc", "/dev/null"])
def test_a_working_folder_that_cannot_be_written_to_is_broken(folder):
    with pytest.raises(SedlabError, match=f"^{folder}: cannot be written to"):
        doctor._working_folder(Path(folder))
