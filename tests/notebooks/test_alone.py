"""Each stage notebook by plain Papermill: it makes the run, the corpus and what it needs.

Stage 1 is run from nothing by tests/docs/test_commands.py, as the README has it, and the last one, 08, where
`finished_nano` is made, when jobs have done what comes before it.
"""

from __future__ import annotations

import nbformat
import pytest
import torch
from finished_nano import PRESET, copy_of, finished_nano
from shell import papermill

from sedlab.pipeline import stages
from sedlab.pipeline.due.shared import find_shared, take
from sedlab.pipeline.graph import graph_of, jobs_until
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import create_run, open_run

__all__ = ["finished_nano"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

#: Notebook -> parameters that say which model's stage it is, what it says that it needs, what it leaves in the run.
STAGES = {
    "02_pretrain": ("arch=passt", "data", "pretrain/passt/best.pt"),
    "04_stage2": ("arch=passt iteration=1", "iteration 1 stage1 (passt)", "iteration1/stage2/passt/best.pt"),
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


def test_stages_run_from_nothing(tmp_path):
    """In an empty folder, one after the other; what the second finds is made by the first."""
    for name, (parameters, needed, left) in STAGES.items():
        done = papermill(tmp_path, name, "preset=nano", *parameters.split())
        assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"
        said = printed(tmp_path / f"{name}.ipynb")
        assert f" needs {needed}: about " in said and "[1/" in said
        assert (tmp_path / "runs/nano" / left).exists()


def test_joint_stages_run_one_after_the_other_in_a_variant_that_is_not_there(finished_nano, tmp_path):
    """Of one transformer, whose trained stages another run has; each notebook finds what the one before has made."""
    project = copy_of(finished_nano, tmp_path / "project")
    for name, left in JOINT.items():
        whose = ["arch=beats"] if name == "04a_scores" else []
        done = papermill(project, name, f"preset={PRESET}", "settings=archs=[beats], iterations=1", *whose)
        assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"
        assert (project / "runs/nano-archs=beats_iterations=1" / left).is_file()
    assert "stage2 (beats)" not in printed(project / "05_pseudo_labels.ipynb")
    taken = open_run(project / "runs/nano-archs=beats_iterations=1").node_dir("stage2", "beats", 1) / "manifest.json"
    assert read_manifest(taken).shared_from == "nano"


def test_a_variant_has_the_weights_of_a_whole_run_with_its_setting(finished_nano, tmp_path):
    """To the bit, although it takes from another run what its setting does not change."""
    variant = open_run(copy_of(finished_nano, tmp_path / "project") / "runs/nano").variant(
        "variant", "stage1.atst.epochs=1"
    )
    # On the same corpus, which is made anew elsewhere.
    whole = create_run(variant.experiment, variant.path.with_name("whole"))
    jobs = jobs_until(graph_of(variant), "iteration1_stage2_atst")
    shared = find_shared(variant, jobs, Digests(variant.path))
    assert shared.names == {"data", "pretrain_atst"}
    take(variant, shared)
    for run, made in ((variant, jobs[2:]), (whole, jobs)):
        for job in made:
            stages.run_stage(run, job.kind, job.parameters)
    for stage in ("stage1", "stage2"):
        one, other = (
            torch.load(run.node_dir(stage, "atst", 1) / "best.pt", weights_only=True) for run in (variant, whole)
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
