"""The report of a run: one page that shows what came out, how it got there, and with what."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup

from sedlab.errors import SedlabError
from sedlab.files import write_text
from sedlab.report import sections
from sedlab.report.errors import errors
from sedlab.report.page import render
from sedlab.report.seeds import seeds
from sedlab.runs.run import Run
from sedlab.runs.seeds.results import has_seeds

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
    its end gets a page too: a section whose files are not there, or damaged, says so.
    """
    head = _section(run, "Summary", sections.summary) + _section(run, "Key numbers", sections.headline)
    shown = {"Several seeds": seeds, **SECTIONS} if has_seeds(run) else SECTIONS
    found = {name: _section(run, name, section) for name, section in shown.items()}
    write_text(run.report, render("page", title=f"sedlab: {run.name}", head=head, sections=found))
    return run.report


def _section(run: Run, name: str, section: Callable[[Run], Markup]) -> Markup:
    """Return a section, or what kept it from being made: no section takes the page with it."""
    try:
        return section(run)
    except SedlabError as error:
        problem = str(error)
    except Exception as error:
        # A fault of ours or a file that is something else: the whole story for the log, a line for the page.
        traceback.print_exc()
        problem = f"This section could not be made ({type(error).__name__}: {error})."
        print(f"warning: section {name!r} is missing: {problem}".replace("\n", " "), file=sys.stderr, flush=True)
    # Paths in the message are this machine's; the page is for others as well.
    return render("missing", problem=problem.replace(f"{run.path}/", "").replace(str(run.path), run.name))
