"""`explore`: clips of a run, or any recordings, as a list with the player beside it and panels below, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from sedlab.config.data import DataConfig
from sedlab.data.corpora.load import load_corpus
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError, nearest
from sedlab.labels import class_index
from sedlab.runs.explore.clip_columns import HELP
from sedlab.runs.explore.clip_table import clip_table, decisions, listed_subsets
from sedlab.runs.explore.corpora import explore_corpus, is_data_root
from sedlab.runs.explore.counts import offer_thresholds
from sedlab.runs.explore.opening import opening
from sedlab.runs.explore.scenes import scene_of_clip
from sedlab.runs.explore.systems import ScoredSystem, default_systems, scored_systems_of, system_named
from sedlab.runs.layout import CONFIG_FILE, ENSEMBLE
from sedlab.runs.packs.description import is_pack
from sedlab.runs.run import Run, open_run
from sedlab.views.explorers.clip_list import LaterColumns
from sedlab.views.explorers.explorer import Explorer
from sedlab.views.player.call import python_call
from sedlab.views.player.player import ClipPlayer

#: Panels by their names: the function that makes each, `(run, explorer, systems, subset) -> widget`, is looked up when
#: its tab is first opened.
PANELS: dict[str, str] = {
    "Pseudo-labels": "sedlab.runs.explore.pseudo_labels:panel",
    "PSD-ROC": "sedlab.runs.explore.curves:panel",
    "Errors": "sedlab.runs.explore.cases:panel",
    "Review": "sedlab.runs.explore.reviewing:panel",
}


def explore(
    what: Run | Corpus | str | Path | Sequence[str | Path], *, checkpoint: Any = None, **options: Any
) -> Explorer:
    """Show clips as a list to sort and filter, one of them in the player, and panels below.

    Parameters
    ----------
    what : Run, run folder; Corpus, data root; with ``checkpoint``: sound files and folders of them
    checkpoint : path, Run or run folder, optional
        The detector that listens to recordings; of a run, its students of the last iteration.
    **options
        Of a run those of `explore_run`, of a corpus those of `sedlab.runs.explore.corpora.explore_corpus`, of
        recordings those of `sedlab.runs.explore.recordings.explore_recordings`.

    Raises
    ------
    SedlabError
        When there is no such run, subset, system or panel, no sound file, or the checkpoint cannot be read.

    Examples
    --------
    >>> sedlab.explore("runs/mini", subset="devtest", panel="Errors")
    >>> sedlab.explore("data/dcase", subset="weak_train")
    >>> sedlab.explore("field_trip/", checkpoint="atst_stage2.ckpt")
    """
    if checkpoint is not None:
        from sedlab.runs.explore.recordings import explore_recordings

        return explore_recordings(what, checkpoint, **options)
    if isinstance(what, Run):
        return explore_run(what, **options)
    if isinstance(what, Corpus):
        return explore_corpus(what, **options)
    if isinstance(what, str | Path) and Path(what).exists() and not _is_run_or_pack(Path(what)):
        if is_data_root(Path(what)):
            # What people wrote, without the second names that training gives it.
            return explore_corpus(load_corpus(what, DataConfig(root=what, alias_labels=False)), **options)
        raise SedlabError(
            f"{what}: is no run folder and no data root. To listen to recordings, say which detector: checkpoint=FILE."
        )
    return explore_run(open_run(what), **options)


def _is_run_or_pack(path: Path) -> bool:
    return is_pack(path) if path.is_file() else (path / CONFIG_FILE).is_file()


def explore_run(
    run: Run,
    *,
    subset: str | Sequence[str] | None = None,
    systems: Sequence[ScoredSystem | str] | None = None,
    iteration: int | None = None,
    model: str | None = None,
    label: str = "",
    threshold: float | Mapping[str, float] | None = None,
    panel: str | None = None,
    key: str | None = None,
) -> Explorer:
    """Show the clips of a run.

    Parameters
    ----------
    subset : str or several
        Default: those with scores, as many as make a list one can work with.
    systems : sequence of ScoredSystem or their names
        What is drawn. The numbers of the list are those of the first. Default: all of stage 2, ``model`` of
        ``iteration`` first, of which the ensembles are shown until others are chosen.
    iteration, model : default the last iteration, and its ensemble
    label : str
        A class: list only clips in which it is annotated or detected.
    threshold : float, or {class: float}
        Where the player's thresholds begin.
    panel : str
        A panel to open, one of `PANELS`.
    key : str
        ``subset/clip_id`` of the clip to begin with.
    """
    subsets = listed_subsets(run, subset)
    if label:
        class_index(label)
    if panel is not None and panel not in PANELS:
        raise SedlabError(f"panel {panel!r}: not there.{nearest(panel, list(PANELS))} There are: {', '.join(PANELS)}.")
    drawn = _chosen_systems(run, subsets, systems, iteration, model)
    table = clip_table(run, subsets, drawn)
    player = ClipPlayer(lambda key: scene_of_clip(run, key, drawn, pseudo_labels=run.iterations))
    if drawn and systems is None:
        usual = {system.name for system in default_systems(run, subsets[0])} | {drawn[0].name}
        player.shown = [system.name for system in drawn if system.name in usual]
    elif drawn:
        player.shown = [system.name for system in drawn]
    set_thresholds(player, threshold)
    offer_thresholds(run, player, drawn, subsets)
    options = {"subset": subset, "iteration": iteration, "model": model, "label": label or None, "panel": panel}
    if systems is not None:
        options["systems"] = [system.name for system in drawn]
    player.base = python_call(f"{opening(run)}.explore", **options)
    explorer = Explorer(
        table.clips,
        player,
        panels={name: _builder(home, run, drawn, subsets[0]) for name, home in PANELS.items()},
        classes=table.classes,
        help=HELP,
        parts=table.parts,
        num_parts=table.num_parts,
        filters={"label": label},
        call=player.base,
    )
    player.observe(lambda _change: explorer.run(lambda: _list_decisions(run, explorer)), "review")
    if key is not None:
        explorer.open(key)
    if panel is not None:
        explorer.select_panel(panel)
    return explorer


def set_thresholds(player: ClipPlayer, threshold: float | Mapping[str, float] | None) -> None:
    """Begin with a threshold for all classes, or with some of their own."""
    if isinstance(threshold, Mapping):
        for label in threshold:
            class_index(label)
        player.thresholds = {label: float(value) for label, value in threshold.items()}
    elif threshold is not None:
        player.threshold = float(threshold)


def _chosen_systems(
    run: Run,
    subsets: Sequence[str],
    systems: Sequence[ScoredSystem | str] | None,
    iteration: int | None,
    model: str | None,
) -> list[ScoredSystem]:
    """Return the systems to draw, without repetition, the one whose numbers are listed first."""
    if systems is not None:
        return [
            system if isinstance(system, ScoredSystem) else system_named(run, subsets[0], system) for system in systems
        ]
    found = [system for name in subsets for system in scored_systems_of(run, name) if system.stage == "stage2"]
    found = sorted(dict.fromkeys(found), key=lambda one: (-one.iteration, run.models.index(one.model)))
    if iteration is None and model is None:
        first = next((one for one in found if one.model == ENSEMBLE), None)
    else:
        wanted = ScoredSystem(iteration or max(run.iterations), model or ENSEMBLE)
        first = wanted if wanted in found else None
        if first is None:
            names = "; ".join(system.name for system in found) or "none; `sedlab run` makes them"
            raise SedlabError(f"{run.path}: no scores of {', '.join(subsets)} by {wanted.name}. There are: {names}.")
    return found if first is None else [first, *(one for one in found if one != first)]


def _list_decisions(run: Run, explorer: Explorer) -> None:
    """Bring the list's column of decisions up to date."""
    made = decisions(run, explorer.clips.rename(columns={"clip": "clip_id"}))
    if made != list(explorer.clips["decision"]):
        explorer.list.put(LaterColumns({"decision": made}))


def _builder(home: str, run: Run, systems: Sequence[ScoredSystem], subset: str) -> Callable[[Explorer], widgets.Widget]:
    def build(explorer: Explorer) -> widgets.Widget:
        module, _, function = home.partition(":")
        return getattr(import_module(module), function)(run, explorer, list(systems), subset)

    return build
