"""The report's section on errors: which kinds, in which classes, and what the last iteration changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sedlab.report import page
from sedlab.runs.errors import THRESHOLD, cases_of, read_errors
from sedlab.runs.run import ENSEMBLE, ERROR_SUBSET, Run

if TYPE_CHECKING:
    import pandas as pd


def errors(run: Run) -> str:
    """Return counts of each kind of error for the ensembles, and their classes; raises SedlabError without a table."""
    from sedlab.scoring.errors.changes import change_table, error_changes
    from sedlab.scoring.errors.kinds import DETECTION
    from sedlab.scoring.errors.tables import clip_table, system_table
    from sedlab.views.figures.errors import changes_figure, error_kinds_figure

    table = read_errors(run)
    iterations = sorted(set(table.loc[table["model"] == ENSEMBLE, "iteration"]))
    ensembles = {f"iteration {iteration}": cases_of(table, iteration, ENSEMBLE) for iteration in iterations}
    last = f"iteration {iterations[-1]}"
    worst = clip_table(ensembles[last]).head(10)
    parts = [
        page.paragraph(
            f"Each annotated event of {ERROR_SUBSET}, and each detection of an ensemble (median filter, threshold "
            f"{THRESHOLD:g}), has one outcome; correct ones are the true positives of collar-based F1."
        ),
        "<h3>Events</h3>",
        page.table(_spelt(system_table(ensembles))),
        page.drawing(
            error_kinds_figure(ensembles[last], title=f"Ensemble of {last}"),
            f"What became of the events of each class, and what the detections are, {last}",
        ),
        page.folded("Detections", page.table(_spelt(system_table(ensembles, DETECTION)))),
        page.folded("The clips with most errors", page.table(_spelt(worst))),
    ]
    if len(iterations) > 1:
        first = f"iteration {iterations[0]}"
        changes = change_table(error_changes(ensembles[first], ensembles[last]))
        caption = f"What changed from the ensemble of {first} to that of {last}"
        parts.append(page.drawing(changes_figure(changes, title=caption), f"{caption}, by class"))
    return "\n".join(parts)


def _spelt(table: pd.DataFrame) -> pd.DataFrame:
    """Return counts with column names in words; deviations of boundaries are left to the notebook."""
    from sedlab.scoring.errors.tables import DEVIATIONS

    return table.drop(columns=DEVIATIONS, errors="ignore").rename(columns=lambda name: name.replace("_", " "))
