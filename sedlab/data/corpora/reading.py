"""Turn rows of annotation files into clip and event tables: what the readers of all corpora share."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import pandas as pd

from sedlab.data.audio_file import read_header
from sedlab.data.corpora.layout import Subset
from sedlab.data.corpora.video_names import video_span
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.suffixes import AUDIO_SUFFIXES, is_audio_name
from sedlab.data.formats.text import is_table
from sedlab.data.tables import CLIP_COLUMNS, EVENT_COLUMNS
from sedlab.data.tsv import line_number, read_tsv
from sedlab.errors import SedlabError, count_of, nearest, short, warn_once

_SUFFIX_PATTERN = rf"(?i)({'|'.join(suffix.replace('.', r'[.]') for suffix in AUDIO_SUFFIXES)})$"

#: Folders before a file's name; not the \\xe9 that stands for a byte which is no UTF-8.
_FOLDERS = r"^.*(?:/|\\(?!x[89a-f][0-9a-f]))"


def stem(filenames: pd.Series) -> pd.Series:
    """Return file names without folder (also of Windows) and audio extension; dots elsewhere in the name stay."""
    return filenames.str.replace(_FOLDERS, "", regex=True).str.replace(_SUFFIX_PATTERN, "", regex=True)


def clip_keys(clip_ids: pd.Series) -> pd.Series:
    """Return what is the same for names of the same clip: of a part of a video, with or without Y and decimals."""
    return clip_ids.map(lambda clip_id: video_span(clip_id) or clip_id)


def annotation_table(
    root: Path, subset: Subset, columns: Sequence[str], *, numbers: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the subset's annotation table with a column clip_id; raises SedlabError if it lists no clips."""
    path = root / subset.table
    table = read_tsv(path, columns, numbers=numbers, any_bytes=True)
    table[columns[0]] = table[columns[0]].map(readable_name)
    if table.empty:
        raise SedlabError(f"{path}: lists no clips. Fill it, or remove it to do without {subset.name}.")
    table["clip_id"] = stem(table[columns[0]])
    _refuse(table["clip_id"] == "", path, "no file name. Name the clip of every row.")
    labels = table[next(name for name in columns if "label" in name)]
    stray = (labels == "") & table[list(numbers)].notna().any(axis=1)
    _refuse(stray, path, "times without a label. Complete the row, or leave only the file name.")
    return table


def clip_table(subset: Subset, clip_ids: pd.Series, **known: pd.Series | float) -> pd.DataFrame:
    """Return the clip table of a subset, ``audio`` still empty: see ``clips_with_audio``.

    ``known`` are other columns than the subset says: duration, recording, recording_onset.
    """
    role = {"group": subset.group, "split": subset.split, "label_kind": subset.label_kind}
    unknown = {"audio": "", "duration": float("nan"), "recording": "", "recording_onset": 0.0}
    table = pd.DataFrame({"subset": subset.name, "clip_id": clip_ids, **role, **unknown, **known})
    return table[list(CLIP_COLUMNS)].reset_index(drop=True).astype({"duration": float, "recording_onset": float})


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
    if clips.empty:
        return clips
    folder = subset.audio_folder(root)
    if folder is None:
        raise SedlabError(f"{root / subset.audio}: no such folder; {subset.name} keeps its audio there.")
    names = audio_names(folder)
    stems = stored_stems(clips["clip_id"] if files is None else files, names)
    found = stems.isin(names.keys())
    if not found.any():
        raise SedlabError(
            f"{folder}: found the audio of 0 of {len(clips)} clips of {subset.name} "
            f"(first missing: {stems.iloc[0]}). Download or prepare the audio, or remove the folder to do without it."
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


def stored_stems(stems: pd.Series, names: Collection[str]) -> pd.Series:
    """Return under which of ``names`` each clip is stored: its own, or another spelling of the same part of a video."""
    missing = ~stems.isin(names)
    if not missing.any():
        return stems
    spelt = {span: name for name in names if (span := video_span(name))}
    return stems.where(~missing, clip_keys(stems[missing]).map(spelt).reindex(stems.index)).fillna(stems)


def audio_names(folder: Path) -> dict[str, str]:
    """Return file name by stem of the sound files in ``folder``; WAV is preferred where a stem occurs twice.

    A link to what is not there is no sound file.
    """
    names: dict[str, str] = {}
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = readable_name(entry.name)
            base, suffix = os.path.splitext(name)  # noqa: PTH122 (a Path for each of 100,000 entries is slow)
            if entry.is_symlink() and not os.path.exists(entry):  # noqa: PTH110 (as above)
                continue
            if is_audio_name(name) and (base not in names or suffix.lower() == ".wav"):
                names[base] = name
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
        For a row with a label but without onset or offset, or with an offset before its onset.
    """
    incomplete = rows["onset"].isna() | rows["offset"].isna()
    _refuse(incomplete, path, "a label without onset or offset. Complete the row, or empty its label.")
    backwards = (rows["onset"] < 0) | (rows["offset"] < rows["onset"])
    _refuse(backwards, path, "an event that ends before it begins or begins before 0. Times are seconds from 0.")
    events = rows.assign(subset=subset.name, label=labels, confidence=confidence)[list(EVENT_COLUMNS)]
    return add_aliases(events.astype({"onset": float, "offset": float, "confidence": float}), aliases)


def add_aliases(events: pd.DataFrame, aliases: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Return ``events`` followed by one block per (label, alias): the rows of that label, renamed."""
    blocks = [events[events["label"] == label].assign(label=alias) for label, alias in aliases]
    return pd.concat([events, *blocks], ignore_index=True)


def check_labels(labels: pd.Series, classes: Sequence[str], path: Path, *, header: bool = True) -> None:
    """Raise SedlabError with line and nearest name if ``labels``, indexed by table row, holds an unknown class."""
    unknown = ~labels.isin(classes)
    if unknown.any():
        label, line = labels[unknown].iloc[0], line_number(labels.index[unknown][0], header)
        raise SedlabError(
            f"{path}, line {line}: unknown class {short(label)}.{nearest(label, classes) or ' Correct it.'}"
        )


def known_labels(labels: pd.Series, classes: Sequence[str], path: Path, *, header: bool = True) -> pd.Series:
    """Return ``labels``, indexed by table row, as ``classes`` has them; errors are those of `check_labels`.

    A label in other case, or with other blanks, is the class of which alone it can be the name; a note says so.
    """
    others = labels[~labels.isin(classes)].unique()
    if len(others):
        if meant := meant_classes(others, classes):
            told = ", ".join(f"{short(label)} is {name}" for label, name in sorted(meant.items())[:3])
            more = ", ..." if len(meant) > 3 else ""
            warn_once(f"{path}: {count_of(len(meant), 'label')} in another spelling: {told}{more}.")
            labels = labels.map(lambda label: meant.get(label, label))
        check_labels(labels, classes, path, header=header)
    return labels


def meant_classes(labels: Iterable[str], classes: Iterable[str]) -> dict[str, str]:
    """Return the class of which alone each label can be another spelling, for those of which there is one."""
    named: dict[str, list[str]] = {}
    for name in classes:
        named.setdefault(_plain(name), []).append(name)
    return {label: named[_plain(label)][0] for label in labels if len(named.get(_plain(label), ())) == 1}


def _plain(label: str) -> str:
    return re.sub(r"[\s_-]+", " ", label.strip()).lower()


def without_excluded(clips: pd.DataFrame, root: Path, subset: Subset) -> pd.DataFrame:
    """Return the clips that the subset's exclusion list, if there is one, does not name."""
    if subset.exclude is None or not is_table(root / subset.exclude):
        return clips
    listed = read_tsv(root / subset.exclude, ("filename",), any_bytes=True)["filename"].map(readable_name)
    return clips[~clip_keys(clips["clip_id"]).isin(set(clip_keys(stem(listed))))].reset_index(drop=True)


def _refuse(wrong: pd.Series, path: Path, what: str) -> None:
    """Raise SedlabError that names the line of the first row of a table for which ``wrong`` is true."""
    if wrong.any():
        raise SedlabError(f"{path}, line {line_number(wrong.idxmax())}: {what}")
