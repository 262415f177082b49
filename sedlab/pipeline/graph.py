"""The stage graph of an experiment, as plain data: which jobs there are, what each reads and writes.

data -> pretrain(arch) -> stage1(arch, i) -> stage2(arch, i) -> scores -> pseudo_labels(i) -> stage1(arch, i + 1) ...
evaluate(i) reads the score files of iteration i, compare all metrics, errors the test scores of all students of stage 2
and ensembles, report everything.

The Snakefile turns these jobs into rules; nothing else knows the order of things. Paths are relative to the run folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sedlab.config.experiment import Experiment
from sedlab.data.corpora.layout import SCORE_FILE, SUBSETS, TEST_SUBSETS, TRAIN_SUBSETS, VAL_SUBSETS
from sedlab.errors import SedlabError, nearest
from sedlab.pipeline.outside_files import outside_files
from sedlab.runs.run import (
    ENSEMBLE,
    ERROR_SUBSET,
    TUNING_SUBSET,
    Run,
    config_file,
    csebbs_file,
    iteration_folder,
    node_folder,
    scores_folder,
)

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
    gpu: bool = False

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


@dataclass(frozen=True)
class ScorePlan:
    """Which score files a detector is asked for: file stems, in the order of the subsets they cover."""

    stems: tuple[str, ...]
    """Every training, validation and test set."""
    train_stems: tuple[str, ...]
    """The files that cover training clips: what a pseudo-labelled training reads."""
    test_stems: tuple[str, ...]

    tuning_stem = SCORE_FILE[TUNING_SUBSET]

    @property
    def tunes(self) -> bool:
        """Whether there are scores on which post-processing can be tuned."""
        return self.tuning_stem in self.stems

    @property
    def names_errors(self) -> bool:
        """Whether there are scores whose errors can be named."""
        return SCORE_FILE[ERROR_SUBSET] in self.test_stems

    def files(self, stage: str) -> list[str]:
        """Return the file names one detector's score folder holds.

        Students of stage 2 make pseudo-labels, so they score everything; others only the test sets. Teachers are only
        evaluated.
        """
        students = self.stems if stage == "stage2" else self.test_stems
        return [f"{stem}.hdf5" for stem in students] + [f"{stem}.teacher.hdf5" for stem in self.test_stems]


def job_name(kind: str, *, stage: str = "", arch: str = "", iteration: int = 0) -> str:
    """Return the name of a job, as used for its logs: "pretrain_atst", "iteration1_scores_stage2_atst", "compare"."""
    prefix = [iteration_folder(iteration)] if iteration else []
    return "_".join([*prefix, kind, *filter(None, (stage, arch))])


def graph_of(run: Run) -> list[Job]:
    """Return the jobs of a run."""
    outside = {node.name: outside_files(run, node) for node in run.experiment.nodes()}
    return build_graph(run.experiment, score_plan(planned_subsets(run)), outside)


def find_job(jobs: Iterable[Job], name: str) -> Job:
    """Return the job of that name; raises SedlabError with the nearest name."""
    by_name = {job.name: job for job in jobs}
    if name not in by_name:
        raise SedlabError(f"unknown node {name!r}.{nearest(name, by_name)}")
    return by_name[name]


def planned_subsets(run: Run) -> list[str]:
    """Return the subsets the run will have: those of the mini corpus it generates, or those found on disk."""
    if run.experiment.data.mini is not None:
        return [name for name in SUBSETS if not name.startswith("external_")]
    found = [
        name
        for name, subset in SUBSETS.items()
        if subset.audio_folder(run.data_root) and (subset.table is None or (run.data_root / subset.table).is_file())
    ]
    if not found:
        raise SedlabError(f"{run.data_root}: no data set found. Put one there, or set data.root to its folder.")
    return found


def score_plan(subsets: Iterable[str]) -> ScorePlan:
    """Return the score files that cover ``subsets``."""
    present = set(subsets)

    def stems(*groups: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(SCORE_FILE[name] for group in groups for name in group if name in present))

    return ScorePlan(stems(TRAIN_SUBSETS, VAL_SUBSETS, TEST_SUBSETS), stems(TRAIN_SUBSETS), stems(TEST_SUBSETS))


def build_graph(
    experiment: Experiment, plan: ScorePlan, outside: Mapping[str, tuple[str, ...]] | None = None
) -> list[Job]:
    """Return every job of an experiment, producers before consumers.

    ``outside`` are the files that a training node reads and no job makes, by the node's name.
    """
    outside = outside or {}
    data = Job(
        name="data",
        kind="data",
        inputs=("configs/data.yaml",),
        outputs=("data/manifest.json",),
        manifest="data/manifest.json",
    )
    jobs = [data]
    jobs += [_pretrain(experiment, arch, outside) for arch in experiment.archs if experiment.pretrains(arch)]
    for iteration in range(1, experiment.iterations + 1):
        for stage in ("stage1", "stage2"):
            jobs += [_train(experiment, plan, stage, arch, iteration, outside) for arch in experiment.archs]
            jobs += [_scores(experiment, plan, stage, arch, iteration) for arch in experiment.archs]
        jobs += [_pseudo_labels(experiment, plan, iteration), _evaluate(experiment, plan, iteration)]
    jobs.append(_compare(jobs))
    if plan.names_errors:
        jobs.append(_errors(experiment))
    jobs.append(_report(jobs))
    return jobs


# Outputs are deleted when a job starts again: last.pt and history.csv, from which a training resumes, are not outputs.


def _pretrain(experiment: Experiment, arch: str, outside: Mapping[str, tuple[str, ...]]) -> Job:
    folder, name = node_folder("pretrain", arch), job_name("pretrain", arch=arch)
    return Job(
        name=name,
        kind="pretrain",
        parameters={"arch": arch},
        inputs=("data/manifest.json", config_file(name), *outside.get(name, ())),
        outputs=_in(folder, "best.pt", "metrics.csv", "manifest.json"),
        manifest=f"{folder}/manifest.json",
        threads=experiment.threads_per_job,
        gpu=_uses_gpu(experiment, "pretrain", arch, 0),
    )


def _train(
    experiment: Experiment,
    plan: ScorePlan,
    stage: str,
    arch: str,
    iteration: int,
    outside: Mapping[str, tuple[str, ...]],
) -> Job:
    folder, name = node_folder(stage, arch, iteration), job_name(stage, arch=arch, iteration=iteration)
    inputs = ["data/manifest.json", config_file(name), *outside.get(name, ())]
    if stage == "stage2":
        inputs.append(f"{node_folder('stage1', arch, iteration)}/best.pt")
    elif experiment.node(stage, arch, iteration).pretrained:
        inputs.append(f"{node_folder('pretrain', arch)}/best.pt")
    if iteration > 1:
        inputs += _in(scores_folder(iteration - 1, "stage2", ENSEMBLE), *(f"{stem}.hdf5" for stem in plan.train_stems))
    return Job(
        name=name,
        kind=stage,
        parameters={"arch": arch, "iteration": iteration},
        inputs=tuple(inputs),
        outputs=_in(folder, "best.pt", "manifest.json"),
        manifest=f"{folder}/manifest.json",
        threads=experiment.threads_per_job,
        gpu=_uses_gpu(experiment, stage, arch, iteration),
    )


def _scores(experiment: Experiment, plan: ScorePlan, stage: str, arch: str, iteration: int) -> Job:
    folder = scores_folder(iteration, stage, arch)
    return Job(
        name=job_name("scores", stage=stage, arch=arch, iteration=iteration),
        kind="scores",
        parameters={"stage": stage, "arch": arch, "iteration": iteration},
        inputs=("data/manifest.json", f"{node_folder(stage, arch, iteration)}/best.pt"),
        outputs=_in(folder, *plan.files(stage), "manifest.json"),
        manifest=f"{folder}/manifest.json",
        threads=experiment.threads_per_job,
        gpu=_uses_gpu(experiment, stage, arch, iteration),
    )


def _pseudo_labels(experiment: Experiment, plan: ScorePlan, iteration: int) -> Job:
    folder = scores_folder(iteration, "stage2", ENSEMBLE)
    names = [f"{stem}.hdf5" for stem in plan.stems]
    members = [_in(scores_folder(iteration, "stage2", arch), *names) for arch in experiment.archs]
    return Job(
        name=job_name("pseudo_labels", iteration=iteration),
        kind="pseudo_labels",
        parameters={"iteration": iteration},
        inputs=tuple(path for paths in members for path in paths),
        outputs=_in(folder, *names, "manifest.json"),
        manifest=f"{folder}/manifest.json",
    )


def _evaluate(experiment: Experiment, plan: ScorePlan, iteration: int) -> Job:
    names = [f"{stem}{kind}.hdf5" for stem in plan.test_stems for kind in ("", ".teacher")]
    inputs = [
        path
        for stage in ("stage1", "stage2")
        for arch in experiment.archs
        for path in _in(scores_folder(iteration, stage, arch), *names)
    ]
    inputs += _in(scores_folder(iteration, "stage2", ENSEMBLE), *(f"{stem}.hdf5" for stem in plan.test_stems))
    tuned: list[str] = []
    if plan.tunes:
        folders = [scores_folder(iteration, "stage2", arch) for arch in experiment.archs]
        inputs += [
            f"{folder}/{plan.tuning_stem}.hdf5" for folder in (*folders, scores_folder(iteration, "stage2", ENSEMBLE))
        ]
        tuned = [csebbs_file(iteration, model) for model in (*experiment.archs, ENSEMBLE)]
    folder = iteration_folder(iteration)
    return Job(
        name=job_name("evaluate", iteration=iteration),
        kind="evaluate",
        parameters={"iteration": iteration},
        inputs=tuple(inputs),
        outputs=(*_in(folder, "metrics.csv", "manifest.json"), *tuned),
        manifest=f"{folder}/manifest.json",
    )


def _compare(jobs: list[Job]) -> Job:
    metrics = [path for job in jobs for path in job.outputs if path.endswith("metrics.csv")]
    return Job(
        name="compare",
        kind="compare",
        inputs=tuple(metrics),
        outputs=("results.csv", "compare/manifest.json"),
        manifest="compare/manifest.json",
    )


def _errors(experiment: Experiment) -> Job:
    name = f"{SCORE_FILE[ERROR_SUBSET]}.hdf5"
    inputs: list[str] = []
    for iteration in range(1, experiment.iterations + 1):
        folders = [scores_folder(iteration, "stage2", arch) for arch in experiment.archs]
        inputs += [f"{folder}/{name}" for folder in (*folders, scores_folder(iteration, "stage2", ENSEMBLE))]
    return Job(
        name="errors",
        kind="errors",
        inputs=tuple(inputs),
        outputs=("errors.csv", "errors/manifest.json"),
        manifest="errors/manifest.json",
    )


def _report(jobs: list[Job]) -> Job:
    # It shows learning curves and wall times of every node, so it is made again whenever any of them was.
    manifests = [job.manifest for job in jobs if job.manifest]
    return Job(
        name="report",
        kind="report",
        inputs=("config.yaml", "results.csv", *manifests),
        outputs=("report.html",),
    )


def _uses_gpu(experiment: Experiment, stage: str, arch: str, iteration: int) -> bool:
    return experiment.node(stage, arch, iteration).training.trainer.accelerator in ("auto", "cuda")


def _in(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)
