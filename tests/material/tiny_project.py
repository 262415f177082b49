"""A project folder in which experiments run with real jobs and kernels, but stages that only write their files."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_notebook
from shell import sedlab, start

from sedlab.config.experiment import Experiment
from sedlab.config.loading import experiment_from_tree

FAKE = Path(__file__).parent / "fake_stages"


def experiment_tree(archs=("atst", "passt"), iterations=2) -> dict:
    """A complete experiment with as little in it as possible."""
    stage = {"epochs": 1, "batch": {"strong": 1}, "loss": {}, "augment": {}, "optim": {}}
    return {
        "name": "tiny",
        "archs": list(archs),
        "iterations": iterations,
        "data": {"root": "data/tiny", "mini": {"seed": 1}},
        "models": {arch: {"transformer": {"arch": arch}} for arch in archs},
        "pretrain": {"archs": ["atst"], "epochs": 1, "optim": {"lr_transformer": 1e-3}},
        "stages": {
            "stage1": {"train_transformer": False, **stage},
            "stage2": {"train_transformer": True, **stage, "optim": {"lr_transformer": 1e-4}},
        },
    }


def make_experiment(**changes) -> Experiment:
    return experiment_from_tree(experiment_tree(**changes), "test")


def write_notebook(path: Path, parameters: str, *cells: str) -> Path:
    notebook = new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    notebook.cells = [
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        *(new_code_cell(cell) for cell in cells),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


@dataclass
class Project:
    """The folder, and `sedlab run` in it."""

    folder: Path
    environment: dict[str, str]

    @property
    def run_folder(self) -> Path:
        return self.folder / "runs" / "tiny"

    def sedlab_run(self, *options: str) -> subprocess.CompletedProcess:
        return sedlab("run", "tiny.yaml", *options, cwd=self.folder, env=self.environment)

    def start(self, *options: str) -> subprocess.Popen:
        """Begin `sedlab run`, and return at once; what it prints is in one stream."""
        return start(
            "run",
            "tiny.yaml",
            *options,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def order(self, orders: dict[str, str]) -> None:
        """Make jobs misbehave, by name.

        die (the kernel), fail (an exception), hang, meet (wait for another run's), wait (until the order is withdrawn).
        """
        orders_file = Path(self.environment["FAKE_ORDERS"])
        # A job may be reading it.
        new = orders_file.with_suffix(".new")
        new.write_text(json.dumps(orders))
        new.replace(orders_file)

    def worked(self) -> list[dict]:
        """Return what each work of a job in a cluster noted when it began, and, if it came to its end, its end."""
        return [json.loads(path.read_text()) for path in sorted((self.folder / "worked").glob("*.json"))]


def make_project(folder: Path, archs: tuple[str, ...] = ("atst",)) -> Project:
    """One transformer, two iterations, stages that write their files and nothing else."""
    (folder / "tiny.yaml").write_text(yaml.safe_dump(experiment_tree(archs=archs)))
    write_notebook(
        folder / "notebooks" / "04_stage2.ipynb",
        'run = ""\narch = ""\niteration = 1',
        "from sedlab.runs.run import open_run\nfrom sedlab.pipeline import stages",
        'stages.run_stage(open_run(run), "stage2", {"arch": arch, "iteration": iteration})',
    )
    environment = {
        "PYTHONPATH": f"{FAKE}:{FAKE.parent}",
        "FAKE_NOTEBOOKS": str(folder / "notebooks"),
        "FAKE_ORDERS": str(folder / "orders.json"),
    }
    return Project(folder, environment)
