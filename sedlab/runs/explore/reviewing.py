"""The panel of an explorer in which a run's labels and detections are reviewed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.data.review.corrections import own_classes
from sedlab.data.review.decisions import SUSPECT
from sedlab.errors import SedlabError, count_of
from sedlab.runs.explore.pseudo_labels import suspect_queue
from sedlab.runs.explore.scenes import key_of, split_key
from sedlab.runs.review.exporting import export_tables, export_tracks, reviewed_subsets
from sedlab.runs.review.store import review_of
from sedlab.runs.run import Run
from sedlab.views.explorers.reviewing import ReviewPanel
from sedlab.views.player.player import ClipPlayer

_CELL = "cases of the open cell of errors"


def panel(run: Run, explorer: Any, systems: Sequence[Any] = (), subset: str = "") -> ReviewPanel:
    """Return the panel of an explorer: the suspects of the audit of each labelled set in its list are queues.

    ``systems`` are those that the explorer shows; the audit asks the ensemble's members of the latest
    iteration among them. ``subset`` is that of the errors.
    """
    keys = explorer.clips.iloc[:, 0]
    subsets = list(dict.fromkeys(split_key(str(key))[0] for key in keys))
    iteration = max((system.iteration for system in systems), default=run.iterations[-1])
    queues = {f"suspects of {name}": _suspects(run, iteration, name) for name in subsets if _has_labels(name)}
    return review_panel(run, explorer.player, desk=explorer, queues=queues | {_CELL: lambda: _cell(explorer, subset)})


def review_panel(run: Run, player: ClipPlayer, **options: Any) -> ReviewPanel:
    """Return the panel of a player that shows clips of a run; ``options`` are the others of `ReviewPanel`."""
    return ReviewPanel(
        player,
        review_of(run),
        classes=lambda key: own_classes(split_key(key)[0], run.space),
        export=lambda: _export(run),
        where=str(run.review.relative_to(run.project)),
        **options,
    )


def _suspects(run: Run, iteration: int, subset: str) -> Callable[[], pd.DataFrame]:
    return lambda: suspect_queue(run, iteration, subset)[0].assign(what=SUSPECT)


def _cell(explorer: Any, subset: str) -> pd.DataFrame:
    """Return the cases of the cell that was pressed in the panel of errors."""
    errors = explorer.panel("Errors")
    cases = pd.DataFrame() if errors is None else errors.selection
    if cases.empty:
        raise SedlabError("No cell of errors is open. Press one in the tab Errors, then go through its cases here.")
    return cases.assign(key=[key_of(subset, clip_id) for clip_id in cases["clip_id"]])


def _has_labels(subset: str) -> bool:
    found = layout(subset)
    return found.label_kind != "none" and found.family != "audioset"


def _export(run: Run) -> str:
    subsets = reviewed_subsets(run)
    if not subsets:
        raise SedlabError(f"{run.review}: nothing is decided yet. Decide about some events first.")
    folder, told = run.path / "review", []
    for name in subsets:
        table = export_tables(run, name, folder / f"{name}.tsv")
        tracks = export_tracks(run, name, folder / name)
        told.append(f"{table.relative_to(run.project)} and {count_of(len(tracks), 'label track')} beside it")
    return f"written: {'; '.join(told)}"
