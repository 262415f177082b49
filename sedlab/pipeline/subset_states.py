"""Which clips an experiment reads, and which of them are there."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from sedlab.config.experiment import StageConfig
from sedlab.data.corpora.layout import (
    OWN_FOLDER,
    OWN_SUBSETS,
    SUBSETS,
    TEST_SUBSETS,
    TRAIN_SUBSETS,
    VAL_SUBSETS,
    Subset,
)
from sedlab.data.formats.text import is_table
from sedlab.errors import SedlabError
from sedlab.runs.run import Run

#: Validation subsets that select checkpoints.
SELECTING = ("maestro_val", "synth_val", "external_strong_eval", "own_val")
#: Their makers give them out apart from the others; without them the published recipe lacks clips but runs.
EXTRA = ("external_strong_train", "external_strong_eval", "eval_public")


@dataclass(frozen=True)
class SubsetState:
    """What is there of one subset."""

    subset: Subset
    required: bool
    """False: the experiment runs without it."""
    clips: int
    """Clips found, before exclusions."""
    training_clips: int
    """Of those, what is left after exclusions."""
    missing: tuple[str, ...] = ()
    """Which of folder and table is not there, relative to the data root."""
    problem: str = ""
    """Why what is there cannot be read."""

    @property
    def is_there(self) -> bool:
        """Whether clips of it can be used."""
        return self.clips > 0


def subset_states(run: Run) -> tuple[SubsetState, ...]:
    """Return the state of each subset in use; none of a corpus that the experiment generates."""
    if run.experiment.data.mini is not None:
        return ()
    counts = {name: _count(run, SUBSETS[name]) for name in subsets_in_use(run)}
    there = {name for name, (clips, *_) in counts.items() if clips}
    return tuple(SubsetState(SUBSETS[name], _is_required(name, there), *counted) for name, counted in counts.items())


def subsets_in_use(run: Run) -> list[str]:
    """Return the names of the subsets that the experiment reads where they are there."""
    experiment = run.experiment
    groups = {
        group
        for node in experiment.nodes()
        if isinstance(node.training, StageConfig)
        for group, size in node.training.batch.model_dump().items()
        if size
    }
    names = [name for name in TRAIN_SUBSETS if SUBSETS[name].group in groups] + [*VAL_SUBSETS, *TEST_SUBSETS]
    others = [name for name in names if name not in OWN_SUBSETS]
    if not (run.data_root / OWN_FOLDER).is_dir():
        names = others
    elif not any(SUBSETS[name].is_there(run.data_root) for name in others):
        # Who has recordings of their own alone does not miss the published ones.
        names = [name for name in names if name in OWN_SUBSETS]
    pretrains = any(experiment.pretrains(arch) for arch in experiment.archs)
    return names + (["audioset_train", "audioset_eval"] if pretrains else [])


def training_clips(found: Mapping[str, SubsetState]) -> tuple[dict[str, int], bool]:
    """Return the training clips of each group, and whether they are counts of clips that are there.

    Where there is nothing to train on yet, they are the published ones.
    """
    clips: dict[str, int] = {}
    complete = True
    labelled = any(state.is_there and _labelled(state.subset.name) for state in found.values())
    for group in {SUBSETS[name].group for name in found if SUBSETS[name].split == "train"}:
        members = [s for s in found.values() if s.subset.group == group and s.subset.split == "train"]
        clips[group] = sum(state.training_clips for state in members)
        if not any(state.is_there for state in members) and (group == "audioset" or not labelled):
            complete = False
            clips[group] = sum(state.subset.published_count or 0 for state in members)
    return clips, complete


def _is_required(name: str, there: set[str]) -> bool:
    """Say whether the experiment cannot do without the subset.

    With some labelled clips to train on, it needs no others but some to choose checkpoints on; without any, it is told
    everything that the published recipe has.
    """
    subset = SUBSETS[name]
    if name == "audioset_train":
        return True
    if name in EXTRA or name in ("weak_val", "audioset_eval"):
        return False
    labelled = any(_labelled(other) for other in there)
    if subset.split == "val":
        return not there & set(VAL_SUBSETS if labelled else SELECTING)
    if labelled:
        return False
    return subset.split == "train" or not there & set(TEST_SUBSETS)


def _labelled(name: str) -> bool:
    """Say whether detectors can learn from the labels of a set."""
    return name in TRAIN_SUBSETS and SUBSETS[name].label_kind != "none"


def _count(run: Run, subset: Subset) -> tuple[int, int, tuple[str, ...], str]:
    """Return clips, clips after exclusions, what is missing, and what is wrong."""
    from sedlab.data.corpora.load import READERS
    from sedlab.data.corpora.reading import without_excluded

    root, config = run.data_root, run.experiment.data
    folder = subset.audio_folder(root)
    missing = [subset.audio] if folder is None else [] if any(folder.iterdir()) else [f"{subset.audio} (empty)"]
    if subset.table is not None and not is_table(root / subset.table):
        missing.append(subset.table)
    if missing:
        return 0, 0, tuple(missing), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # incomplete subsets: the numbers are shown
            clips = READERS[subset.family](root, subset, config.model_copy(update={"exclude_overlapping": False})).clips
        excludes = subset.split == "train" and config.exclude_overlapping
        kept = without_excluded(clips, root, subset) if excludes else clips
    except SedlabError as error:
        return 0, 0, (), str(error)
    return len(clips), len(kept), (), ""
