"""Where the corpora are and how they are split; how large the embedded `mini` corpus is."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveInt

from sedlab.config.base import Config


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
