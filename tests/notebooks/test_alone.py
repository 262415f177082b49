"""Each stage notebook by plain Papermill in an empty folder: it makes the run, the corpus and what it needs."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

#: Notebook -> parameters that say which model's stage it is, what it says that it needs, what it leaves in the run.
STAGES = {
    "02_pretrain": ("arch=passt", "data", "pretrain/passt/best.pt"),
    "03_stage1": ("arch=atst iteration=1", "data, pretrain (atst)", "iteration1/stage1/atst/best.pt"),
    "04_stage2": ("arch=beats iteration=1", "data, iteration 1 stage1 (beats)", "iteration1/stage2/beats/best.pt"),
    "04a_scores": ("arch=beats stage=stage1", "data, iteration 1 stage1 (beats)", "iteration1/scores/stage1/beats"),
}


def papermill(folder: Path, name: str, *parameters: str) -> subprocess.CompletedProcess:
    """Run `papermill` as a person does, in ``folder``; parameters as `key=value`."""
    words = [str(Path(sys.executable).with_name("papermill")), str(NOTEBOOKS / f"{name}.ipynb"), f"{name}.ipynb"]
    for parameter in parameters:
        words += ["-p", *parameter.split("=", 1)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.text for output in outputs if output.output_type == "stream")


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_runs_from_nothing(name, tmp_path):
    parameters, needed, left = STAGES[name]
    done = papermill(tmp_path, name, "preset=nano", *parameters.split())
    assert done.returncode == 0, done.stderr[-3000:]
    said = printed(tmp_path / f"{name}.ipynb")
    assert f" needs {needed}: about " in said and "[1/" in said
    assert (tmp_path / "runs/nano" / left).exists()


def test_the_rest_runs_from_nothing_and_the_run_is_then_complete(tmp_path):
    """05 to 08 one after the other: the first makes everything before it, the last finds little left to do."""
    seconds = {}
    for name, left in {
        "05_pseudo_labels": "iteration1/pseudo_labels/unlabeled_train.hdf5",
        "06_evaluate": "iteration1/metrics.csv",
        "07_compare": "results.csv",
        "08_errors": "errors.csv",
    }.items():
        begin = time.monotonic()
        done = papermill(tmp_path, name, "preset=nano")
        assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"
        assert (tmp_path / "runs/nano" / left).is_file()
        seconds[name] = round(time.monotonic() - begin)
    print("seconds:", json.dumps(seconds))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (("iterations=2",), "unknown parameter 'iterations'"),
        (("settings=stage1.epochz=2",), "unknown key epochz. Did you mean 'epochs'?"),
        (("preset=paper",), "sedlab run paper --until iteration1_stage1_atst --dry-run"),
    ],
)
def test_what_is_not_known_or_not_here_is_refused_in_one_line(parameters, message, tmp_path):
    done = papermill(tmp_path, "03_stage1", *parameters)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("SedlabError: ") and message in last
    made = tmp_path / "runs/mini/pretrain"
    assert not made.exists()
