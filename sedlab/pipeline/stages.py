"""The stage functions: what each node of the graph does, given a run.

Notebooks call them and show what they return; jobs without a notebook call them by `run_stage`. Each writes its
manifest last, and each may be called again at any time: what is finished and up to date is returned as it is (a reader
who steps through the notebooks of a run must not make its descendants out of date), training resumes, everything else
is made anew. A scheduled job removes its manifest first, so it always works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.config.experiment import Node, Stage
from sedlab.data.corpora.layout import SCORE_FILE, TRAIN_SUBSETS
from sedlab.pipeline.outside_files import require_teacher_logits, require_weights
from sedlab.pipeline.resume import finished_fit, fit_results, start_over_if_inputs_changed
from sedlab.pipeline.score_plan import NETWORKS, score_plan
from sedlab.pipeline.steps.begin import begin as begin
from sedlab.pipeline.steps.begin import bring_inputs
from sedlab.pipeline.validation import detector_validation, evaluate_tagger, score_device, tagger_validation
from sedlab.pipeline.work import Work
from sedlab.runs.progress import stop_file
from sedlab.runs.run import ENSEMBLE, TUNING_SUBSET, Run, score_file
from sedlab.runs.versions import num_cores

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.progress import Progress
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


def need(run: Run, kind: str, **parameters: Any) -> Any:
    """Bring a stage of a run and everything it needs up to date, and return what its function returns.

    For instance ``stages.need(run, "pseudo_labels", iteration=1)``, or with ``arch`` and ``stage`` where a kind has
    them. Raises SedlabError as `begin`.
    """
    bring_inputs(run, kind, parameters)
    return run_stage(run, kind, parameters)


def prepare_data(run: Run) -> pd.DataFrame:
    """Generate the mini corpus if the experiment asks for it, build the waveform cache; return the summary table."""
    from sedlab.data.cache import WaveformCache
    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.mini.writer import generate
    from sedlab.data.summary import corpus_summary

    with Work.of(run, "data").recorded() as (manifest, progress):
        data = run.experiment.data
        if data.mini is not None:
            generate(run.data_root, data.mini, progress, workers=num_cores())
        corpus = load_corpus(run.data_root, run.data_config)
        WaveformCache.build(corpus, run.cache_dir, progress)
        summary = corpus_summary(corpus)
        clips = dict(zip(summary["subset"], summary["clips"].tolist(), strict=True))
        manifest.results = {"clips": clips, "corpus": run.corpus_digest()}
    return summary


def pretrain(run: Run, arch: str) -> FitResult:
    """Pre-train a transformer on AudioSet-strong clips; write its checkpoint and `metrics.csv`."""
    from sedlab.scoring.results import write_results

    work, folder = Work.of(run, "pretrain", arch=arch), run.node_dir("pretrain", arch)
    if not work.is_current:
        node = run.node("pretrain", arch)
        with work.recorded() as (manifest, _):
            start = {"pretrained": require_weights(run, node), "teacher_logits": require_teacher_logits(run, node)}
            result = _train(work, node, folder, **start)
            write_results(folder / "metrics.csv", evaluate_tagger(result.best, node, run.corpus(), run.cache()))
            manifest.results = fit_results(result)
    return finished_fit(folder)


def train(run: Run, stage: Stage, arch: str, iteration: int) -> FitResult:
    """Train a detector in stage 1 or 2; resumes when it was interrupted."""
    work, folder = Work.of(run, stage, arch=arch, iteration=iteration), run.node_dir(stage, arch, iteration)
    if not work.is_current:
        node = run.node(stage, arch, iteration)
        with work.recorded() as (manifest, _):
            start: dict[str, Any] = {}
            if stage == "stage2":
                start["init"] = run.node_dir("stage1", arch, iteration) / "best.pt"
            elif node.pretrained:
                start["pretrained"] = run.node_dir("pretrain", arch) / "best.pt"
            else:
                start["pretrained"] = require_weights(run, node)
            if iteration > 1:
                start["pseudo_labels"] = _pseudo_labels(run, iteration - 1, TRAIN_SUBSETS)
            manifest.results = fit_results(_train(work, node, folder, **start))
    return finished_fit(folder)


def score(run: Run, stage: Stage, arch: str, iteration: int) -> list[Path]:
    """Write the logits of a trained detector: the student's for every clip after stage 2 and for the test sets after
    stage 1, the teacher's for the test sets. Return the files."""
    from sedlab.checkpoints.loading import load_network
    from sedlab.scoring.scores.file import write_score_file
    from sedlab.scoring.scores.predict import predict_logits

    work, plan = Work.of(run, "scores", stage=stage, arch=arch, iteration=iteration), score_plan(run)
    planned = [(network, stem) for network in NETWORKS for stem in plan.scored(stage, network)]
    files = [
        run.path / score_file(iteration, stage, arch, stem, teacher=network == "teacher") for network, stem in planned
    ]
    if work.is_current:
        return files
    with work.recorded() as (manifest, progress):
        node, corpus, cache = run.node(stage, arch, iteration), run.corpus(), run.cache()
        best = run.node_dir(stage, arch, iteration) / "best.pt"
        detectors = {network: load_network(best, network=network) for network in NETWORKS}
        for path, (network, stem) in zip(files, planned, strict=True):
            scores = predict_logits(
                detectors[network],
                cache,
                corpus.subset(*(name for name in corpus.subsets if SCORE_FILE[name] == stem)).clips,
                batch_size=node.training.trainer.eval_batch,
                device=score_device(node),
                progress=progress.named(f"{network}, {stem}"),
                attrs={"model": arch, "stage": stage, "iteration": iteration, "network": network, "run": run.name},
            )
            write_score_file(path, scores)
        manifest.results = {"files": len(files)}
    return files


def make_pseudo_labels(run: Run, iteration: int) -> dict[str, Path]:
    """Average the logits of the iteration's stage-2 students; return the score file of each subset."""
    from sedlab.scoring.scores.ensemble import ensemble
    from sedlab.scoring.scores.file import read_score_file, write_score_file

    work, plan, archs = Work.of(run, "pseudo_labels", iteration=iteration), score_plan(run), run.experiment.archs
    if not work.is_current:
        with work.recorded() as (manifest, progress):
            clips = {}
            for index, stem in enumerate(plan.stems):
                students = [run.path / score_file(iteration, "stage2", arch, stem) for arch in archs]
                scores = ensemble([read_score_file(path) for path in students])
                write_score_file(run.path / score_file(iteration, "stage2", ENSEMBLE, stem), scores)
                clips[stem] = len(scores.clip_ids)
                progress(index + 1, len(plan.stems), "ensemble")
            manifest.results = {"members": list(archs), "clips": clips}
    return _pseudo_labels(run, iteration, [name for name in plan.subsets if SCORE_FILE[name] in plan.stems])


def evaluate(run: Run, iteration: int) -> pd.DataFrame:
    """Evaluate every score file of an iteration, write `metrics.csv` and return it."""
    from sedlab.scoring.results import ladder, read_results, write_results
    from sedlab.scoring.scores.file import read_score_file
    from sedlab.scoring.subset import evaluate_score_file

    work, path = Work.of(run, "evaluate", iteration=iteration), run.metrics(iteration)
    if not work.is_current:
        with work.recorded() as (manifest, progress):
            boxes = _tune_boxes(run, iteration, progress.named("event boxes"))
            files, rows = score_plan(run).evaluated(run.experiment.archs, iteration), []
            for index, file in enumerate(files):
                rows += evaluate_score_file(
                    read_score_file(run.path / file.path),
                    run.corpus(),
                    file.subset,
                    iteration=iteration,
                    model=file.model,
                    stage=file.stage,
                    teacher=file.teacher,
                    csebbs=boxes.get(file.model) if file.stage == "stage2" and not file.teacher else None,
                    replicates=0 if file.teacher else INTERVAL_REPLICATES,
                )
                progress(index + 1, len(files), "score files")
            write_results(path, rows)
            manifest.results = {"ladder": ladder(read_results(path)).to_dict("records")}
    return read_results(path)


def compare(run: Run) -> pd.DataFrame:
    """Join the metrics of pre-training and of all iterations into `results.csv`; return the ladder."""
    import pandas as pd

    from sedlab.scoring.results import ladder, read_results, write_results

    work = Work.of(run, "compare")
    if not work.is_current:
        with work.recorded() as (manifest, _):
            table = pd.concat([read_results(path) for path in work.inputs], ignore_index=True)
            write_results(run.results, table)
            manifest.results = {"rows": len(table)}
    return ladder(read_results(run.results))


def find_errors(run: Run) -> pd.DataFrame:
    """Name the errors of every student of stage 2 and of every ensemble, write `errors.csv` and return it."""
    from sedlab.runs.errors import all_errors, read_errors, write_errors

    work = Work.of(run, "errors")
    if not work.is_current:
        with work.recorded() as (manifest, progress):
            table = all_errors(run, progress.named("systems"))
            write_errors(run, table)
            manifest.results = {"systems": len(table[["iteration", "model"]].drop_duplicates()), "cases": len(table)}
    return read_errors(run)


def report(run: Run) -> Path:
    """Write `report.html` and return it."""
    from sedlab.report.report import write_report

    with Work.of(run, "report").recorded():
        return write_report(run)


def _train(work: Work, node: Node, folder: Path, **start: Any) -> FitResult:
    """Train a node from where it was interrupted, or anew when something it reads has changed; show it meanwhile."""
    from sedlab.runs.live.training import shown_training
    from sedlab.training.node import TrainingInputs, train_node

    start_over_if_inputs_changed(folder, work.inputs)
    corpus, cache = work.run.corpus(), work.run.cache()
    validation = tagger_validation if node.stage == "pretrain" else detector_validation
    start |= {"validate": validation(node, corpus, cache), "stop_file": stop_file(work.run.path, work.job.name)}
    with shown_training(work.run.path, work.job.name) as watch:
        return train_node(TrainingInputs(node, corpus, cache, folder, **start), watch=watch)


def _pseudo_labels(run: Run, iteration: int, subsets: Iterable[str]) -> dict[str, Path]:
    planned = score_plan(run).subsets
    return {name: run.score_file(iteration, ENSEMBLE, name) for name in subsets if name in planned}


def _tune_boxes(run: Run, iteration: int, progress: Progress) -> dict[str, CsebbsParams]:
    """Tune the event boxes of each student of stage 2 and of the ensemble, write and return them, {model: boxes}.

    Tuned on validation clips, not on those that are tested, on which the published system tuned: its values are
    optimistic, these are not.
    """
    from sedlab.scoring.postprocess import Postprocess
    from sedlab.scoring.scores.file import read_score_file
    from sedlab.scoring.subset import tune_boxes

    boxes: dict[str, CsebbsParams] = {}
    for index, model in enumerate(run.models if score_plan(run).tunes else ()):
        scores = read_score_file(run.score_file(iteration, model, TUNING_SUBSET))
        boxes[model] = tune_boxes(scores, run.corpus(), TUNING_SUBSET)
        Postprocess.of(boxes[model]).write(run.csebbs(iteration, model))
        progress(index + 1, len(run.models), "")
    return boxes
