"""The panel of an explorer in which a run's labels and detections are reviewed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from sedlab.data.corpora.layout import layout
from sedlab.data.review.corrections import own_classes
from sedlab.errors import SedlabError
from sedlab.runs.explore.scenes import key_of, split_key
from sedlab.runs.pseudo_labels import suspected_labels
from sedlab.runs.review.exporting import export_tables, reviewed_subsets
from sedlab.runs.review.store import review_of
from sedlab.runs.run import Run
from sedlab.views.explorers.reviewing import ReviewPanel
from sedlab.views.player.player import ClipPlayer


def panel(run: Run, explorer: Any, systems: Sequence[Any] = (), subset: str = "") -> ReviewPanel:
    """Return the panel of an explorer: the suspects of the audit of each labelled set in its list are queues.

    ``systems`` are those that the explorer shows; the audit asks the teachers of the latest iteration among them.
    ``subset`` is not needed: the keys of the list say theirs.
    """
    keys = explorer.clips.iloc[:, 0]
    subsets = list(dict.fromkeys(split_key(str(key))[0] for key in keys))
    iteration = max((system.iteration for system in systems), default=run.iterations[-1])
    suspects = {f"suspects of {name}": _suspects(run, iteration, name) for name in subsets if _has_labels(name)}
    return review_panel(run, explorer.player, desk=explorer, suspects=suspects)


def review_panel(run: Run, player: ClipPlayer, **options: Any) -> ReviewPanel:
    """Return the panel of a player that shows clips of a run; ``options`` are the others of `ReviewPanel`."""
    return ReviewPanel(
        player,
        review_of(run),
        classes=lambda key: own_classes(split_key(key)[0]),
        export=lambda: _export(run),
        **options,
    )


def suspects_to_review(run: Run, iteration: int, subset: str) -> pd.DataFrame:
    """Return the labels of a subset that all teachers contradict, as places to review: key, label, onset, offset."""
    table = suspected_labels(run, iteration, subset)
    keys = [key_of(subset, clip_id) for clip_id in table["clip_id"]]
    return table.assign(key=keys)[["key", "label", "onset", "offset"]]


def _suspects(run: Run, iteration: int, subset: str) -> Callable[[], pd.DataFrame]:
    return lambda: suspects_to_review(run, iteration, subset)


def _has_labels(subset: str) -> bool:
    found = layout(subset)
    return found.label_kind != "none" and found.family != "audioset"


def _export(run: Run) -> str:
    subsets = reviewed_subsets(run)
    if not subsets:
        raise SedlabError(f"{run.review}: nothing is decided yet. Decide about some events first.")
    files = [export_tables(run, name, run.path / "review" / f"{name}.tsv") for name in subsets]
    return f"written: {', '.join(map(str, files))}"
