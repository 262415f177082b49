"""The report of a run: one page that shows what came out, how it got there, and with what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup

from sedlab.errors import SedlabError
from sedlab.files import write_text
from sedlab.report import sections
from sedlab.report.errors import errors
from sedlab.report.page import render
from sedlab.runs.run import Run

SECTIONS: dict[str, Callable[[Run], Markup]] = {
    "The ladder": sections.ladder,
    "PSD-ROC": sections.psd_roc,
    "Classes": sections.classes,
    "Errors": errors,
    "Clips": sections.clips,
    "Pseudo-labels": sections.pseudo_labels,
    "Learning curves": sections.learning_curves,
    "Time": sections.times,
    "Configuration": sections.configuration,
    "Versions": sections.versions,
}


def write_report(run: Run) -> Path:
    """Write `report.html` of a run and return its path.

    The page is self-contained but for links to the executed notebooks, which lie beside it. A run that has not come to
    its end gets a page too: a section whose files are not there says so.
    """
    head = sections.summary(run) + _section(run, sections.headline)
    found = {name: _section(run, section) for name, section in SECTIONS.items()}
    write_text(run.report, render("page", title=f"sedlab: {run.name}", head=head, sections=found))
    return run.report


def _section(run: Run, section: Callable[[Run], Markup]) -> Markup:
    try:
        return section(run)
    except SedlabError as error:
        # Paths in the message are this machine's; the page is for others as well.
        return render("missing", problem=str(error).replace(f"{run.path}/", "").replace(str(run.path), run.name))
