"""The stage functions: what each node of the graph does, given a run.

Notebooks call them and show what they return; jobs without a notebook call them by `run_stage`. Each writes its
manifest last, and each may be called again at any time: what is finished and up to date is returned as it is (a reader
who steps through the notebooks of a run must not make its descendants out of date), training resumes, everything else
is made anew. A scheduled job removes its manifest first, so it always works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.config.experiment import Node, Stage
from sedlab.data.corpora.layout import SCORE_FILE, TRAIN_SUBSETS
from sedlab.pipeline.outside_files import require_teacher_logits, require_weights
from sedlab.pipeline.resume import finished_fit, fit_results, start_over_if_inputs_changed
from sedlab.pipeline.score_plan import NETWORKS, score_plan
from sedlab.pipeline.steps.begin import begin as begin
from sedlab.pipeline.steps.begin import bring_inputs
from sedlab.pipeline.validation import (
    detector_validation,
    evaluate_tagger,
    score_batch,
    score_device,
    tagger_validation,
)
from sedlab.pipeline.work import Work
from sedlab.runs.layout import ENSEMBLE, SEEDS_RESULTS, score_file
from sedlab.runs.moved.labels import keep_labels
from sedlab.runs.progress import stop_file
from sedlab.runs.run import Run
from sedlab.runs.versions import num_cores

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.data.tables import Corpus
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
    from sedlab.data.checking import check_corpus
    from sedlab.data.corpora.exclusion import lists_in_use, require_exclusion_lists
    from sedlab.data.corpora.load import load_corpus
    from sedlab.data.mini.rendering import suitable_workers
    from sedlab.data.mini.writer import generate
    from sedlab.data.summary import corpus_summary

    with Work.of(run, "data").recorded() as (manifest, progress):
        data = run.experiment.data
        if data.mini is not None:
            workers = suitable_workers(data.mini, num_cores())
            generate(run.data_root, data.mini, progress, workers=workers)
        corpus = load_corpus(run.data_root, run.data_config)
        found = corpus.clips["subset"].value_counts().to_dict()
        require_exclusion_lists(run.data_root, found, run.data_config)
        WaveformCache.build(corpus, progress=progress)
        summary = corpus_summary(corpus)
        clips = dict(zip(summary["subset"], summary["clips"].tolist(), strict=True))
        lists = [asdict(one) for one in lists_in_use(run.data_root, data, corpus.subsets)]
        manifest.results = {"clips": clips, "corpus": run.corpus_digest(), "exclusion": lists}
        manifest.check = check_corpus(run.data_root, data, progress=progress).summary()
        keep_labels(run.path, corpus, run.corpus_digest())
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
            manifest.results = fit_results(_train(work, node, folder, **start)) | _without(node, run.corpus())
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
        device = score_device(node)
        for path, (network, stem) in zip(files, planned, strict=True):
            scores = predict_logits(
                detectors[network],
                cache,
                corpus.subset(*(name for name in corpus.subsets if SCORE_FILE[name] == stem)).clips,
                batch_size=score_batch(node, device),
                device=device,
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
            _keep_labels(run)
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
    """Join the metrics of pre-training and of all iterations into `results.csv`; return the ladder.

    Of a run with several seeds, `seeds.csv` has those of all, and `results.csv` mean and spread beside each number.
    """
    import pandas as pd

    from sedlab.runs.seeds.results import join_seeds
    from sedlab.scoring.results import ladder, read_results, write_results
    from sedlab.scoring.seeds.tables import with_spread, write_seeds

    work = Work.of(run, "compare")
    if not work.is_current:
        with work.recorded() as (manifest, _):
            own = [run.path / name for name in work.job.inputs if not name.startswith("../")]
            table = pd.concat([read_results(path) for path in own], ignore_index=True)
            if SEEDS_RESULTS in work.job.outputs:
                seeds = join_seeds(run)
                write_seeds(run.path / SEEDS_RESULTS, seeds)
                table = with_spread(table, seeds)
            write_results(run.results, table)
            manifest.results = {"rows": len(table)}
    return ladder(read_results(run.results))


def find_errors(run: Run) -> pd.DataFrame:
    """Name the errors of every student of stage 2 and of every ensemble, write `errors.csv` and return it."""
    from sedlab.runs.errors import all_errors, read_errors, write_errors

    work = Work.of(run, "errors")
    if not work.is_current:
        with work.recorded() as (manifest, progress):
            _keep_labels(run)
            table = all_errors(run, progress.named("systems"))
            write_errors(run, table)
            manifest.results = {"systems": len(table[["iteration", "model"]].drop_duplicates()), "cases": len(table)}
    return read_errors(run)


def report(run: Run) -> Path:
    """Write `report.html` and return it."""
    from sedlab.report.report import write_report

    with Work.of(run, "report").recorded():
        return write_report(run)


def _keep_labels(run: Run) -> None:
    """Keep the labels in the run as they are now, for whoever looks at a copy of it; not those that it keeps itself."""
    if not run.is_apart:
        keep_labels(run.path, run.corpus(), run.corpus_digest())


def _train(work: Work, node: Node, folder: Path, **start: Any) -> FitResult:
    """Train a node from where it was interrupted, or anew when something it reads has changed; show it meanwhile."""
    from sedlab.runs.live.training import shown_training
    from sedlab.training.node import TrainingInputs, train_node

    start_over_if_inputs_changed(folder, work.inputs, work.reading())
    corpus, cache = work.run.corpus(), work.run.cache()
    validation = tagger_validation if node.stage == "pretrain" else detector_validation
    start |= {"validate": validation(node, corpus, cache), "stop_file": stop_file(work.run.path, work.job.name)}
    with shown_training(work.run.path, work.job.name) as watch:
        return train_node(TrainingInputs(node, corpus, cache, folder, **start), watch=watch)


def _without(node: Node, corpus: Corpus) -> dict[str, Any]:
    """Return what the manifest of a training says of groups that its batches had to do without; nothing if none."""
    from sedlab.training.node import without_empty_groups

    _, empty = without_empty_groups(node, corpus)
    return {"groups_without_clips": list(empty)} if empty else {}


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
    subset = score_plan(run).tuning_subset
    for index, model in enumerate(run.models if subset else ()):
        scores = read_score_file(run.score_file(iteration, model, subset))
        boxes[model] = tune_boxes(scores, run.corpus(), subset)
        Postprocess.of(boxes[model]).write(run.csebbs(iteration, model))
        progress(index + 1, len(run.models), "")
    return boxes
