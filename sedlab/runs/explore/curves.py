"""The curves of a run's systems: PSD-ROC on DESED, ROC of mpAUC on MAESTRO, as a panel and alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.data.corpora.layout import family
from sedlab.data.corpora.roles import EVENT_TESTS, SEGMENT_TESTS
from sedlab.labels import MAESTRO_EVAL_CLASSES
from sedlab.runs.clips import active_events, first_subset
from sedlab.runs.explore.opening import path_as_said
from sedlab.runs.explore.scenes import key_of
from sedlab.runs.explore.systems import ScoredSystem, default_systems, scored_systems_of
from sedlab.runs.run import Run, open_run
from sedlab.runs.scores import annotated_classes, read_scores
from sedlab.scoring.curves.curve_set import EVENT_CURVES, SEGMENT_CURVES, CurveSet
from sedlab.scoring.metrics.statistics.choice import Counted
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.subset import counted_subset
from sedlab.views.player.call import python_call

if TYPE_CHECKING:
    from sedlab.views.explorers.psds import PsdsExplorer

#: Post-processing, as a player names it; boxes are there where the evaluation tuned them.
_WAYS = ("none", "median", "boxes")
_TEST_SETS = (*EVENT_TESTS, *SEGMENT_TESTS)


def curves_of(run: Run, subset: str, systems: Sequence[ScoredSystem] | None = None) -> CurveSet:
    """Return the curves of systems (all that are scored, if left out) on a subset of DESED or MAESTRO.

    Event boxes are offered where one of the systems has them; asking for those of another one is an error.
    """
    known = {system.name: system for system in systems or scored_systems_of(run, subset)}
    part, segments = run.corpus().subset(subset), family(subset) == "maestro"
    clip_ids = list(part.clips["clip_id"])

    def counted(name: str, way: str) -> Counted:
        system = known[name]
        scores = read_scores(run.score_file(system.iteration, system.model, subset, stage=system.stage))
        how = run.csebbs(system.iteration, system.model) if way == "boxes" else way
        if segments:
            # Of all 27 classes: event boxes are tuned on DESED's.
            tables = Postprocess.read(how).scores(scores.select(clip_ids).tables(), MAESTRO_EVAL_CLASSES)
        else:
            classes = annotated_classes(subset, part.space)
            # Boxes may have been tuned on a set with other classes, which are then looked for too.
            tables = scores.select(clip_ids, None if way == "boxes" else classes).tables()
            tables = Postprocess.read(how).suited_to(classes).scores(tables, classes)
        return counted_subset(tables, part, subset)

    boxed = any(_has_boxes(run, system) for system in known.values())
    return CurveSet(
        list(known),
        counted,
        metrics=SEGMENT_CURVES if segments else EVENT_CURVES,
        ways=_WAYS if boxed else _WAYS[:2],
    )


def panel(run: Run, explorer: Any, systems: Sequence[ScoredSystem], subset: str) -> PsdsExplorer:
    """Return the curves of all scored systems as a panel of an explorer; those that its player shows are drawn first.

    A subset that nobody annotated has no curves: then those of the first test set are shown.
    """
    if family(subset) == "audioset" or active_events(run, subset).empty:
        subset = first_subset(run, *_TEST_SETS)
    shown = explorer.player.shown
    first = [system for system in systems if shown is None or system.name in shown]
    return _explorer(run, subset, first, explorer)


def psd_roc(
    run: Run | str | Path,
    *,
    subset: str | None = None,
    iteration: int | None = None,
    player: Any = None,
    **options: Any,
) -> PsdsExplorer:
    """Return the curves of all scored systems of a run by themselves.

    Parameters
    ----------
    run : Run, or its folder
    subset : str, optional
        Of DESED or MAESTRO; the first test set that there is if left out.
    iteration : int, optional
        Whose models of stage 2 are shown first, in place of the ensembles of all.
    player : ClipPlayer, optional
        Shares its thresholds.
    **options
        Those of `PsdsExplorer`: systems, metric, postprocess, label, thresholds, band.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    subset = subset or first_subset(opened, *_TEST_SETS)
    first = default_systems(opened, subset)
    if iteration is not None:
        found = scored_systems_of(opened, subset)
        first = [system for system in found if system.iteration == iteration and system.stage == "stage2"]
    return _explorer(opened, subset, first, None, player=player, **options)


def clips_with(run: Run, subset: str, label: str) -> dict[str, dict[str, Any]]:
    """Return {key of a clip: its first event of a class} of the clips of a subset that hold one."""
    events = active_events(run, subset)
    events = events[events["label"] == label].dropna(subset=["onset", "offset"])
    return {
        key_of(subset, row.clip_id): {"onset": float(row.onset), "offset": float(row.offset), "label": label}
        for row in events.sort_values("onset").drop_duplicates("clip_id").sort_values("clip_id").itertuples()
    }


def _explorer(run: Run, subset: str, first: Sequence[ScoredSystem], desk: Any, **options: Any) -> PsdsExplorer:
    from sedlab.views.explorers.psds import PsdsExplorer

    curves = curves_of(run, subset)
    wanted = {system.name for system in first}
    # In the order of the curves: earlier iterations first.
    options["systems"] = options.get("systems") or [name for name in curves.systems if name in wanted] or None
    call: Callable[..., str] = partial(python_call, "sedlab.runs.psd_roc", path_as_said(run), subset=subset)
    clips: Callable[[str], Mapping[str, Mapping[str, Any]]] = partial(clips_with, run, subset)
    earlier = _earlier(run, subset, (options["systems"] or curves.systems)[-1]) if curves.systems else ""
    return PsdsExplorer(curves, desk, clips_of=clips, call=call, title=subset, earlier=earlier, **options)


def _earlier(run: Run, subset: str, name: str) -> str:
    """Return the name of the same model an iteration earlier; empty where there is none."""
    found = scored_systems_of(run, subset)
    before = [replace(system, iteration=system.iteration - 1) for system in found if system.name == name]
    return next((system.name for system in before if system in found), "")


def _has_boxes(run: Run, system: ScoredSystem) -> bool:
    return system.stage == "stage2" and run.csebbs(system.iteration, system.model).is_file()
