"""Which clips an experiment reads, and which of them are there."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from sedlab.config.experiment import StageConfig
from sedlab.data.corpora.layout import SUBSETS, TEST_SUBSETS, TRAIN_SUBSETS, VAL_SUBSETS, Subset
from sedlab.errors import SedlabError
from sedlab.runs.run import Run

#: Validation subsets that select checkpoints.
SELECTING = ("maestro_val", "synth_val", "external_strong_eval")
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
    pretrains = any(experiment.pretrains(arch) for arch in experiment.archs)
    return names + (["audioset_train", "audioset_eval"] if pretrains else [])


def training_clips(found: Mapping[str, SubsetState]) -> tuple[dict[str, int], bool]:
    """Return the training clips of each group: those that are there or else the published ones; and whether all are."""
    clips: dict[str, int] = {}
    complete = True
    for group in {SUBSETS[name].group for name in found if SUBSETS[name].split == "train"}:
        members = [s for s in found.values() if s.subset.group == group and s.subset.split == "train"]
        clips[group] = sum(state.training_clips for state in members)
        if not any(state.is_there for state in members):
            complete = False
            clips[group] = sum(state.subset.published_count or 0 for state in members)
    return clips, complete


def _is_required(name: str, there: set[str]) -> bool:
    """Say whether nothing that is there does what the subset is for."""
    subset = SUBSETS[name]
    if name in EXTRA or name in ("weak_val", "audioset_eval"):
        return False
    if subset.split == "train":
        alike = {other for other in there if SUBSETS[other].group == subset.group and SUBSETS[other].split == "train"}
    else:
        alike = there & set(SELECTING if subset.split == "val" else TEST_SUBSETS)
    return not alike - {name}


def _count(run: Run, subset: Subset) -> tuple[int, int, tuple[str, ...], str]:
    """Return clips, clips after exclusions, what is missing, and what is wrong."""
    from sedlab.data.corpora.load import READERS
    from sedlab.data.corpora.reading import without_excluded

    root, config = run.data_root, run.experiment.data
    missing = [] if subset.audio_folder(root) else [subset.audio]
    if subset.table is not None and not (root / subset.table).is_file():
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
