"""What an experiment needs that is not made by its own jobs, and what of it is there: clips, files, weights, machine.

Nothing is raised for what is missing: the point is to name all of it at once. A corpus that the experiment generates,
and weights of trainings that have finished, are not needed.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sedlab.config.experiment import Node, StageConfig
from sedlab.data.corpora.layout import SUBSETS, TEST_SUBSETS
from sedlab.data.formats.text import is_table
from sedlab.errors import count_of
from sedlab.pipeline.outside_files import outside_files, unfinished_nodes
from sedlab.pipeline.subset_states import SubsetState, subset_states, subsets_in_use, training_clips
from sedlab.pipeline.training_cost import TrainingCost, training_cost
from sedlab.runs.run import Run
from sedlab.runs.versions import gpu_memory_bytes
from sedlab.system.cards import usable_cards
from sedlab.weights.registry import Entry, entries
from sedlab.weights.store import CORRUPT, PRESENT, WEIGHTS_FOLDER, file_state

#: Bytes of a 10 s clip in the waveform cache: 160,000 samples of 16 bits.
CACHE_CLIP_BYTES = 320_000
#: Bytes of a clip in a score file: 156 frames, 27 classes, 32 bits.
SCORE_CLIP_BYTES = 156 * 27 * 4


@dataclass(frozen=True)
class NeededFile:
    """A file or folder beside the corpora: weights, exclusion lists, device responses."""

    path: Path
    what: str
    required: bool
    state: str
    """present, not downloaded, partial, corrupt or missing; `PRESENT` is the only good one."""
    detail: str = ""
    download: str = ""
    """Name in the weights registry, if a command can get it (into the folder that holds ``path``)."""
    advice: str = ""
    """What else to do about it."""

    @property
    def is_there(self) -> bool:
        """Whether it can be used."""
        return self.state == PRESENT


@dataclass(frozen=True)
class Machine:
    """What the computer has, and what of it the experiment will take."""

    gpus: tuple[str, ...]
    gpu_bytes: int | None
    """Memory of the smallest GPU."""
    needs_gpu: bool
    """A training asks for CUDA and for nothing else."""
    free_bytes: int
    """Of the disk that holds the data root."""
    cache_bytes: int
    scores_bytes: int
    checkpoints_bytes: int | None


@dataclass(frozen=True)
class Readiness:
    """Everything that was found out."""

    root: Path
    subsets: tuple[SubsetState, ...]
    data_files: tuple[NeededFile, ...]
    weights: tuple[NeededFile, ...]
    trainings: tuple[TrainingCost, ...]
    from_found_clips: bool
    """Whether the steps of the trainings count clips that are there, or published ones."""
    machine: Machine

    @cached_property
    def missing(self) -> list[str]:
        """What keeps the experiment from running, a few words each."""
        lacking = [
            state.subset.name for state in self.subsets if not state.is_there and (state.required or state.problem)
        ]
        lacking += [file.path.name for file in (*self.data_files, *self.weights) if file.required and not file.is_there]
        lacking += [f"clips of {cost.short_group} for {cost.node}" for cost in self.trainings if cost.short_group]
        return lacking + (["a GPU"] if self.machine.needs_gpu and not self.machine.gpus else [])


def examine(run: Run, jobs: Collection[str] | None = None, *, seeds: int = 1) -> Readiness:
    """Look for everything the experiment of ``run`` needs; the run's folder need not exist.

    ``jobs`` are the names of those that are to be run, None: all; ``seeds`` how often, each time with another seed.
    """
    nodes = [node for node in run.experiment.nodes() if jobs is None or node.name in jobs]
    subsets = subset_states(run)
    found = {state.subset.name: state for state in subsets}
    clips, from_found_clips = training_clips(found)
    trainings = tuple(training_cost(node, clips) for node in nodes) if subsets else ()
    return Readiness(
        root=run.data_root,
        subsets=subsets,
        data_files=(*(_data_files(run, found) if subsets else ()), *_corrections(run)),
        weights=tuple(_weights(run, nodes)),
        trainings=trainings,
        from_found_clips=from_found_clips,
        machine=_machine(run, nodes, found, trainings, seeds),
    )


def in_working_folder(path: Path) -> Path:
    """Return ``path`` as a person in the working folder would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _data_files(run: Run, found: Mapping[str, SubsetState]) -> Iterator[NeededFile]:
    root = run.data_root
    yield from _exclusion_lists(run, found)
    for name in subsets_in_use(run):
        subset = SUBSETS[name]
        if name.startswith("external"):
            yield _table_file(root, subset.table, f"labels of {name}")
            if subset.durations:
                yield _table_file(root, subset.durations, f"durations of {name}")
    folders = {
        node.training.augment.device_response.folder
        for node in run.experiment.nodes()
        if isinstance(node.training, StageConfig) and node.training.augment.device_response.p
    }
    yield from (_responses(root, folder) for folder in sorted(folders))


def _part(root: Path, part: str) -> str:
    """Return the command that gets a part of what was published with DESED."""
    return f"sedlab data desed download --only {part} --root {in_working_folder(root)}"


def _exclusion_lists(run: Run, found: Mapping[str, SubsetState]) -> Iterator[NeededFile]:
    from sedlab.data.corpora.exclusion import PUBLISHED, lacks_list, lists_in_use

    root, config = run.data_root, run.experiment.data
    if not config.exclude_overlapping:
        return
    clips = {name: state.clips for name, state in found.items()}
    for listed in lists_in_use(root, config, found):
        detail = f"{listed.origin}, {count_of(listed.names, 'name')}"
        yield NeededFile(_list_of(root, listed.subset), _left_out_of(listed.subset), False, PRESENT, detail)
    for name in (name for name in PUBLISHED if name in found and not _list_of(root, name).is_file()):
        path, needed = _list_of(root, name), lacks_list(root, SUBSETS[name], clips, config)
        other = f"; or lists by the same rule: sedlab data desed exclude --root {in_working_folder(root)}"
        advice = _part(root, "exclude") + (other if needed else "")
        yield NeededFile(path, _left_out_of(name), needed, "missing", advice=advice)


def _list_of(root: Path, subset: str) -> Path:
    return root / str(SUBSETS[subset].exclude)


def _left_out_of(subset: str) -> str:
    return f"clips to leave out of {subset}"


def _corrections(run: Run) -> Iterator[NeededFile]:
    path = run.data_config.corrections
    if path is not None:
        state = PRESENT if path.is_file() else "missing"
        advice = f"{in_working_folder(path)}: make it, or set data.corrections to another file or to null"
        yield NeededFile(path, "corrected labels", required=True, state=state, advice=advice)


def _table_file(root: Path, table: str, what: str) -> NeededFile:
    state = PRESENT if is_table(root / table) else "missing"
    return NeededFile(root / table, what, required=False, state=state, advice=_part(root, "external"))


def _responses(root: Path, name: str) -> NeededFile:
    from sedlab.data.formats.suffixes import is_audio_name

    folder = root / name
    count = sum(is_audio_name(path.name) for path in folder.rglob("*")) if folder.is_dir() else 0
    return NeededFile(
        folder,
        "impulse responses of recording devices",
        required=True,
        state=PRESENT if count else "missing",
        detail=count_of(count, "file") if count else "",
        advice=_part(root, "devices"),
    )


def _weights(run: Run, wanted: Collection[Node]) -> Iterator[NeededFile]:
    root = run.project / WEIGHTS_FOLDER
    registered = {root / entry.file: entry for entry in entries()}
    needed_by: dict[Path, list[str]] = {}
    for node in unfinished_nodes(run, wanted):
        for path in outside_files(run, node):
            needed_by.setdefault(Path(path), []).append(node.name)
    for path, nodes in needed_by.items():
        yield _weights_file(path, nodes, registered.get(path))


def _weights_file(path: Path, nodes: list[str], entry: Entry | None) -> NeededFile:
    purpose = f"start of {', '.join(nodes)}"
    if entry is None:
        state = PRESENT if path.is_file() else "missing"
        advice = f"{in_working_folder(path)}: give another file, or a name from: sedlab weights list"
        return NeededFile(path, purpose, required=True, state=state, advice=advice)
    found = file_state(entry, path.parent)
    advice = "" if entry.url else f"get {in_working_folder(path)} by hand from {entry.source_page}"
    if found.state == CORRUPT:
        advice = f"delete {in_working_folder(path)} before"
    download = entry.name if entry.url else ""
    return NeededFile(path, purpose, True, found.state, found.detail, download, advice)


def _machine(
    run: Run, nodes: Collection[Node], found: Mapping[str, SubsetState], trainings: tuple[TrainingCost, ...], seeds: int
) -> Machine:
    experiment = run.experiment
    counts = {name: state.clips or state.subset.published_count or 0 for name, state in found.items()}
    scored = sum(counts.values()) - counts.get("audioset_train", 0) - counts.get("audioset_eval", 0)
    tested = sum(count for name, count in counts.items() if name in TEST_SUBSETS)
    archs = len(experiment.archs)
    # Students of stage 2 and the ensemble score everything; students of stage 1 and mean teachers the test sets.
    scores = experiment.iterations * ((archs + 1) * scored + 3 * archs * tested)
    sizes = [cost.checkpoint_bytes for cost in trainings]
    return Machine(
        gpus=tuple(card.name or card.ident for card in usable_cards()),
        gpu_bytes=gpu_memory_bytes(),
        needs_gpu=any(node.training.trainer.accelerator == "cuda" for node in nodes),
        free_bytes=shutil.disk_usage(_existing(run.data_root)).free,
        cache_bytes=CACHE_CLIP_BYTES * sum(counts.values()),
        scores_bytes=SCORE_CLIP_BYTES * scores * seeds,
        checkpoints_bytes=None if None in sizes else sum(sizes) * seeds,
    )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
