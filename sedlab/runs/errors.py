"""The errors of a run's detectors: named for every system, written to `errors.csv`."""

from __future__ import annotations

import pandas as pd

from sedlab.config.experiment import Stage
from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.progress import Progress, no_progress
from sedlab.runs.clips import active_events
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes, postprocessed_scores, scored_models
from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.detections import detected_events

#: How the events of the error table are detected.
THRESHOLD = 0.5
POSTPROCESS = "median"
#: What the table says of each case besides `find_errors`.
_SYSTEM = ["iteration", "model", "subset"]
_NUMBERS = ("confidence", "onset", "offset", "other_onset", "other_offset", "onset_deviation", "offset_deviation")


def error_cases(
    run: Run,
    iteration: int,
    model: str,
    *,
    stage: Stage = "stage2",
    subset: str | None = None,
    threshold: float | dict[str, float] = THRESHOLD,
    postprocess: str = POSTPROCESS,
) -> pd.DataFrame:
    """Return what became of every event of a subset, and what every detection of a model is (`find_errors`).

    Model, subset and post-processing are named as in `postprocessed_scores`; soft labels count above 0.5.
    """
    subset = run.judged_on(subset)
    classes = annotated_classes(subset, run.space)
    scores = postprocessed_scores(run, iteration, model, stage=stage, subset=subset, postprocess=postprocess)
    return find_errors(detected_events(scores, classes, threshold), active_events(run, subset), classes=classes)


def scored_systems(run: Run) -> list[tuple[int, str]]:
    """Return (iteration, model) of everything whose errors can be named: students of stage 2 and ensembles."""
    return [(iteration, model) for iteration in run.iterations for model in scored_models(run, iteration)]


def baseline_of(run: Run, iteration: int, model: str) -> tuple[int, str]:
    """Return what a model is compared with by default: itself one iteration earlier, in the first a single model."""
    return (iteration - 1, model) if iteration > 1 else (iteration, run.experiment.archs[-1])


def all_errors(run: Run, progress: Progress = no_progress) -> pd.DataFrame:
    """Return the cases of every system of a run in one table, in front of them iteration, model, subset."""
    subset, systems, tables = run.judged_on(), scored_systems(run), []
    if not systems:
        raise SedlabError(f"{run.path}: no scores of {subset}. Run `sedlab run` with that set among the data.")
    for index, (iteration, model) in enumerate(systems):
        cases = error_cases(run, iteration, model, subset=subset)
        for place, (name, value) in enumerate(zip(_SYSTEM, (iteration, model, subset), strict=True)):
            cases.insert(place, name, value)
        tables.append(cases)
        progress(index + 1, len(systems), "")
    return pd.concat(tables, ignore_index=True)


def write_errors(run: Run, errors: pd.DataFrame) -> None:
    """Write the run's table of cases."""
    with atomic_path(run.errors) as temporary:
        errors.to_csv(temporary, index=False)


def read_errors(run: Run) -> pd.DataFrame:
    """Return the run's table of cases, as `all_errors` made it."""
    if not run.errors.is_file():
        raise SedlabError(f"{run.errors}: not there; no errors were named yet. Run `sedlab run` to do it.")
    missing = {name: [""] for name in _NUMBERS}
    try:
        table = pd.read_csv(run.errors, keep_default_na=False, na_values=missing, float_precision="round_trip")
    except (ValueError, OSError) as error:
        problem = " ".join(str(error).split())
    else:
        lacking = [name for name in (*_SYSTEM, *_NUMBERS) if name not in table]
        if not lacking:
            return table
        problem = f"lacks column {lacking[0]}"
    raise SedlabError(f"{run.errors}: not a table of errors ({problem}). Delete it and run `sedlab run` again.")


def cases_of(errors: pd.DataFrame, iteration: int, model: str) -> pd.DataFrame:
    """Return the cases of one system from the run's table."""
    chosen = errors[(errors["iteration"] == iteration) & (errors["model"] == model)]
    return chosen.drop(columns=_SYSTEM).reset_index(drop=True)
