"""The report's section on errors: which kinds, in which classes, and what the last iteration changed."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from sedlab.errors import SedlabError
from sedlab.report.page import render
from sedlab.runs.errors import THRESHOLD, cases_of, read_errors
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.scoring.errors.changes import change_table, error_changes
from sedlab.scoring.errors.kinds import DETECTION
from sedlab.scoring.errors.tables import DEVIATIONS, clip_table, system_table
from sedlab.views.figures.errors import changes_figure, error_kinds_figure


def errors(run: Run) -> Markup:
    """Return counts of each kind of error for the ensembles, and their classes; raises SedlabError without a table."""
    table = read_errors(run)
    iterations = sorted(set(table.loc[table["model"] == ENSEMBLE, "iteration"]))
    if not iterations:
        raise SedlabError(f"{run.errors}: holds no case of an ensemble. Delete it and run `sedlab run` again.")
    ensembles = {f"iteration {iteration}": cases_of(table, iteration, ENSEMBLE) for iteration in iterations}
    first, last = (f"iteration {iterations[place]}" for place in (0, -1))
    changes = None
    if first != last:
        title = f"What changed from the ensemble of {first} to that of {last}"
        changes = changes_figure(change_table(error_changes(ensembles[first], ensembles[last])), title=title)
    return render(
        "errors",
        subset=table["subset"].iloc[0],
        threshold=THRESHOLD,
        first=first,
        last=last,
        events=_spelt(system_table(ensembles)),
        detections=_spelt(system_table(ensembles, DETECTION)),
        kinds=error_kinds_figure(ensembles[last], title=f"Ensemble of {last}"),
        worst=_spelt(clip_table(ensembles[last]).head(10)),
        changes=changes,
    )


def _spelt(table: pd.DataFrame) -> pd.DataFrame:
    """Return counts with column names in words; deviations of boundaries are left to the notebook."""
    return table.drop(columns=DEVIATIONS, errors="ignore").rename(columns=lambda name: name.replace("_", " "))
