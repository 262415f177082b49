"""Where the files of each subset lie under the data root, and what kind of annotation they carry.

The folders are those the published systems expect, so that a data set prepared for them can be used as it is.
Paths are relative to the data root. A folder ending in ``_16k`` may be absent if its original-rate twin without the
suffix is there: the waveform cache resamples.

Source: DCASE 2024 Task 4 baseline recipe (DESED_task) and the published system's code, arXiv 2408.00791.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sedlab.data.formats.text import is_table
from sedlab.errors import SedlabError, nearest

#: The groups that detectors learn from.
DETECTION_GROUPS: tuple[str, ...] = ("maestro", "strong", "synth", "weak", "unlabeled")
#: All groups, in their order inside a training batch.
GROUPS: tuple[str, ...] = (*DETECTION_GROUPS, "audioset")

#: A corpus below this part of the published size is another corpus, not a damaged copy.
COMPARABLE = 0.25
EXCLUDE_FOLDER = "metadata/exclude"
#: Says what belongs to the unlabelled set, of which the readers take what its folder holds.
UNLABELED_TABLE = "metadata/train/unlabel_in_domain.tsv"
MAESTRO_DURATIONS = "metadata/maestro_real_durations.tsv"
#: One's own recordings.
OWN_FOLDER = "own"
#: The classes of one's own recordings, one a line, in the order of a network's outputs.
OWN_CLASSES = "own/classes.txt"
CACHE_FOLDER = "cache"
#: Written last under a root that was generated, and not published.
MINI_MARKER = "mini.json"


@dataclass(frozen=True)
class Subset:
    """One set of clips: its role, its files, and how large the published one is."""

    name: str
    group: str
    """Where its clips go in a training batch, one of `GROUPS`."""
    split: str
    """train, val or test."""
    audio: str
    """Folder of the clips."""
    table: str | None
    """Annotation table; None: every file in the folder is a clip."""
    published_count: int | None = None
    """Clips in the published set, before exclusions."""
    score_file: str = ""
    """Stem of the score and pseudo-label file that covers it, as published; the name unless given."""
    durations: str | None = None
    """Table (filename, duration) where the published set brings or generates one."""
    exclude: str | None = None
    """List of training clips to leave out because another set holds them too."""
    audio_alternatives: tuple[str, ...] = ()
    """Other folders the audio may be in."""
    family: str = ""
    """The corpus whose classes its annotation can speak about: desed, maestro, audioset or own; by the group unless
    given."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "score_file", self.score_file or self.name)
        by_group = self.group if self.group in ("maestro", "audioset") else "desed"
        object.__setattr__(self, "family", self.family or by_group)

    @property
    def label_kind(self) -> str:
        """strong (onset, offset), weak (clip-level), soft (strong with confidences) or none."""
        return {"maestro": "soft", "weak": "weak", "unlabeled": "none"}.get(self.group, "strong")

    def audio_folder(self, root: Path) -> Path | None:
        """Return the first existing folder that may hold this subset's audio, one with files first; or None."""
        candidates = [self.audio, *self.audio_alternatives]
        candidates += [folder.removesuffix("_16k") for folder in candidates]
        found = [root / folder for folder in dict.fromkeys(candidates) if (root / folder).is_dir()]
        return next((folder for folder in found if _has_files(folder)), found[0] if found else None)

    def is_there(self, root: Path) -> bool:
        """Return whether its table is there and an audio folder with something in it."""
        if self.table is not None and not is_table(root / self.table):
            return False
        folder = self.audio_folder(root)
        return folder is not None and _has_files(folder)


def _has_files(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is not None


def _maestro(name: str, split: str, count: int, part: str = "train", score_file: str = "maestro_real_train") -> Subset:
    files = f"audio/maestro_real_{part}_16k", f"metadata/maestro_real_{part}.tsv"
    return Subset(name, "maestro", split, *files, count, score_file)


def _audioset(part: str, split: str, count: int) -> Subset:
    files = f"audioset_strong/audio/{part}", f"audioset_strong/metadata/audioset_{part}_strong.tsv"
    return Subset(f"audioset_{part}", "audioset", split, *files, count)


def _own(part: str, group: str, split: str) -> Subset:
    table = None if group == "unlabeled" else f"own/{part}.tsv"
    durations = None if split == "train" else f"own/{part}_durations.tsv"
    return Subset(f"own_{part}", group, split, f"own/audio/{part}_16k", table, durations=durations, family="own")


_SYNTH = "synthetic21"
_EXTERNAL = "metadata/external_strong/external_audioset_strong"
_PUBLIC = "eval/desed_public_eval"
_WEAK = ("audio/train/weak_16k", "metadata/train/weak.tsv")

SUBSETS: dict[str, Subset] = {
    subset.name: subset
    for subset in (
        Subset(
            "synth_train",
            "synth",
            "train",
            f"dcase_synth/audio/train/{_SYNTH}_train/soundscapes_16k",
            f"dcase_synth/metadata/train/{_SYNTH}_train/soundscapes.tsv",
            10_000,
        ),
        Subset(
            "strong_train",
            "strong",
            "train",
            "audio/train/strong_label_real_16k",
            "metadata/train/audioset_strong.tsv",
            3_470,
            exclude=f"{EXCLUDE_FOLDER}/audioset_strong_exclude.tsv",
        ),
        Subset(
            "external_strong_train",
            "strong",
            "train",
            "audio/external_strong_16k",
            f"{_EXTERNAL}_train.tsv",
            # None is published: its makers may have left out what is tested on.
            exclude=f"{EXCLUDE_FOLDER}/external_strong_exclude.tsv",
        ),
        Subset("weak_train", "weak", "train", *_WEAK, 1_420, exclude=f"{EXCLUDE_FOLDER}/weak_exclude.tsv"),
        Subset(
            "unlabeled_train",
            "unlabeled",
            "train",
            "audio/train/unlabel_in_domain_16k",
            None,
            14_412,
            exclude=f"{EXCLUDE_FOLDER}/unlabeled_exclude.tsv",
        ),
        _maestro("maestro_train", "train", 6_426),
        Subset(
            "synth_val",
            "synth",
            "val",
            f"audio/validation/{_SYNTH}_validation/soundscapes_16k",
            f"dcase_synth/metadata/validation/{_SYNTH}_validation/soundscapes.tsv",
            2_500,
            durations=f"dcase_synth/metadata/validation/{_SYNTH}_validation/durations.tsv",
            # The baseline's preparation links this folder to the one above.
            audio_alternatives=(f"dcase_synth/audio/validation/{_SYNTH}_validation/soundscapes_16k",),
        ),
        Subset(
            "external_strong_eval",
            "strong",
            "val",
            "audio/external_strong_16k",
            f"{_EXTERNAL}_eval.tsv",
            durations=f"{_EXTERNAL}_dur.tsv",
        ),
        Subset("weak_val", "weak", "val", *_WEAK, 158, score_file="weak_train"),
        _maestro("maestro_val", "val", 1_077),
        Subset(
            "devtest",
            "strong",
            "test",
            "audio/validation/validation_16k",
            "metadata/validation/validation.tsv",
            1_168,
            durations="metadata/validation/validation_durations.tsv",
        ),
        _maestro("maestro_dev", "test", 3_474, "validation", "maestro_real_dev"),
        Subset(
            "eval_public",
            "strong",
            "test",
            f"{_PUBLIC}/audio/eval/public_16k",
            f"{_PUBLIC}/metadata/eval/public.tsv",
            692,
            durations=f"{_PUBLIC}/metadata/eval/public_durations.tsv",
        ),
        _audioset("train", "train", 103_463),
        _audioset("eval", "val", 16_996),
        _own("train", "strong", "train"),
        _own("weak", "weak", "train"),
        _own("unlabeled", "unlabeled", "train"),
        _own("val", "strong", "val"),
        _own("test", "strong", "test"),
    )
}

SCORE_FILE: dict[str, str] = {name: subset.score_file for name, subset in SUBSETS.items()}

TRAIN_SUBSETS: tuple[str, ...] = tuple(n for n, s in SUBSETS.items() if s.split == "train" and s.family != "audioset")
VAL_SUBSETS: tuple[str, ...] = tuple(n for n, s in SUBSETS.items() if s.split == "val" and s.family != "audioset")
TEST_SUBSETS: tuple[str, ...] = tuple(n for n, s in SUBSETS.items() if s.split == "test")
#: One's own recordings.
OWN_SUBSETS: tuple[str, ...] = tuple(n for n, s in SUBSETS.items() if s.family == "own")


def layout(subset: str) -> Subset:
    """Return the layout of a subset by name; raises SedlabError with the nearest name for an unknown one."""
    if subset not in SUBSETS:
        raise SedlabError(f"unknown subset {subset!r}.{nearest(subset, SUBSETS)} Known: {', '.join(SUBSETS)}.")
    return SUBSETS[subset]


def family(subset: str) -> str:
    """Return the corpus a subset belongs to: "desed", "maestro", "audioset" or "own"."""
    return layout(subset).family
