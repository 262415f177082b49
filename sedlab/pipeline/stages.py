"""The stage functions: what each node of the graph does, given a run.

Notebooks call them and show what they return; jobs without a notebook call them by `run_stage`. Each writes its
manifest last, and each may be called again at any time: what is finished and up to date is returned as it is (a reader
who steps through the notebooks of a run must not make its descendants out of date), training resumes, everything else
is made anew. A scheduled job removes its manifest first, so it always works.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.config.experiment import Stage
from sedlab.data.corpora.layout import SCORE_FILE, TEST_SUBSETS, TRAIN_SUBSETS
from sedlab.pipeline.graph import (
    ENSEMBLE,
    TUNING_SUBSET,
    Job,
    ScorePlan,
    find_job,
    graph_of,
    job_name,
    planned_subsets,
    score_plan,
)
from sedlab.pipeline.outside_files import require_teacher_logits, require_weights
from sedlab.pipeline.resume import start_over_if_inputs_changed
from sedlab.pipeline.validation import detector_validation, evaluate_tagger, tagger_validation
from sedlab.runs.manifest import Manifest, read_manifest, recorded
from sedlab.runs.progress import ProgressFile
from sedlab.runs.run import Run
from sedlab.runs.versions import num_cores

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.scoring.postprocess.csebbs import CsebbsParams
    from sedlab.training.fit import FitResult

#: Resamples of the test clips behind the confidence intervals of the ladder.
INTERVAL_REPLICATES = 500


def run_stage(run: Run, kind: str, parameters: Mapping[str, Any]) -> object:
    """Call the stage function of a kind of job and return what it returns."""
    functions = {
        "data": prepare_data,
        "pretrain": pretrain,
        "stage1": lambda run, **rest: train(run, "stage1", **rest),
        "stage2": lambda run, **rest: train(run, "stage2", **rest),
        "scores": score,
        "pseudo_labels": make_pseudo_labels,
        "evaluate": evaluate,
        "compare": compare,
        "errors": find_errors,
        "report": report,
    }
    return functions[kind](run, **parameters)


def prepare_data(run: Run) -> pd.DataFrame:
    """Generate the mini corpus if the experiment asks for it, build the waveform cache; return the summary table."""
    from sedlab.data.cache import WaveformCache
    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.summary import corpus_summary

    with _stage(run, "data") as (_, manifest, progress):
        data = run.experiment.data
        if data.mini is not None:
            from sedlab.data.mini.writer import generate

            generate(run.data_root, data.mini, progress, workers=num_cores())
        corpus = load_corpus(run.data_root, data)
        WaveformCache.build(corpus, run.cache_dir, progress)
        summary = corpus_summary(corpus)
        clips = dict(zip(summary["subset"], summary["clips"].tolist(), strict=True))
        manifest.results = {"clips": clips, "corpus": run.corpus_digest()}
    return summary


def pretrain(run: Run, arch: str) -> FitResult:
    """Pre-train a transformer on AudioSet-strong clips; write its checkpoint and `metrics.csv`."""
    from sedlab.scoring.results import write_results
    from sedlab.training.node import TrainingInputs, train_node

    if _is_current(run, "pretrain", arch=arch):
        return _finished_fit(run.node_dir("pretrain", arch))
    with _stage(run, "pretrain", arch=arch) as (job, manifest, progress):
        node, folder = run.node("pretrain", arch), run.node_dir("pretrain", arch)
        weights, teachers = require_weights(run, node), require_teacher_logits(run, node)
        start_over_if_inputs_changed(folder, _paths(run, job.inputs))
        corpus, cache = run.corpus(), run.cache()
        validate = tagger_validation(node, corpus, cache)
        inputs = TrainingInputs(
            node, corpus, cache, folder, pretrained=weights, teacher_logits=teachers, validate=validate
        )
        result = train_node(inputs, _named(progress, "step"))
        write_results(folder / "metrics.csv", evaluate_tagger(result.best, node, corpus, cache))
        manifest.results = _fit_results(result)
    return result


def train(run: Run, stage: Stage, arch: str, iteration: int) -> FitResult:
    """Train a detector in stage 1 or 2; resumes when it was interrupted."""
    from sedlab.training.node import TrainingInputs, train_node

    if _is_current(run, stage, arch=arch, iteration=iteration):
        return _finished_fit(run.node_dir(stage, arch, iteration))
    with _stage(run, stage, arch=arch, iteration=iteration) as (job, manifest, progress):
        node, folder = run.node(stage, arch, iteration), run.node_dir(stage, arch, iteration)
        own = run.node_dir("pretrain", arch) / "best.pt"
        pretrained = own if node.pretrained and stage == "stage1" else require_weights(run, node)
        start_over_if_inputs_changed(folder, _paths(run, job.inputs))
        corpus, cache = run.corpus(), run.cache()
        inputs = TrainingInputs(
            node,
            corpus,
            cache,
            folder,
            init=run.node_dir("stage1", arch, iteration) / "best.pt" if stage == "stage2" else None,
            pretrained=pretrained,
            pseudo_labels=_pseudo_labels(run, iteration - 1) if iteration > 1 else None,
            validate=detector_validation(node, corpus, cache),
        )
        result = train_node(inputs, _named(progress, "step"))
        manifest.results = _fit_results(result)
    return result


def score(run: Run, stage: Stage, arch: str, iteration: int) -> list[Path]:
    """Write the logits of a trained detector: the student's for every clip after stage 2 and for the test sets after
    stage 1, the teacher's for the test sets. Return the files."""
    from sedlab.checkpoints.loading import load_network
    from sedlab.pipeline.validation import score_device
    from sedlab.scoring.scores.file import write_score_file
    from sedlab.scoring.scores.predict import predict_logits

    with _stage(run, "scores", stage=stage, arch=arch, iteration=iteration) as (_, manifest, progress):
        node, plan = run.node(stage, arch, iteration), _plan(run)
        corpus, cache = run.corpus(), run.cache()
        folder, checkpoint = run.scores_dir(iteration, stage, arch), run.node_dir(stage, arch, iteration) / "best.pt"
        written = []
        for network, suffix in (("student", ""), ("teacher", ".teacher")):
            detector = load_network(checkpoint, network=network)
            stems = plan.stems if stage == "stage2" and network == "student" else plan.test_stems
            for stem in stems:
                subsets = [name for name in corpus.subsets if SCORE_FILE[name] == stem]
                scores = predict_logits(
                    detector,
                    cache,
                    corpus.subset(*subsets).clips,
                    batch_size=node.training.trainer.eval_batch,
                    device=score_device(node),
                    progress=_named(progress, f"{network}, {stem}"),
                    attrs={"model": arch, "stage": stage, "iteration": iteration, "network": network, "run": run.name},
                )
                write_score_file(folder / f"{stem}{suffix}.hdf5", scores)
                written.append(folder / f"{stem}{suffix}.hdf5")
        manifest.results = {"files": len(written)}
    return written


def make_pseudo_labels(run: Run, iteration: int) -> dict[str, Path]:
    """Average the logits of the iteration's stage-2 students; return the score file of each subset."""
    from sedlab.scoring.scores.ensemble import ensemble
    from sedlab.scoring.scores.file import read_score_file, write_score_file

    folder, plan = run.pseudo_labels_dir(iteration), _plan(run)
    files = {
        name: folder / f"{SCORE_FILE[name]}.hdf5" for name in planned_subsets(run) if SCORE_FILE[name] in plan.stems
    }
    if _is_current(run, "pseudo_labels", iteration=iteration):
        return files
    with _stage(run, "pseudo_labels", iteration=iteration) as (_, manifest, progress):
        clips = {}
        for index, stem in enumerate(plan.stems):
            members = [
                read_score_file(run.scores_dir(iteration, "stage2", arch) / f"{stem}.hdf5")
                for arch in run.experiment.archs
            ]
            scores = ensemble(members)
            write_score_file(folder / f"{stem}.hdf5", scores)
            clips[stem] = len(scores.clip_ids)
            progress(index + 1, len(plan.stems), "ensemble")
        manifest.results = {"members": list(run.experiment.archs), "clips": clips}
    return files


def evaluate(run: Run, iteration: int) -> pd.DataFrame:
    """Evaluate every score file of an iteration, write `metrics.csv` and return it."""
    from sedlab.scoring.results import ladder, read_results, write_results

    if _is_current(run, "evaluate", iteration=iteration):
        return read_results(run.metrics(iteration))
    with _stage(run, "evaluate", iteration=iteration) as (_, manifest, progress):
        corpus, rows = run.corpus(), []
        boxes = _tune_boxes(run, iteration, _named(progress, "event boxes"))
        todo = list(_to_evaluate(run, iteration))
        for index, (path, subset, source) in enumerate(todo):
            tuned = boxes.get(source["model"]) if source["stage"] == "stage2" and not source["teacher"] else None
            rows += _evaluate_file(path, corpus, subset, iteration=iteration, csebbs=tuned, **source)
            progress(index + 1, len(todo), "score files")
        write_results(run.metrics(iteration), rows)
        table = read_results(run.metrics(iteration))
        manifest.results = {"ladder": ladder(table).to_dict("records")}
    return table


def compare(run: Run) -> pd.DataFrame:
    """Join the metrics of pre-training and of all iterations into `results.csv`; return the ladder."""
    import pandas as pd

    from sedlab.scoring.results import ladder, read_results, write_results

    if _is_current(run, "compare"):
        return ladder(read_results(run.results))
    with _stage(run, "compare") as (job, manifest, _):
        table = pd.concat([read_results(path) for path in _paths(run, job.inputs)], ignore_index=True)
        write_results(run.results, table)
        steps = ladder(table)
        manifest.results = {"rows": len(table)}
    return steps


def find_errors(run: Run) -> pd.DataFrame:
    """Name the errors of every student of stage 2 and of every ensemble, write `errors.csv` and return it."""
    from sedlab.runs.errors import all_errors, read_errors, write_errors

    if _is_current(run, "errors"):
        return read_errors(run)
    with _stage(run, "errors") as (_, manifest, progress):
        table = all_errors(run, _named(progress, "systems"))
        write_errors(run, table)
        manifest.results = {"systems": len(table[["iteration", "model"]].drop_duplicates()), "cases": len(table)}
    return read_errors(run)


def report(run: Run) -> Path:
    """Write `report.html` and return it."""
    from sedlab.report.report import write_report

    return write_report(run)


@contextmanager
def _stage(run: Run, kind: str, **parameters: Any) -> Iterator[tuple[Job, Manifest, ProgressFile]]:
    """Find the job, record its manifest, and report progress while the block runs."""
    name = job_name(kind, **parameters)
    job = find_job(graph_of(run), name)
    with recorded(run.path, job.manifest, name, parameters) as manifest:
        if kind in ("pretrain", "stage1", "stage2", "scores"):
            _limit_threads(run)
        yield job, manifest, ProgressFile(run.path, name)
        manifest.files = dict.fromkeys(path for path in job.outputs if path != job.manifest)


def _is_current(run: Run, kind: str, **parameters: Any) -> bool:
    """Return whether a node has finished and nothing it reads is newer than what it wrote."""
    job = find_job(graph_of(run), job_name(kind, **parameters))
    inputs, outputs = _paths(run, job.inputs), _paths(run, job.outputs)
    if not all(path.is_file() for path in (*inputs, *outputs)):
        return False
    return max(path.stat().st_mtime_ns for path in inputs) <= (run.path / job.manifest).stat().st_mtime_ns


def _finished_fit(folder: Path) -> FitResult:
    """Return the result of a finished training from its manifest."""
    from sedlab.training.fit import FitResult

    results = read_manifest(folder / "manifest.json").results
    objective = results["objective"]
    return FitResult(
        best=folder / "best.pt",
        last=folder / "last.pt",
        history=folder / "history.csv",
        objective=float("-inf") if objective is None else objective,
        steps=results["steps"],
        seconds=results["train_seconds"],
        resumed_from=results["resumed_from"],
    )


def _limit_threads(run: Run) -> None:
    import torch

    # A job gets its share by the environment; a notebook run by hand takes what the experiment says.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", run.experiment.threads_per_job)))


def _plan(run: Run) -> ScorePlan:
    return score_plan(planned_subsets(run))


def _paths(run: Run, inputs: tuple[str, ...]) -> list[Path]:
    return [run.path / name for name in inputs]


def _pseudo_labels(run: Run, iteration: int) -> dict[str, Path]:
    folder = run.pseudo_labels_dir(iteration)
    present = set(planned_subsets(run))
    return {name: folder / f"{SCORE_FILE[name]}.hdf5" for name in TRAIN_SUBSETS if name in present}


def _to_evaluate(run: Run, iteration: int) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Yield (score file, subset, where it comes from) of everything that is evaluated in an iteration."""
    subsets = [name for name in TEST_SUBSETS if name in planned_subsets(run)]
    for stage in ("stage1", "stage2"):
        for arch in run.experiment.archs:
            folder = run.scores_dir(iteration, stage, arch)
            for subset in subsets:
                source = {"model": arch, "stage": stage}
                yield folder / f"{SCORE_FILE[subset]}.hdf5", subset, source | {"teacher": False}
                yield folder / f"{SCORE_FILE[subset]}.teacher.hdf5", subset, source | {"teacher": True}
    for subset in subsets:
        path = run.pseudo_labels_dir(iteration) / f"{SCORE_FILE[subset]}.hdf5"
        yield path, subset, {"model": "ensemble", "stage": "stage2", "teacher": False}


def _evaluate_file(path: Path, corpus: Any, subset: str, *, teacher: bool, **source: Any) -> list[dict[str, object]]:
    from sedlab.scoring.scores.file import read_score_file
    from sedlab.scoring.subset import evaluate_score_file

    replicates = 0 if teacher else INTERVAL_REPLICATES
    return evaluate_score_file(read_score_file(path), corpus, subset, teacher=teacher, replicates=replicates, **source)


def _tune_boxes(run: Run, iteration: int, progress: Any) -> dict[str, CsebbsParams]:
    """Tune the event boxes of each student of stage 2 and of the ensemble, write and return them, {model: boxes}.

    Tuned on validation clips, not on those that are tested, on which the published system tuned: its values are
    optimistic, these are not.
    """
    from sedlab.scoring.postprocess import Postprocess
    from sedlab.scoring.scores.file import read_score_file
    from sedlab.scoring.subset import tune_boxes

    plan, boxes = _plan(run), {}
    if not plan.tunes:
        return boxes
    folders = {arch: run.scores_dir(iteration, "stage2", arch) for arch in run.experiment.archs}
    folders[ENSEMBLE] = run.pseudo_labels_dir(iteration)
    for index, (model, folder) in enumerate(folders.items()):
        scores = read_score_file(folder / f"{plan.tuning_stem}.hdf5")
        boxes[model] = tune_boxes(scores, run.corpus(), TUNING_SUBSET)
        Postprocess.of(boxes[model]).write(run.csebbs(iteration, model))
        progress(index + 1, len(folders), "")
    return boxes


def _fit_results(result: FitResult) -> dict[str, Any]:
    return {
        "objective": result.objective if abs(result.objective) < float("inf") else None,
        "steps": result.steps,
        "train_seconds": round(result.seconds, 3),
        "resumed_from": result.resumed_from,
    }


def _named(progress: ProgressFile, what: str) -> Any:
    return lambda done, total, _: progress(done, total, what)
