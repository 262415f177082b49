"""A corpus is two tables: one row a clip, one row an event. Everything after preparation sees only these."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sedlab.data.audio_file import AUDIO_SUFFIXES, read_header
from sedlab.data.layout import Subset, layout
from sedlab.data.tsv import line_number, read_tsv
from sedlab.errors import SedlabError, nearest

CLIP_COLUMNS: tuple[str, ...] = (
    "subset",
    "clip_id",
    "audio",
    "duration",
    "group",
    "split",
    "label_kind",
    "recording",
    "recording_onset",
)
EVENT_COLUMNS: tuple[str, ...] = ("subset", "clip_id", "onset", "offset", "label", "confidence")

_SUFFIX_PATTERN = rf"(?i)({'|'.join(suffix.replace('.', r'[.]') for suffix in AUDIO_SUFFIXES)})$"


@dataclass(frozen=True)
class Corpus:
    """Clips and events of some subsets.

    Parameters
    ----------
    clips : DataFrame
        `CLIP_COLUMNS`: subset, clip_id (file name without extension, unique in its subset), audio (path relative to root),
        duration (s), group, split, label_kind, recording and recording_onset (s; MAESTRO windows, else "" and 0).
    events : DataFrame
        `EVENT_COLUMNS`: subset, clip_id, onset, offset (s from the clip's start; NaN for weak labels), label, confidence
        (1 unless soft). Row order matters: where two events of a class meet in one frame, the later row wins.
    root : Path
        Data root.
    aliased : bool
        Whether training events were duplicated under the other corpus's name for the same sound.
    """

    clips: pd.DataFrame
    events: pd.DataFrame
    root: Path
    aliased: bool = field(default=True, kw_only=True)

    @property
    def subsets(self) -> tuple[str, ...]:
        """Names of the subsets in it, in the order of their clips."""
        return tuple(self.clips["subset"].drop_duplicates())

    def subset(self, *names: str) -> Corpus:
        """Return the clips and events of the named subsets, in corpus order.

        Raises
        ------
        SedlabError
            For a name that is no subset or that this corpus does not hold.
        """
        for name in names:
            if name not in self.subsets:
                layout(name)
                raise SedlabError(
                    f"subset {name!r}: not in the corpus under {self.root}, which holds {', '.join(self.subsets)}."
                )
        return Corpus(
            clips=self.clips[self.clips["subset"].isin(names)].reset_index(drop=True),
            events=self.events[self.events["subset"].isin(names)].reset_index(drop=True),
            root=self.root,
            aliased=self.aliased,
        )

    def select(self, *, split: str | None = None, group: str | None = None) -> Corpus:
        """Return the subsets of a split (train, val, test), of a group, or of both; may be empty."""
        clips = self.clips
        if split is not None:
            clips = clips[clips["split"] == split]
        if group is not None:
            clips = clips[clips["group"] == group]
        return self.subset(*clips["subset"].drop_duplicates())

    def __len__(self) -> int:
        return len(self.clips)


def concatenate(corpora: Sequence[Corpus]) -> Corpus:
    """Return one corpus with the rows of all, in order; they must share their root."""
    first = corpora[0]
    return Corpus(
        clips=pd.concat([corpus.clips for corpus in corpora], ignore_index=True),
        events=pd.concat([corpus.events for corpus in corpora], ignore_index=True),
        root=first.root,
        aliased=first.aliased,
    )


# What the readers share ------------------------------------------------------------------------------------------------


def stem(filenames: pd.Series) -> pd.Series:
    """Return file names without folder and audio extension; dots elsewhere in the name stay."""
    return filenames.str.rsplit("/", n=1).str[-1].str.replace(_SUFFIX_PATTERN, "", regex=True)


def clip_table(
    subset: Subset,
    clip_ids: pd.Series,
    *,
    duration: pd.Series | float = float("nan"),
    recording: pd.Series | str = "",
    recording_onset: pd.Series | float = 0.0,
) -> pd.DataFrame:
    """Return the clip table of a subset, ``audio`` still empty: see ``clips_with_audio``."""
    return pd.DataFrame(
        {
            "subset": subset.name,
            "clip_id": clip_ids,
            "audio": "",
            "duration": duration,
            "group": subset.group,
            "split": subset.split,
            "label_kind": subset.label_kind,
            "recording": recording,
            "recording_onset": recording_onset,
        },
        columns=list(CLIP_COLUMNS),
    ).reset_index(drop=True)


def clips_with_audio(
    clips: pd.DataFrame, root: Path, subset: Subset, *, files: pd.Series | None = None
) -> pd.DataFrame:
    """Return the clips whose sound file exists, with their path and (where unknown) duration filled in.

    Parameters
    ----------
    files : Series or None
        File stem of each clip where it is not the clip id.

    Warns
    -----
    UserWarning
        When some clips have no sound file; real sets are seldom complete, and scores on fewer clips are not comparable.

    Raises
    ------
    SedlabError
        When none has, and for damaged sound files.
    """
    folder = subset.audio_folder(root)
    if folder is None:
        raise SedlabError(f"{root / subset.audio}: no such folder; {subset.name} keeps its audio there.")
    names = audio_names(folder)
    stems = clips["clip_id"] if files is None else files
    found = stems.isin(names.keys())
    if not found.any():
        raise SedlabError(
            f"{folder}: found the audio of 0 of {len(clips)} clips of {subset.name} "
            f"(first missing: {_first(stems)}). Download or prepare the audio, or remove the folder to do without it."
        )
    if not found.all():
        warnings.warn(
            f"{folder}: found the audio of {int(found.sum())} of {len(clips)} clips of {subset.name}; the others are "
            f"left out (first: {stems[~found].iloc[0]}).",
            stacklevel=2,
        )
    prefix = folder.relative_to(root).as_posix()
    clips = clips[found].copy()
    clips["audio"] = prefix + "/" + stems[found].map(names)
    clips = clips.reset_index(drop=True)
    unknown = clips["duration"].isna()
    if unknown.any():
        seconds = [read_header(root / audio).duration for audio in clips.loc[unknown, "audio"]]
        clips.loc[unknown, "duration"] = seconds
    return clips


def audio_names(folder: Path) -> dict[str, str]:
    """Return file name by stem of the sound files in ``folder``; WAV is preferred where a stem occurs twice."""
    names: dict[str, str] = {}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            base, suffix = os.path.splitext(entry.name)  # noqa: PTH122 (a Path for each of 100,000 entries is slow)
            if suffix.lower() in AUDIO_SUFFIXES and (base not in names or suffix.lower() == ".wav"):
                names[base] = entry.name
    return names


def event_table(
    subset: Subset,
    rows: pd.DataFrame,
    labels: pd.Series,
    *,
    path: Path,
    confidence: pd.Series | float = 1.0,
    aliases: Iterable[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Return the event table of ``rows`` (clip_id, onset, offset), with aliased rows appended, a block per alias.

    Raises
    ------
    SedlabError
        For a row with a label but without onset or offset.
    """
    incomplete = rows["onset"].isna() | rows["offset"].isna()
    if incomplete.any():
        line = line_number(incomplete.idxmax())
        raise SedlabError(
            f"{path}, line {line}: a label without onset or offset. Complete the row, or empty its label."
        )
    events = pd.DataFrame(
        {
            "subset": subset.name,
            "clip_id": rows["clip_id"],
            "onset": rows["onset"],
            "offset": rows["offset"],
            "label": labels,
            "confidence": confidence,
        },
        columns=list(EVENT_COLUMNS),
    )
    return add_aliases(events, aliases)


def add_aliases(events: pd.DataFrame, aliases: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Return ``events`` followed by one block per (label, alias): the rows of that label, renamed."""
    blocks = [events[events["label"] == label].assign(label=alias) for label, alias in aliases]
    return pd.concat([events, *blocks], ignore_index=True)


def check_labels(labels: pd.Series, classes: Sequence[str], path: Path, *, header: bool = True) -> None:
    """Raise SedlabError with line and nearest name if ``labels``, indexed by table row, holds an unknown class."""
    unknown = ~labels.isin(classes)
    if unknown.any():
        row = unknown.idxmax()
        raise SedlabError(
            f"{path}, line {line_number(row, header)}: unknown class {labels[row]!r}.{nearest(labels[row], classes)}"
        )


def without_excluded(clips: pd.DataFrame, root: Path, subset: Subset) -> pd.DataFrame:
    """Return the clips that the subset's exclusion list, if there is one, does not name."""
    if subset.exclude is None or not (root / subset.exclude).is_file():
        return clips
    excluded = stem(read_tsv(root / subset.exclude, ("filename",))["filename"])
    return clips[~clips["clip_id"].isin(excluded)].reset_index(drop=True)


def _first(names: pd.Series) -> str:
    return names.iloc[0] if len(names) else "none listed"
