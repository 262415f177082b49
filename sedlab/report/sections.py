"""The sections of a run's report: each takes a run and returns HTML, or raises SedlabError when files are missing."""

from __future__ import annotations

from sedlab.errors import SedlabError
from sedlab.report import page
from sedlab.report.tables import (
    best_single,
    intervals_table,
    overall_table,
    postprocessing_table,
    pretraining_table,
    read_ladder,
    versions_table,
)
from sedlab.runs.clips import clip_view, ranked_clips
from sedlab.runs.history import histories, wall_times
from sedlab.runs.manifest import manifests
from sedlab.runs.pseudo_labels import audit_summary, pseudo_label_audits
from sedlab.runs.run import ENSEMBLE, Run
from sedlab.runs.scores import psds_of, scored_models
from sedlab.scoring.names import STAGE_NAME, metric_name, model_name

#: Which clips are shown: places between the best (0) and the worst (1) agreement with people.
SHOWN_CLIPS = {"devtest": (0.0, 0.5, 0.9), "maestro_dev": (0.1, 0.6)}


def summary(run: Run) -> str:
    """Return what was run, in a sentence or two."""
    experiment, done = run.experiment, manifests(run.path)
    told = f"{experiment.description} Seed {experiment.seed}, {', '.join(experiment.archs)}, "
    told += f"{experiment.iterations} iteration{'s' if experiment.iterations > 1 else ''}."
    if done:
        started, finished = min(manifest.started for manifest in done), max(manifest.finished for manifest in done)
        told += f" {len(done)} steps, from {started[:16].replace('T', ' ')} to {finished[:16].replace('T', ' ')} UTC."
    if experiment.data.mini is not None:
        told += " The corpus is synthetic: compare these numbers with each other, not with published ones."
    return page.paragraph(told.strip(), kind="quiet")


def headline(run: Run) -> str:
    """Return the first and the last rung of the ladder as key numbers."""
    table = read_ladder(run)
    last = table[(table["stage"] == "stage2") & (table["iteration"] == table["iteration"].max())]
    first = table[(table["stage"] == "stage1") & (table["iteration"] == 1) & (table["model"] != ENSEMBLE)]
    best = last[last["model"] == ENSEMBLE]
    values = {}
    for metric in ("psds1", "mpauc"):
        name = metric_name(metric)
        if not first.empty:
            values[f"{name}, stage 1 of iteration 1, mean of the models"] = _number(first[metric].mean())
        if not best.empty:
            values[f"{name}, ensemble of iteration {best['iteration'].iloc[0]}"] = _number(best[metric].iloc[0])
    return page.numbers(values)


def ladder(run: Run) -> str:
    """Return the step-by-step figure and the table of every trained model, on every test set."""
    from sedlab.scoring.results import read_results
    from sedlab.views.figures.ladder import ladder_figure

    results = read_results(run.results)
    table = overall_table(results)
    more = {
        "With 95 % confidence intervals (bootstrap over clips; MAESTRO: over recordings)": intervals_table(results),
        "Post-processing on devtest (event boxes tuned on synth_val; F1 at the best thresholds)": postprocessing_table(
            results
        ),
        "The teachers": overall_table(results, teacher=True),
        "Pre-training": pretraining_table(results),
    }
    return "\n".join(
        [
            page.paragraph(
                "Stage 1 trains the CRNN on a frozen transformer, stage 2 all of it; a later iteration starts again "
                "and also learns from the pseudo-labels of the earlier ensemble. Students, class-wise median filter."
            ),
            page.drawing(ladder_figure(results), "PSDS1 and mpAUC after each stage of each iteration"),
            page.table(table, strong=list(table["model"] == model_name(ENSEMBLE))),
            *(page.folded(name, page.table(rows)) for name, rows in more.items() if len(rows)),
        ]
    )


def psd_roc(run: Run) -> str:
    """Return the PSD-ROC curves of each iteration's ensemble and best single model."""
    from sedlab.views.figures.psd_roc import psd_roc_figure

    curves = {}
    for iteration in _scored_iterations(run):
        single = best_single(run, iteration)
        names = [name for name in (single, ENSEMBLE) if name in scored_models(run, iteration)]
        curves |= {f"{name} iteration {iteration}": psds_of(run, iteration, name) for name in names}
    if not curves:
        raise SedlabError(f"{run.path}: no scores of devtest yet. Run `sedlab run` to make them.")
    return page.drawing(
        psd_roc_figure(curves, title="PSDS1 on devtest"),
        "True positives against false positives over all thresholds: ensemble and best single model of each iteration",
    )


def classes(run: Run) -> str:
    """Return the metrics of single classes, one bar for each iteration."""
    from sedlab.scoring.results import read_results
    from sedlab.views.figures.ladder import class_bars_figure

    results = read_results(run.results)
    return "\n".join(
        page.drawing(class_bars_figure(results, metric), f"{metric_name(metric)} of each class, by iteration")
        for metric in ("psds1", "mpauc")
    )


def learning_curves(run: Run) -> str:
    """Return losses and validation scores of every training."""
    from sedlab.views.figures.learning_curves import learning_curves_figure

    steps = [("pretrain", 0, "Pre-training")]
    steps += [
        (stage, iteration, f"Iteration {iteration}, {STAGE_NAME[stage]}")
        for iteration in range(1, run.experiment.iterations + 1)
        for stage in ("stage1", "stage2")
    ]
    found = [(name, histories(run, stage, iteration)) for stage, iteration, name in steps]
    figures = [
        page.drawing(learning_curves_figure(tables, title=name), f"{name}: loss and validation by optimiser step")
        for name, tables in found
        if tables
    ]
    if not figures:
        raise SedlabError(f"{run.path}: nothing was trained yet. Run `sedlab run {run.experiment.name}`.")
    return "\n".join(figures)


def clips(run: Run) -> str:
    """Return some test clips as heard, annotated, pseudo-labelled and detected: the best, a middling and a bad one."""
    from sedlab.views.figures.clips.clip import view_figure

    iteration = max(_scored_iterations(run), default=0)
    subsets = [name for name in SHOWN_CLIPS if iteration and run.score_file(iteration, ENSEMBLE, name).is_file()]
    parts = [
        page.paragraph(
            f"The ensemble of iteration {iteration}, threshold 0.5. Pseudo-labels are those of the iteration before. "
            "Clips are chosen by their rank of agreement with people (frame F1), not by hand."
        )
    ]
    for subset in subsets:
        ranking = ranked_clips(run, subset, iteration)
        for place in SHOWN_CLIPS[subset] if len(ranking) else ():
            row = ranking.iloc[round(place * (len(ranking) - 1))]
            view = clip_view(run, subset, row["clip_id"], iteration)
            rank = f"rank {row.name + 1} of {len(ranking)}, frame F1 {row['f1']:.2f}"
            parts.append(
                page.picture(
                    view_figure(view),
                    f"{row['clip_id']} ({subset}): {rank}",
                    after=page.audio(view.waveform),
                )
            )
    if len(parts) == 1:
        raise SedlabError(f"{run.path}: no scores of a test set yet. Run `sedlab run` to make them.")
    return "\n".join(parts)


def pseudo_labels(run: Run) -> str:
    """Return how the pseudo-labels compare with people, for each iteration that wrote some."""
    from sedlab.views.figures.agreement import agreement_figure
    from sedlab.views.figures.calibration import reliability_figure

    parts = []
    for iteration in range(1, run.experiment.iterations + 1):
        if not any(run.pseudo_labels_dir(iteration).glob("*.hdf5")):
            continue
        audits = pseudo_label_audits(run, iteration)
        parts += [f"<h3>Iteration {iteration}</h3>", page.table(audit_summary(audits))]
        # The clips that nobody was trained on: the labels of the training clips flatter those who learnt them.
        shown = audits.get("devtest") or next(iter(audits.values()))
        captions = f"Iteration {iteration}, {shown.subset}"
        parts += [
            page.drawing(reliability_figure(shown), f"{captions}: how often people agree with a probability"),
            page.drawing(agreement_figure(shown), f"{captions}: what people and pseudo-labels mark"),
        ]
    if not parts:
        raise SedlabError(f"{run.path}: no pseudo-labels yet. Run `sedlab run` to make them.")
    told = page.paragraph(
        "Pseudo-labels are the mean logits of the students. Precision, recall and F1 count frames above 0.5 (clips "
        "where the annotation is weak). The models that wrote them were trained on the training sets, not on devtest "
        "and maestro_dev."
    )
    return "\n".join([told, *parts])


def times(run: Run) -> str:
    """Return when each step ran and how long, with its executed notebook."""
    import pandas as pd

    from sedlab.views.figures.timeline import wall_time_figure

    table = wall_times(run)
    if table.empty:
        raise SedlabError(f"{run.path}: no finished step yet. Run `sedlab run {run.experiment.name}`.")
    rows = pd.DataFrame(
        {
            "step": table["node"],
            "started (UTC)": table["started"].str.slice(0, 19).str.replace("T", " "),
            "seconds": table["seconds"],
            "notebook": [_notebook(run, node) for node in table["node"]],
        }
    )
    return page.drawing(wall_time_figure(table), "When each step ran") + page.table(rows, digits=1)


def configuration(run: Run) -> str:
    """Return the resolved configuration, of the experiment and of each node."""
    files = [run.path / "config.yaml", *sorted((run.path / "configs").glob("*.yaml"))]
    return "\n".join(
        page.folded(str(file.relative_to(run.path)), page.preformatted(file.read_text(encoding="utf-8")))
        for file in files
        if file.is_file()
    )


def versions(run: Run) -> str:
    """Return the versions and the machine that the run recorded."""
    return page.table(versions_table(run))


def _scored_iterations(run: Run) -> list[int]:
    return [iteration for iteration in range(1, run.experiment.iterations + 1) if scored_models(run, iteration)]


def _notebook(run: Run, node: str) -> str:
    """Return a link to the executed notebook of a step, relative to the report; nothing where there is none."""
    file = run.notebook(node).with_suffix(".html")
    return page.link("notebook", str(file.relative_to(run.path))) if file.is_file() else ""


def _number(value: float) -> str:
    return page.MISSING if value != value else f"{value:.3f}"
