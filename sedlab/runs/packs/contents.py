"""Which files of a run travel, part by part, and which stay: sizes are known before anything is written."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from sedlab.config.experiment import Node
from sedlab.data.acquisition.archive import is_rubbish
from sedlab.data.corpora.layout import SCORE_FILE, SUBSETS
from sedlab.data.corpora.roles import TUNING_SETS
from sedlab.errors import SedlabError, nearest
from sedlab.grid import SAMPLE_RATE
from sedlab.runs.moved.about import FOLDER as LABELS_FOLDER
from sedlab.runs.moved.clips import CLIPS_FOLDER
from sedlab.runs.moved.left_out import PACKED_FILE, left_out
from sedlab.runs.packs.description import SUFFIX
from sedlab.runs.run import Run

#: The parts of a pack, in the order in which they are told.
TABLES, SCORES, PAGES, LABELS, CHECKPOINTS, CLIPS = (
    "tables, configuration",
    "scores",
    "report, notebooks",
    "labels of the clips",
    "checkpoints",
    "clips",
)
#: From which an unfinished training goes on; they stay where it is trained.
_STATES = ("last.pt", "best_so_far.pt")
_PAGES = (".ipynb", ".html")


@dataclass(frozen=True)
class PackOptions:
    """What shall come along besides what always does."""

    checkpoints: tuple[str, ...] = ()
    """`best` of the last iteration's stage 2, `all`, or nodes, or what their names begin with."""
    clips: str = "none"
    """none, test, all, or how many of each set, evenly spaced."""
    scores: Literal["all", "test"] = "all"
    """test: of the sets that are tested and tuned on, not of those that are trained on."""


@dataclass
class Contents:
    """What travels of a run, or of the folder of a sweep, and what stays."""

    path: Path
    run: Run | None
    """None: of a sweep."""
    files: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Path relative to the run -> (part, bytes)."""
    stays: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Likewise of files that were left out and that jobs wrote."""
    states: int = 0
    """Bytes of what unfinished trainings go on from."""
    clips: list[tuple[str, str]] = field(default_factory=list)
    """(subset, clip id) of those that travel."""
    silent: int = 0
    """How many clips do not."""
    gone: dict[str, str] = field(default_factory=dict)
    """What an earlier pack has left out already, with digests."""


def contents_of(run: Run, options: PackOptions) -> Contents:
    """Return what of a run travels; nothing is read but names, sizes and labels.

    Raises
    ------
    SedlabError
        For a checkpoint that the run has not, and for clips that are not here.
    """
    found = Contents(run.path, run, gone=left_out(run.path))
    wanted = _nodes(run, options.checkpoints)
    tested = {SCORE_FILE[name] for name, one in SUBSETS.items() if one.split == "test" or name in TUNING_SETS}
    for name, size in _files(run.path):
        path = Path(name)
        if path.name in _STATES:
            found.states += size
        elif path.suffix == ".pt":
            (found.files if path.parent.as_posix() in wanted else found.stays)[name] = CHECKPOINTS, size
        elif path.suffix == ".hdf5":
            stem = path.stem.removesuffix(".teacher")
            travels = options.scores == "all" or stem in tested
            (found.files if travels else found.stays)[name] = SCORES, size
        elif not name.startswith(f"{LABELS_FOLDER}/"):
            found.files[name] = (PAGES if path.suffix in _PAGES else TABLES), size
    _choose_clips(found, options.clips)
    return found


def contents_of_sweep(folder: Path) -> Contents:
    """Return what of the folder of a sweep travels: all of it."""
    return Contents(folder, None, files={name: (TABLES, size) for name, size in _files(folder)})


def clip_bytes(contents: Contents, clips: Sequence[tuple[str, str]]) -> int:
    """Return about how many bytes clips take in a pack: two thirds of their samples."""
    if not clips:
        return 0
    seconds = contents.run.corpus().clips.set_index(["subset", "clip_id"])["duration"]
    return int(sum(float(seconds[key]) for key in clips) * SAMPLE_RATE * 2 * 2 / 3)


def heard_clips(run: Run, which: str) -> list[tuple[str, str]]:
    """Return (subset, clip id) of the clips of which ``which`` speaks, see `PackOptions.clips`; none of AudioSet."""
    if which == "none":
        return []
    clips = run.corpus().clips
    clips = clips[clips["subset"].map(lambda name: SUBSETS[name].family != "audioset")]
    if which == "test":
        clips = clips[clips["split"] == "test"]
    keys = []
    for _, part in clips.groupby("subset", sort=False):
        part = list(zip(part["subset"], part["clip_id"], strict=True))
        if which not in ("test", "all"):
            places = np.linspace(0, len(part) - 1, min(int(which), len(part))).round().astype(int)
            part = [part[place] for place in np.unique(places)]
        keys += part
    return keys


def _choose_clips(found: Contents, which: str) -> None:
    run = found.run
    if not run.is_apart and not run.data_root.is_dir():
        if which != "none":
            raise SedlabError(f"{run.data_root}: not here, so no clips can be packed. Leave out --clips.")
        return
    found.clips = heard_clips(run, which)
    found.silent = len(heard_clips(run, "all")) - len(found.clips)
    if not found.clips:
        return
    cache = run.cache()
    lacking = [key for key in found.clips if key not in cache]
    if lacking and run.is_apart and which in ("test", "all"):
        # What an earlier pack has not brought cannot be passed on.
        found.clips = [key for key in found.clips if key in cache]
        found.silent += len(lacking)
    elif lacking:
        subset, clip_id = lacking[0]
        raise SedlabError(
            f"{run.cache_dir}: has no waveform of {clip_id} of {subset} ({len(lacking)} are lacking). `sedlab run` "
            "makes them; or choose fewer --clips."
        )


def _nodes(run: Run, checkpoints: Collection[str]) -> set[str]:
    """Return the folders of the trainings whose checkpoints travel, relative to the run."""
    nodes, chosen = run.experiment.nodes(), []
    for wish in checkpoints:
        if wish == "none":
            continue
        if wish == "all":
            found: Sequence[Node] = nodes
        elif wish == "best":
            found = [node for node in nodes if node.stage == "stage2" and node.iteration == max(run.iterations)]
        else:
            found = [node for node in nodes if node.name == wish or node.name.startswith(f"{wish}_")]
        if not found:
            names = [node.name for node in nodes]
            raise SedlabError(
                f"--checkpoints {wish}: {run.name} has no such training.{nearest(wish, ['best', 'all', *names])} "
                f"It has: {', '.join(names)}."
            )
        chosen += found
    return {run.node_dir(n.stage, n.arch, n.iteration).relative_to(run.path).as_posix() for n in chosen}


def _files(folder: Path) -> list[tuple[str, int]]:
    """Return the files of a run with their sizes, in order; nothing hidden, no pack."""
    found = []
    for where, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(one for one in folders if not one.startswith(".") and not is_rubbish(one))
        inside = Path(where).relative_to(folder)
        for name in sorted(names):
            path = Path(where) / name
            if name.startswith(".") or is_rubbish(name) or name.endswith(SUFFIX) or not path.is_file():
                continue
            relative = (inside / name).as_posix()
            if relative != PACKED_FILE and not relative.startswith(f"{CLIPS_FOLDER}/"):
                found.append((relative, path.stat().st_size))
    return sorted(found)
