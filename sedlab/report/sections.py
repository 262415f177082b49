"""The sections of a run's report: each takes a run and returns HTML, or raises SedlabError when files are missing.

What a section shows is put together here; how it shows it, and in which words, is said by the template of its name.
"""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from sedlab.data.corpora.exclusion import left_out_sentence
from sedlab.data.corpora.roles import EVENT_TESTS, SEGMENT_TESTS, first_there
from sedlab.errors import SedlabError
from sedlab.report.page import link, render
from sedlab.report.tables import (
    best_single,
    intervals_table,
    key_numbers,
    overall_table,
    postprocessing_table,
    pretraining_table,
    read_ladder,
    versions_table,
)
from sedlab.runs.clips import clip_view, ranked_clips
from sedlab.runs.history import histories, wall_times
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.lessons.parts import told_parts
from sedlab.runs.manifest import manifests
from sedlab.runs.pseudo_labels import audit_summary, pseudo_label_audits
from sedlab.runs.run import Run
from sedlab.runs.scores import psds_of, scored_models
from sedlab.runs.seeds.results import has_seeds
from sedlab.scoring.names import STAGE_NAME, metric_name, model_name
from sedlab.scoring.results import ladder_subsets, read_results
from sedlab.views.figures.agreement import agreement_figure
from sedlab.views.figures.calibration import reliability_figure
from sedlab.views.figures.ladder import class_bars_figure, ladder_figure
from sedlab.views.figures.learning_curves import learning_curves_figure
from sedlab.views.figures.psd_roc import psd_roc_figure
from sedlab.views.figures.timeline import wall_time_figure

#: Which clips are shown: places between the best (0) and the worst (1) agreement with people.
SHOWN_CLIPS = {EVENT_TESTS: (0.0, 0.5, 0.9), SEGMENT_TESTS: (0.1, 0.6)}


def summary(run: Run) -> Markup:
    """Return what was run, in a sentence or two."""
    steps = manifests(run.path)
    lists = next((step.results.get("exclusion") for step in steps if step.node == "data"), None)
    left_out = "" if lists is None or run.experiment.data.mini else left_out_sentence(lists)
    return render("summary", experiment=run.experiment, seeds=list(run.seeds), steps=steps, left_out=left_out)


def headline(run: Run) -> Markup:
    """Return how far the single models and the ensemble came, as key numbers."""
    subsets = ladder_subsets(set(read_results(run.results)["subset"]))
    values, count = key_numbers(read_ladder(run), subsets), len(run.seeds) if has_seeds(run) else 1
    return render("headline", values={f"{name}{_mean_of(count)}": value for name, value in values.items()})


def ladder(run: Run) -> Markup:
    """Return the step-by-step figure and the table of every trained model, on every test set."""
    results = read_results(run.results)
    table = overall_table(results)
    return render(
        "ladder",
        parts=_told_parts(run),
        figure=ladder_figure(results),
        ladder=table,
        ensembles=list(table["model"] == model_name(ENSEMBLE)),
        intervals=intervals_table(results),
        postprocessing=postprocessing_table(results),
        teachers=overall_table(results, teacher=True),
        pretraining=pretraining_table(results),
    )


def psd_roc(run: Run) -> Markup:
    """Return the PSD-ROC curves of each iteration's ensemble and best single model."""
    curves = {}
    for iteration in run.iterations:
        scored = scored_models(run, iteration)
        names = [name for name in (best_single(run, iteration), ENSEMBLE) if name in scored] if scored else []
        curves |= {f"{name} iteration {iteration}": psds_of(run, iteration, name) for name in names}
    if not curves:
        raise SedlabError(f"{run.path}: no scores of strongly labelled test clips. Run `sedlab run` to make them.")
    caption = (
        "True positives against false positives over all thresholds: ensemble and best single model of each iteration"
    )
    return render("drawings", drawings={caption: psd_roc_figure(curves, title=f"PSDS1 on {run.event_test}")})


def classes(run: Run) -> Markup:
    """Return the metrics of single classes, one bar for each iteration."""
    results = read_results(run.results)
    drawings = {
        f"{metric_name(metric)} of each class, by iteration": class_bars_figure(results, metric)
        for metric in ("psds1", "mpauc")
    }
    return render("drawings", drawings=drawings)


def learning_curves(run: Run) -> Markup:
    """Return losses and validation scores of every training."""
    steps = [("pretrain", 0, "Pre-training")]
    steps += [
        (stage, iteration, f"Iteration {iteration}, {STAGE_NAME[stage]}")
        for iteration in run.iterations
        for stage in ("stage1", "stage2")
    ]
    drawings = {
        f"{name}: loss and validation by optimiser step": learning_curves_figure(tables, title=name)
        for stage, iteration, name in steps
        if (tables := histories(run, stage, iteration))
    }
    if not drawings:
        raise SedlabError(f"{run.path}: nothing was trained yet. Run `sedlab run {run.experiment.name}`.")
    return render("drawings", drawings=drawings)


def clips(run: Run) -> Markup:
    """Return some test clips as heard, annotated, pseudo-labelled and detected: the best, a middling and a bad one."""
    iteration = max((one for one in run.iterations if any(run.pseudo_labels_dir(one).glob("*.hdf5"))), default=0)
    there = set(run.corpus().subsets) if iteration else set()
    shown = {first_there(names, there): places for names, places in SHOWN_CLIPS.items() if first_there(names, there)}
    views = {}
    for subset, places in shown.items():
        if not iteration or not run.score_file(iteration, ENSEMBLE, subset).is_file():
            continue
        ranking = ranked_clips(run, subset, iteration)
        for place in places if len(ranking) else ():
            row = ranking.iloc[round(place * (len(ranking) - 1))]
            rank = f"rank {row.name + 1} of {len(ranking)}, frame F1 {row['f1']:.2f}"
            views[f"{row['clip_id']} ({subset}): {rank}"] = clip_view(run, subset, row["clip_id"], iteration)
    if not views:
        raise SedlabError(f"{run.path}: no scores of a test set yet. Run `sedlab run` to make them.")
    return render("clips", iteration=iteration, views=views)


def pseudo_labels(run: Run) -> Markup:
    """Return how the pseudo-labels compare with people, for each iteration that wrote some."""
    told = {}
    for iteration in run.iterations:
        if any(run.pseudo_labels_dir(iteration).glob("*.hdf5")):
            audits = pseudo_label_audits(run, iteration)
            # The clips that nobody was trained on: the labels of the training clips flatter those who learnt them.
            shown = audits.get(run.event_test) or next(iter(audits.values()))
            told[iteration] = {
                "summary": audit_summary(audits),
                "subset": shown.subset,
                "reliability": reliability_figure(shown),
                "agreement": agreement_figure(shown),
            }
    if not told:
        raise SedlabError(f"{run.path}: no pseudo-labels yet. Run `sedlab run` to make them.")
    return render("pseudo_labels", audits=told)


def times(run: Run) -> Markup:
    """Return when each step ran and how long, with its executed notebook."""
    table = wall_times(run)
    if table.empty:
        raise SedlabError(f"{run.path}: no finished step yet. Run `sedlab run {run.experiment.name}`.")
    steps = pd.DataFrame(
        {
            "step": table["node"],
            "started (UTC)": table["started"].str.slice(0, 19).str.replace("T", " "),
            "seconds": table["seconds"],
            "notebook": [_notebook(run, node) for node in table["node"]],
        }
    )
    return render("times", figure=wall_time_figure(table), steps=steps)


def configuration(run: Run) -> Markup:
    """Return the resolved configuration, of the experiment and of each node."""
    paths = [run.path / "config.yaml", *sorted((run.path / "configs").glob("*.yaml"))]
    files = {
        str(path.relative_to(run.path)): path.read_text(encoding="utf-8", errors="backslashreplace")
        for path in paths
        if path.is_file()
    }
    return render("configuration", files=files)


def versions(run: Run) -> Markup:
    """Return the versions and the machine that the run recorded."""
    return render("versions", versions=versions_table(run))


def _told_parts(run: Run) -> list[str]:
    """Return what is tested and what the data lack, a line each; none for a run that was copied without its clips."""
    try:
        return told_parts(run).splitlines()
    except SedlabError:
        return []


def _mean_of(seeds: int) -> str:
    return f"; mean of {seeds} seeds" if seeds > 1 else ""


def _notebook(run: Run, node: str) -> str:
    """Return a link to the executed notebook of a step, relative to the report; nothing where there is none."""
    file = run.notebook(node).with_suffix(".html")
    return link("notebook", str(file.relative_to(run.path))) if file.is_file() else ""
