"""Each stage notebook by plain Papermill in an empty folder: it makes the run, the corpus and what it needs.

The last one, 08, is run from nothing where `finished_nano` is made.
"""

from __future__ import annotations

import nbformat
import pytest
import torch
from finished_nano import copy_of, finished_nano
from shell import papermill, sedlab

__all__ = ["finished_nano"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

#: Notebook -> parameters that say which model's stage it is, what it says that it needs, what it leaves in the run.
STAGES = {
    "02_pretrain": ("arch=passt", "data", "pretrain/passt/best.pt"),
    "03_stage1": ("arch=atst iteration=1", "data, pretrain (atst)", "iteration1/stage1/atst/best.pt"),
    "04_stage2": ("arch=beats iteration=1", "data, iteration 1 stage1 (beats)", "iteration1/stage2/beats/best.pt"),
}
#: Notebooks that read what models have learnt, in their order -> what they leave in the run.
JOINT = {
    "04a_scores": "iteration1/scores/stage2/beats/devtest.hdf5",
    "05_pseudo_labels": "iteration1/pseudo_labels/unlabeled_train.hdf5",
    "06_evaluate": "iteration1/metrics.csv",
    "07_compare": "results.csv",
}


def printed(path):
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


def test_joint_stages_run_from_nothing_in_a_variant_of_a_run_that_is_not_there(tmp_path):
    """One transformer, so that it takes a minute; the next notebook finds what the one before has made."""
    for name, left in JOINT.items():
        whose = ["arch=beats"] if name == "04a_scores" else []
        done = papermill(tmp_path, name, "preset=nano", "settings=archs=[beats], iterations=1", *whose)
        assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"
        assert (tmp_path / "runs/nano-archs=beats_iterations=1" / left).is_file()
    needed = "iteration 1 stage1 (beats), iteration 1 stage2 (beats)"
    assert f"needs data, {needed}: about " in printed(tmp_path / "04a_scores.ipynb")
    assert "stage2 (beats)" not in printed(tmp_path / "05_pseudo_labels.ipynb")
    assert "needs iteration 1 scores of stage1 (beats): " in printed(tmp_path / "06_evaluate.ipynb")


def test_a_variant_has_the_weights_of_a_whole_run_with_its_setting(finished_nano, tmp_path):
    """To the bit, although it takes from another run what its setting does not change."""
    options = ["--set", "stage1.atst.epochs=1", "--until", "iteration1_stage2_atst"]
    project = copy_of(finished_nano, tmp_path / "project")
    shared = sedlab("run", "nano", "--name", "variant", *options, cwd=project)
    assert shared.returncode == 0, shared.stderr
    assert "taken from runs/nano: data, pretrain_atst" in shared.stdout and "2 jobs to run" in shared.stdout
    whole = sedlab("run", "nano", *options, cwd=tmp_path)
    assert whole.returncode == 0 and "4 jobs to run" in whole.stdout, whole.stderr
    for stage in ("stage1", "stage2"):
        one, other = (
            torch.load(folder / f"iteration1/{stage}/atst/best.pt", weights_only=True)
            for folder in (project / "runs/variant", tmp_path / "runs/nano")
        )
        differing = [name for name, values in _tensors(one) if not torch.equal(values, dict(_tensors(other))[name])]
        assert differing == [] and len(list(_tensors(one))) > 20


def _tensors(tree, prefix=""):
    if isinstance(tree, torch.Tensor):
        yield prefix, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from _tensors(value, f"{prefix}/{key}")


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
    assert not (tmp_path / "runs/mini/pretrain").exists()
