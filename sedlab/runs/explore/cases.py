"""The errors of a run's systems as a panel of the workbench: each case with the system whose case it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from sedlab.errors import SedlabError
from sedlab.runs.errors import baseline_of, error_cases
from sedlab.runs.explore.opening import opening
from sedlab.runs.explore.scenes import key_of
from sedlab.runs.explore.systems import ScoredSystem, scored_systems_of
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes
from sedlab.scoring.errors.setting import Setting
from sedlab.scoring.postprocess.choice import CSEBBS, MEDIAN, NONE
from sedlab.views.explorers.errors import ErrorExplorer
from sedlab.views.player.call import python_call


def panel(run: Run, explorer: Any, systems: Sequence[ScoredSystem], subset: str) -> ErrorExplorer:
    """Return the error browser of the systems that ``explorer`` draws, at the thresholds of its player."""
    other = ScoredSystem(*baseline_of(run, systems[0].iteration, systems[0].model)).name if systems else ""
    return ErrorExplorer(
        {system.name: partial(cases_at, run, system, subset) for system in systems},
        desk=explorer,
        key_of=partial(key_of, subset),
        other=other,
        call=partial(_line, run, systems, subset),
    )


def cases_at(run: Run, system: ScoredSystem, subset: str, setting: Setting) -> pd.DataFrame:
    """Return the cases of a system in a subset (`find_errors`), detected as the player draws them.

    Raises
    ------
    SedlabError
        Where nobody annotated when something sounds.
    """
    classes = annotated_classes(subset, run.space)
    events = run.corpus().subset(subset).events
    if len(events) and events["onset"].isna().all():
        raise SedlabError(f"{subset}: its labels have no times, and errors are named by time. Choose another subset.")
    return error_cases(
        run,
        system.iteration,
        system.model,
        stage=system.stage,
        subset=subset,
        threshold=setting.of_classes(classes),
        postprocess=_way(run, system, setting.postprocess),
    )


def _line(run: Run, systems: Sequence[ScoredSystem], subset: str, **what: Any) -> str:
    """Return the line of Python that shows a cell of these systems again."""
    usual = {system for system in scored_systems_of(run, subset) if system.stage == "stage2"}
    names = None if set(systems) == usual else [system.name for system in systems]
    explored = python_call(f"{opening(run)}.explore", subset=subset, systems=names, panel="Errors")
    return python_call(f"{explored}.panel('Errors').at", **what)


def _way(run: Run, system: ScoredSystem, postprocess: str) -> str:
    """Return what the player draws of a system that is asked for boxes: its scores where it has none."""
    if postprocess != "boxes":
        return {"none": NONE, "median": MEDIAN}[postprocess]
    tuned = system.stage == "stage2" and run.csebbs(system.iteration, system.model).is_file()
    return CSEBBS if tuned else NONE
