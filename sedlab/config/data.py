"""Where the corpora are and how they are split; how large the embedded `mini` corpus is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, SerializerFunctionWrapHandler, model_serializer

from sedlab.config.base import Config

#: Options about corrections of labels.
_CORRECTIONS = ("corrections", "corrected_splits")


class MiniConfig(Config):
    """Sizes of the procedural corpus. Clips last 10 s, recordings a minute."""

    seed: NonNegativeInt = 0
    num_synth_train: PositiveInt = 200
    num_strong_train: PositiveInt = 80
    num_weak: PositiveInt = 100
    num_unlabeled: PositiveInt = 90
    num_synth_val: PositiveInt = 40
    num_devtest: PositiveInt = 100
    num_public: PositiveInt = 80
    num_maestro_train: PositiveInt = 10
    """MAESTRO-like recordings for training; a part of them is held out for validation."""
    num_maestro_dev: PositiveInt = 6
    maestro_seconds: PositiveInt = 60
    maestro_hop_train: PositiveInt = 3
    """Distance in seconds between the 10 s windows of a training recording (the real corpus: 1)."""
    maestro_hop_dev: PositiveInt = 5
    num_annotators: PositiveInt = 5
    num_audioset_train: PositiveInt = 160
    num_audioset_eval: PositiveInt = 40


class DataConfig(Config):
    """The data root and the rules that turn its tables into training and evaluation sets."""

    root: Path = Path("data/mini")
    """Folder with the layout described in data/README.md."""
    mini: MiniConfig | None = None
    """Generate the procedural corpus of this size at `root`; None: the corpus is already there."""
    alias_labels: bool = True
    """Duplicate events under the other corpus's name for the same sound, in training."""
    exclude_overlapping: bool = True
    """Leave out training clips named in the exclusion lists, where these exist."""
    weak_train_fraction: float = Field(default=0.9, gt=0, le=1)
    maestro_train_fraction: float = Field(default=0.9, gt=0, le=1)
    split_seed: NonNegativeInt = 42
    """Seed of both splits; 42 is the published one."""
    corrections: Path | None = None
    """Labels that win over those of the corpus: a `review.tsv`, or a corrected table (filename, onset, offset,
    event_label). Relative to the project folder, as `root`."""
    corrected_splits: tuple[Literal["train", "val", "test"], ...] = ("train",)
    """Which sets the corrections change; with test sets among them, scores are no longer comparable with others."""

    def without_corrections(self) -> DataConfig:
        """Return the same corpus as its own annotation has it."""
        defaults = {name: type(self).model_fields[name].default for name in _CORRECTIONS}
        return self.model_copy(update=defaults)

    @model_serializer(mode="wrap")
    def _leave_out_no_corrections(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Runs without corrections are told as before there were any: what they have finished stays finished.
        tree = write(self)
        if self.corrections is None:
            tree = {name: value for name, value in tree.items() if name not in _CORRECTIONS}
        return tree
