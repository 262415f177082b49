"""Where the files of each subset lie under the data root, and what kind of annotation they carry.

The folders are those the published systems expect, so that a data set prepared for them can be used as it is.
Paths are relative to the data root. A folder ending in ``_16k`` may be absent if its original-rate twin without the
suffix is there: the waveform cache resamples.

Source: DCASE 2024 Task 4 baseline recipe (DESED_task) and the published system's code, arXiv 2408.00791.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sedlab.errors import SedlabError, nearest

#: The groups that detectors learn from.
DETECTION_GROUPS: tuple[str, ...] = ("maestro", "strong", "synth", "weak", "unlabeled")
#: All groups, in their order inside a training batch.
GROUPS: tuple[str, ...] = (*DETECTION_GROUPS, "audioset")

EXCLUDE_FOLDER = "metadata/exclude"
MAESTRO_DURATIONS = "metadata/maestro_real_durations.tsv"
CACHE_FOLDER = "cache"


@dataclass(frozen=True, kw_only=True)
class Subset:
    """One set of clips: its role, its files, and how large the published one is."""

    name: str
    group: str
    """Where its clips go in a training batch, one of `GROUPS`."""
    split: str
    """train, val or test."""
    label_kind: str
    """strong (onset, offset), weak (clip-level), soft (strong with confidences) or none."""
    family: str
    """The corpus whose classes its annotation can speak about: desed, maestro or audioset."""
    audio: str
    """Folder of the clips."""
    table: str | None
    """Annotation table; None: every file in the folder is a clip."""
    score_file: str
    """Stem of the score and pseudo-label file that covers it, as published."""
    durations: str | None = None
    """Table (filename, duration) where the published set brings or generates one."""
    audio_alternatives: tuple[str, ...] = ()
    """Other folders the audio may be in."""
    exclude: str | None = None
    """List of training clips to leave out because another set holds them too."""
    published_count: int | None = None
    """Clips in the published set, before exclusions."""

    def audio_folder(self, root: Path) -> Path | None:
        """Return the first existing folder that may hold this subset's audio, or None."""
        candidates = [self.audio, *self.audio_alternatives]
        candidates += [folder.removesuffix("_16k") for folder in candidates]
        return next((root / folder for folder in dict.fromkeys(candidates) if (root / folder).is_dir()), None)


def _desed(name: str, group: str, split: str, label_kind: str, audio: str, table: str | None, **rest) -> Subset:
    rest.setdefault("score_file", name)
    return Subset(
        name=name, group=group, split=split, label_kind=label_kind, family="desed", audio=audio, table=table, **rest
    )


def _maestro(name: str, split: str, part: str, score_file: str, count: int) -> Subset:
    return Subset(
        name=name,
        group="maestro",
        split=split,
        label_kind="soft",
        family="maestro",
        audio=f"audio/maestro_real_{part}_16k",
        table=f"metadata/maestro_real_{part}.tsv",
        score_file=score_file,
        published_count=count,
    )


def _audioset(part: str, split: str, count: int) -> Subset:
    return Subset(
        name=f"audioset_{part}",
        group="audioset",
        split=split,
        label_kind="strong",
        family="audioset",
        audio=f"audioset_strong/audio/{part}",
        table=f"audioset_strong/metadata/audioset_{part}_strong.tsv",
        score_file=f"audioset_{part}",
        published_count=count,
    )


_SYNTH = "synthetic21"
_EXTERNAL = "metadata/external_strong/external_audioset_strong"
_PUBLIC = "eval/desed_public_eval"
_WEAK = {"audio": "audio/train/weak_16k", "table": "metadata/train/weak.tsv", "score_file": "weak_train"}

SUBSETS: dict[str, Subset] = {
    subset.name: subset
    for subset in (
        _desed(
            "synth_train",
            "synth",
            "train",
            "strong",
            f"dcase_synth/audio/train/{_SYNTH}_train/soundscapes_16k",
            f"dcase_synth/metadata/train/{_SYNTH}_train/soundscapes.tsv",
            published_count=10_000,
        ),
        _desed(
            "strong_train",
            "strong",
            "train",
            "strong",
            "audio/train/strong_label_real_16k",
            "metadata/train/audioset_strong.tsv",
            exclude=f"{EXCLUDE_FOLDER}/audioset_strong_exclude.tsv",
            published_count=3_470,
        ),
        _desed(
            "external_strong_train",
            "strong",
            "train",
            "strong",
            "audio/external_strong_16k",
            f"{_EXTERNAL}_train.tsv",
        ),
        _desed(
            "weak_train",
            "weak",
            "train",
            "weak",
            exclude=f"{EXCLUDE_FOLDER}/weak_exclude.tsv",
            published_count=1_420,
            **_WEAK,
        ),
        _desed(
            "unlabeled_train",
            "unlabeled",
            "train",
            "none",
            "audio/train/unlabel_in_domain_16k",
            None,
            exclude=f"{EXCLUDE_FOLDER}/unlabeled_exclude.tsv",
            published_count=14_412,
        ),
        _maestro("maestro_train", "train", "train", "maestro_real_train", 6_426),
        _desed(
            "synth_val",
            "synth",
            "val",
            "strong",
            f"audio/validation/{_SYNTH}_validation/soundscapes_16k",
            f"dcase_synth/metadata/validation/{_SYNTH}_validation/soundscapes.tsv",
            durations=f"dcase_synth/metadata/validation/{_SYNTH}_validation/durations.tsv",
            # The baseline's preparation links this folder to the one above.
            audio_alternatives=(f"dcase_synth/audio/validation/{_SYNTH}_validation/soundscapes_16k",),
            published_count=2_500,
        ),
        _desed(
            "external_strong_eval",
            "strong",
            "val",
            "strong",
            "audio/external_strong_16k",
            f"{_EXTERNAL}_eval.tsv",
            durations=f"{_EXTERNAL}_dur.tsv",
        ),
        _desed("weak_val", "weak", "val", "weak", published_count=158, **_WEAK),
        _maestro("maestro_val", "val", "train", "maestro_real_train", 1_077),
        _desed(
            "devtest",
            "strong",
            "test",
            "strong",
            "audio/validation/validation_16k",
            "metadata/validation/validation.tsv",
            durations="metadata/validation/validation_durations.tsv",
            published_count=1_168,
        ),
        _maestro("maestro_dev", "test", "validation", "maestro_real_dev", 3_474),
        _desed(
            "eval_public",
            "strong",
            "test",
            "strong",
            f"{_PUBLIC}/audio/eval/public_16k",
            f"{_PUBLIC}/metadata/eval/public.tsv",
            durations=f"{_PUBLIC}/metadata/eval/public_durations.tsv",
            published_count=692,
        ),
        _audioset("train", "train", 103_463),
        _audioset("eval", "val", 16_996),
    )
}

SCORE_FILE: dict[str, str] = {name: subset.score_file for name, subset in SUBSETS.items()}

TRAIN_SUBSETS: tuple[str, ...] = tuple(n for n, s in SUBSETS.items() if s.split == "train" and s.family != "audioset")
VAL_SUBSETS: tuple[str, ...] = tuple(n for n, s in SUBSETS.items() if s.split == "val" and s.family != "audioset")
TEST_SUBSETS: tuple[str, ...] = tuple(n for n, s in SUBSETS.items() if s.split == "test")


def layout(subset: str) -> Subset:
    """Return the layout of a subset by name; raises SedlabError with the nearest name for an unknown one."""
    if subset not in SUBSETS:
        raise SedlabError(f"unknown subset {subset!r}.{nearest(subset, SUBSETS)} Known: {', '.join(SUBSETS)}.")
    return SUBSETS[subset]


def family(subset: str) -> str:
    """Return the corpus a subset belongs to: "desed", "maestro" or "audioset"."""
    return layout(subset).family
