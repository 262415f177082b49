"""Counts of a run's systems on a whole subset at every threshold, and what else its player knows about thresholds."""

from __future__ import annotations

from collections.abc import Sequence

from sedlab.data.corpora.layout import layout
from sedlab.errors import SedlabError
from sedlab.runs.clips import active_events
from sedlab.runs.explore.systems import ScoredSystem
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes, postprocessed_scores
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.choice import MEDIAN, NONE
from sedlab.scoring.thresholds.counts import ALL_CLASSES, SubsetCounts, subset_counts
from sedlab.scoring.thresholds.file import DEFAULT_THRESHOLD, Thresholds
from sedlab.views.player.player import ClipPlayer

BOXES = "boxes"
#: Thresholds saved from the player, in the run folder.
SAVED = "thresholds.json"
_BUILT_IN = "default"


def offer_thresholds(run: Run, player: ClipPlayer, systems: Sequence[ScoredSystem], subsets: Sequence[str]) -> None:
    """Let a player show counts of ``subsets`` and marks, and save thresholds into the run folder with their boxes.

    Marks are the threshold with which `sedlab detect` and the run's table of errors detect, and what was saved before.
    """
    by_name = {system.name: system for system in systems}
    player.offer_counts(
        lambda subset, name, way: system_counts(run, by_name[name], subset, way),
        {subset: ways_of(run, systems, subset) for subset in subsets if layout(subset).family != "audioset"},
    )
    tuned = [system for system in systems if _has_boxes(run, system)]
    player.tuned = {one.name: Postprocess.read(run.csebbs(one.iteration, one.model)) for one in tuned}
    player.provenance = {"run": run.name}
    player.thresholds_file = run.path / SAVED
    player.marks = marks_of(run)


def system_counts(run: Run, system: ScoredSystem, subset: str, way: str = MEDIAN) -> SubsetCounts:
    """Count what a system detects in the clips of a subset that have events, at every threshold.

    ``way`` is "none", "median" or "boxes".

    Raises
    ------
    SedlabError
        When the subset has no events with onset and offset, or the system no scores or no tuned boxes.
    """
    classes, part = annotated_classes(subset, run.space), run.corpus().subset(subset)
    events = active_events(run, subset)
    if not (events["offset"] > events["onset"]).any():
        raise SedlabError(f"{subset}: nobody annotated onsets and offsets there, so detections cannot be counted.")
    if way == BOXES and not _has_boxes(run, system):
        raise SedlabError(f"{system.name}: no event boxes were tuned for it. Choose another post-processing.")
    tables = postprocessed_scores(
        run,
        system.iteration,
        system.model,
        stage=system.stage,
        subset=subset,
        postprocess=NONE if way == BOXES else way,
    )
    boxes = Postprocess.read(run.csebbs(system.iteration, system.model)).params if way == BOXES else None
    return subset_counts(CountedEvents.of(tables, events, part.durations, classes), boxes)


def ways_of(run: Run, systems: Sequence[ScoredSystem], subset: str) -> dict[str, list[str]]:
    """Return {system: ways} of the systems that have scores of a subset."""
    return {
        system.name: [NONE, MEDIAN, *([BOXES] if _has_boxes(run, system) else [])]
        for system in systems
        if run.score_file(system.iteration, system.model, subset, stage=system.stage).is_file()
    }


def marks_of(run: Run) -> dict[str, dict[str, float]]:
    """Return {class, or "" for all: {name: threshold}}: what is used by default, and what was saved in the run."""
    marks = {label: {_BUILT_IN: DEFAULT_THRESHOLD} for label in (ALL_CLASSES, *run.space.classes)}
    if (run.path / SAVED).is_file():
        saved = Thresholds.read(run.path / SAVED)
        for label, of_class in marks.items():
            of_class["saved"] = saved.of_class.get(label, saved.others)
    return marks


def _has_boxes(run: Run, system: ScoredSystem) -> bool:
    return system.stage == "stage2" and run.csebbs(system.iteration, system.model).is_file()
