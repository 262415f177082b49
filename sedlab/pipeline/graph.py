"""The stage graph of an experiment, as plain data: which jobs there are, what each reads and writes.

data -> pretrain(arch) -> stage1(arch, i) -> stage2(arch, i) -> scores -> pseudo_labels(i) -> stage1(arch, i + 1) ...
evaluate(i) reads the score files of iteration i, compare all metrics, errors the test scores of all students of stage 2
and ensembles, report everything.

The Snakefile turns these jobs into rules; nothing else knows the order of things. Paths are relative to the run folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sedlab.config.experiment import Experiment, Node
from sedlab.data.corpora.layout import SCORE_FILE
from sedlab.errors import SedlabError, nearest
from sedlab.pipeline.outside_files import corrections_read, outside_files
from sedlab.pipeline.score_plan import NETWORKS, ScorePlan, score_plan
from sedlab.runs.layout import (
    ENSEMBLE,
    SEEDS_RESULTS,
    config_file,
    csebbs_file,
    iteration_folder,
    node_folder,
    score_file,
    scores_folder,
)
from sedlab.runs.run import Run
from sedlab.runs.seeds.folders import repetitions

STAGE_NOTEBOOKS = {
    "pretrain": "02_pretrain",
    "stage1": "03_stage1",
    "stage2": "04_stage2",
    "pseudo_labels": "05_pseudo_labels",
    "evaluate": "06_evaluate",
    "compare": "07_compare",
    "errors": "08_errors",
}
"""The notebook of each kind of job that is a notebook."""


#: The next iteration waits for the ensemble, and that for the scores of stage 2; every chain begins with pre-training.
_PRIORITIES = {"data": 6, "pseudo_labels": 5, "scores_stage2": 4, "pretrain": 3, "stage1": 2, "stage2": 1}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of the graph."""

    name: str
    kind: str
    """data, pretrain, stage1, stage2, scores, pseudo_labels, evaluate, compare, errors or report."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: dict[str, str | int] = field(default_factory=dict)
    """What the stage function is called with, besides the run."""
    manifest: str | None = None
    """Written last by the stage function: its presence says that the job succeeded."""
    threads: int = 1
    gpus: int | Literal["auto"] = 0
    """Graphics cards it works on where there are any; "auto": all."""

    @property
    def notebook(self) -> str | None:
        """Name of the notebook that does the work; None: a plain function call."""
        return STAGE_NOTEBOOKS.get(self.kind)

    @property
    def priority(self) -> int:
        """Who goes first when cores are scarce: the job that most of the remaining work waits for."""
        kind = f"scores_{self.parameters['stage']}" if self.kind == "scores" else self.kind
        return _PRIORITIES.get(kind, 0)

    @property
    def logs(self) -> tuple[str, ...]:
        """Files that stay when the job fails: the executed notebook, its page, and what was printed."""
        pages = (f"notebooks/{self.name}.ipynb", f"notebooks/{self.name}.html") if self.notebook else ()
        return (*pages, self.text_log)

    @property
    def text_log(self) -> str:
        """What the job printed."""
        return f"logs/{self.name}.txt"


def job_name(kind: str, *, stage: str = "", arch: str = "", iteration: int = 0) -> str:
    """Return the name of a job, as used for its logs: "pretrain_atst", "iteration1_scores_stage2_atst", "compare"."""
    prefix = [iteration_folder(iteration)] if iteration else []
    return "_".join([*prefix, kind, *filter(None, (stage, arch))])


def graph_of(run: Run, others: Iterable[str] | None = None) -> list[Job]:
    """Return the jobs of a run; ``others`` name the runs that repeat it with other seeds, None: as noted."""
    nodes = run.experiment.nodes()
    outside = {node.name: outside_files(run, node) + corrections_read(run, node.stage) for node in nodes}
    outside |= {kind: corrections_read(run, kind) for kind in ("evaluate", "errors")}
    return build_graph(run.experiment, score_plan(run), outside, repetitions(run) if others is None else others)


def find_job(jobs: Iterable[Job], name: str) -> Job:
    """Return the job of that name; raises SedlabError with the nearest name."""
    by_name = {job.name: job for job in jobs}
    if name not in by_name:
        raise SedlabError(f"unknown node {name!r}.{nearest(name, by_name)}")
    return by_name[name]


def jobs_until(jobs: Iterable[Job], until: str) -> list[Job]:
    """Return the job of that name, or all whose names begin with it, and everything they need, in order.

    So `iteration1_stage1_atst` is one training, `iteration1_stage1` those of all transformers, `pretrain` all
    pre-training, `iteration1` the iteration. Raises SedlabError with the nearest name.
    """
    jobs = list(jobs)
    chosen = [job.name for job in jobs if job.name == until or job.name.startswith(f"{until}_")]
    return jobs_needed(jobs, chosen or [find_job(jobs, until).name])


def jobs_needed(jobs: Iterable[Job], names: Iterable[str]) -> list[Job]:
    """Return the jobs of these names and every job whose outputs they need, directly or not, in order."""
    jobs, names = list(jobs), set(names)
    wanted: set[str] = set()
    for job in reversed(jobs):
        if job.name in names or not wanted.isdisjoint(job.outputs):
            names.add(job.name)
            wanted |= set(job.inputs)
    return [job for job in jobs if job.name in names]


def build_graph(
    experiment: Experiment,
    plan: ScorePlan,
    outside: Mapping[str, tuple[str, ...]] | None = None,
    others: Iterable[str] = (),
) -> list[Job]:
    """Return every job of an experiment, producers before consumers.

    ``outside`` are the files that no job makes and a training node reads, by its name, or other jobs, by their kind;
    ``others`` the folders beside the run's that hold the same with other seeds.
    """
    return _Graph(experiment, plan, outside or {}, tuple(others)).jobs()


@dataclass(frozen=True)
class _Graph:
    """Makes the jobs, a method a kind.

    Outputs are deleted when a job starts again. What a training resumes from, last.pt and history.csv, is no output.
    """

    experiment: Experiment
    plan: ScorePlan
    outside: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]

    def jobs(self) -> list[Job]:
        nodes = self.experiment.nodes()
        jobs = [_job("data", "data", ["configs/data.yaml"], [])]
        jobs += [self._training(node) for node in nodes if node.stage == "pretrain"]
        for iteration in range(1, self.experiment.iterations + 1):
            for stage in ("stage1", "stage2"):
                trained = [node for node in nodes if (node.stage, node.iteration) == (stage, iteration)]
                jobs += [self._training(node) for node in trained]
                jobs += [self._scores(node) for node in trained]
            jobs += [self._pseudo_labels(iteration), self._evaluate(iteration)]
        metrics = [path for job in jobs for path in job.outputs if path.endswith("metrics.csv")]
        metrics += [f"../{name}/{path}" for name in self.others for path in metrics]
        results = ["results.csv", SEEDS_RESULTS] if self.others else ["results.csv"]
        jobs.append(_job("compare", "compare", metrics, results))
        if self.plan.names_errors:
            jobs.append(self._errors())
        # It shows learning curves and wall times of every node, so it is made again whenever any of them was.
        manifests = [job.manifest for job in jobs]
        return [*jobs, _job("report", "report", ["config.yaml", *results, *manifests], ["report.html"])]

    def _training(self, node: Node) -> Job:
        folder = node_folder(node.stage, node.arch, node.iteration)
        inputs = ["data/manifest.json", config_file(node.name), *self.outside.get(node.name, ())]
        outputs = [f"{folder}/best.pt"]
        parameters = {"arch": node.arch}
        if node.stage == "pretrain":
            outputs.append(f"{folder}/metrics.csv")
        else:
            parameters["iteration"] = node.iteration
        if node.stage == "stage2":
            inputs.append(f"{node_folder('stage1', node.arch, node.iteration)}/best.pt")
        elif node.pretrained:
            inputs.append(f"{node_folder('pretrain', node.arch)}/best.pt")
        if node.iteration > 1:
            inputs += self._ensemble_files(node.iteration - 1, self.plan.train_stems)
        devices = node.training.trainer.devices
        return _job(node.stage, folder, inputs, outputs, parameters, **self._resources(node, devices))

    def _scores(self, node: Node) -> Job:
        stage, arch, iteration = node.stage, node.arch, node.iteration
        outputs = [
            score_file(iteration, stage, arch, stem, teacher=network == "teacher")
            for network in NETWORKS
            for stem in self.plan.scored(stage, network)
        ]
        inputs = ["data/manifest.json", f"{node_folder(stage, arch, iteration)}/best.pt"]
        parameters = {"stage": stage, "arch": arch, "iteration": iteration}
        folder = scores_folder(iteration, stage, arch)
        return _job("scores", folder, inputs, outputs, parameters, **self._resources(node, 1))

    def _pseudo_labels(self, iteration: int) -> Job:
        inputs = [
            score_file(iteration, "stage2", arch, stem) for arch in self.experiment.archs for stem in self.plan.stems
        ]
        outputs = self._ensemble_files(iteration, self.plan.stems)
        folder = scores_folder(iteration, "stage2", ENSEMBLE)
        return _job("pseudo_labels", folder, inputs, outputs, {"iteration": iteration})

    def _evaluate(self, iteration: int) -> Job:
        # A file that covers several subsets is evaluated for each of them, and read once.
        inputs = list(dict.fromkeys(file.path for file in self.plan.evaluated(self.experiment.archs, iteration)))
        inputs += self.outside.get("evaluate", ())
        outputs = [f"{iteration_folder(iteration)}/metrics.csv"]
        if self.plan.tunes:
            inputs += self._stage2_files(iteration, SCORE_FILE[self.plan.tuning_subset])
            outputs += [csebbs_file(iteration, model) for model in (*self.experiment.archs, ENSEMBLE)]
        return _job("evaluate", iteration_folder(iteration), inputs, outputs, {"iteration": iteration})

    def _errors(self) -> Job:
        iterations = range(1, self.experiment.iterations + 1)
        stem = SCORE_FILE[self.plan.error_subset]
        inputs = [path for iteration in iterations for path in self._stage2_files(iteration, stem)]
        return _job("errors", "errors", [*inputs, *self.outside.get("errors", ())], ["errors.csv"])

    def _stage2_files(self, iteration: int, stem: str) -> list[str]:
        """Return the score file of each student of stage 2, and of the ensemble."""
        return [score_file(iteration, "stage2", model, stem) for model in (*self.experiment.archs, ENSEMBLE)]

    def _ensemble_files(self, iteration: int, stems: Iterable[str]) -> list[str]:
        return [score_file(iteration, "stage2", ENSEMBLE, stem) for stem in stems]

    def _resources(self, node: Node, devices: int | Literal["auto"]) -> dict[str, Any]:
        uses_gpu = node.training.trainer.accelerator in ("auto", "cuda")
        return {"threads": self.experiment.threads_per_job, "gpus": devices if uses_gpu else 0}


def _job(
    kind: str,
    folder: str,
    inputs: Iterable[str],
    outputs: Iterable[str],
    parameters: Mapping[str, Any] | None = None,
    **resources: Any,
) -> Job:
    """Return a job whose manifest lies in ``folder``."""
    parameters, manifest = dict(parameters or {}), f"{folder}/manifest.json"
    return Job(
        name=job_name(kind, **parameters),
        kind=kind,
        inputs=tuple(inputs),
        outputs=(*outputs, manifest),
        parameters=parameters,
        manifest=manifest,
        **resources,
    )
