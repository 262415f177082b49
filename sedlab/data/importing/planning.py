"""Everything an import decides before it touches a recording: classes, splits, and what becomes clips of what."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedlab.data.audio_file import read_header
from sedlab.data.corpora.layout import OWN_FOLDER
from sedlab.data.formats.recordings import InputRecording, find_recordings
from sedlab.data.importing.classes import choose_classes, rename
from sedlab.data.importing.cutting import ToCut
from sedlab.data.importing.label_files import read_labels
from sedlab.data.importing.matching import match, plain_name
from sedlab.data.importing.record import ImportOptions
from sedlab.data.importing.splits import split_recordings
from sedlab.data.importing.windows import SHORTEST_PIECE, Event
from sedlab.errors import SedlabError, SedlabWarning, count_of
from sedlab.grid import CLIP_SECONDS

#: A labelled recording as a whole must fit into a clip; what is longer by no more than this is cut (seconds).
_SLACK = 0.5
_LONGEST_NAME = 200


@dataclass(frozen=True)
class ImportPlan:
    """What an import will make."""

    classes: tuple[str, ...]
    to_cut: tuple[ToCut, ...]
    events: Mapping[str, tuple[Event, ...]]
    """Of each recording with strong labels, sorted."""
    weak: Mapping[str, tuple[str, ...]]
    """Labels of each recording that is labelled as a whole."""
    notes: tuple[str, ...]
    """What the user should know: formats, splits, unmatched names, what was left out."""


def plan_import(options: ImportOptions, root: Path, splits_before: Mapping[str, str]) -> ImportPlan:
    """Read the labels, look for their recordings, and decide; raises SedlabError for what cannot be imported."""
    notes: list[str] = []
    recordings = _recordings(options.folder, root)
    annotations = read_labels(options)
    notes += _formats(annotations)
    matched = match(annotations, recordings)
    notes += _unmatched("label name has no recording", "label names have no recording", matched.names_without_recording)
    notes += _unmatched("recording has no labels", "recordings have no labels", matched.recordings_without_labels)
    strong, weak = matched.strong, matched.weak
    labels = rename(pd.concat([strong["label"], weak["label"]], ignore_index=True), options.rename)
    strong = strong.assign(label=labels[: len(strong)].to_numpy())
    weak = weak.assign(label=labels[len(strong) :].to_numpy())
    chosen = choose_classes(labels, options)
    notes += chosen.notes
    if chosen.left_out:
        notes.append("left out: " + ", ".join(f"{label} ({n})" for label, n in chosen.left_out.items()))
    # Without their label, events say that their recording was listened to.
    strong, weak = (t.assign(label=t["label"].where(t["label"].isin(chosen.classes), "")) for t in (strong, weak))
    splits, told = split_recordings(strong, options, splits_before) if len(strong) else ({}, "")
    notes += [f"split {told}"] if told else ["no events with times: there is nothing to validate or to test on."]
    by_name = {recording.filename: recording for recording in recordings}
    events = _joined(strong)
    to_cut = [
        _to_cut(f"{OWN_FOLDER}_{splits[name]}", by_name[name], options, events[name], _until(events[name], options))
        for name in events
        if _until(events[name], options) > SHORTEST_PIECE  # else nothing of it was annotated
    ]
    whole, too_long = _weak_recordings(weak, by_name, splits_column=options.split_column is not None)
    if too_long and not whole and not events:
        raise SedlabError(
            f"{count_of(len(too_long), 'recording')} with labels but without times, all longer than a clip of "
            f"{CLIP_SECONDS:g} s: no clip can be made. Name the columns with times (--column onset=NAME, --column "
            "offset=NAME), or cut the recordings."
        )
    notes += _unmatched(
        "recording is longer than a clip, so its label says nothing about a part of it; left out",
        "recordings are longer than a clip, so their labels say nothing about a part of them; left out",
        too_long,
    )
    to_cut += [_to_cut(f"{OWN_FOLDER}_weak", by_name[name], options) for name in whole]
    to_cut += _unlabeled(options, root, used={by_name[name].path for name in (*events, *whole)})
    _refuse_equal_names(to_cut)
    return ImportPlan(chosen.classes, tuple(to_cut), events, whole, tuple(notes))


def _recordings(folder: Path, root: Path) -> list[InputRecording]:
    """Return the recordings in a folder, but for clips of ours; of other files only those are told that hold sound."""
    if not folder.is_dir():
        raise SedlabError(f"{folder}: no such folder. Give the one with the recordings.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SedlabWarning)
        found = find_recordings([folder])
    for warning in caught:
        if "ffmpeg" in str(warning.message) or "cannot be opened" in str(warning.message):
            warnings.warn(str(warning.message), SedlabWarning, stacklevel=2)
    own = (root / OWN_FOLDER).resolve()
    return [recording for recording in found if not recording.path.resolve().is_relative_to(own)]


def _formats(annotations: Iterable) -> list[str]:
    """Return in words which files were read as what, alike ones together."""
    groups: dict[tuple[str, str], list] = {}
    for annotation in annotations:
        groups.setdefault((annotation.format, annotation.told), []).append(annotation)
    names = {"audacity": "label track of Audacity", "raven": "selection table of Raven", "table": "table of events",
             "weak": "table of labels without times"}  # fmt: skip
    plural = {"audacity": "label tracks of Audacity", "raven": "selection tables of Raven", "table": "tables of events",
              "weak": "tables of labels without times"}  # fmt: skip
    return [
        f"{count_of(len(members), names[kind], plural[kind])}{f' ({told})' if told else ''}"
        for (kind, told), members in groups.items()
    ]


def _unmatched(one: str, many: str, names: Iterable[str]) -> list[str]:
    names = list(names)
    if not names:
        return []
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return [f"{count_of(len(names), one, many)}: {shown}"]


def _until(events: Sequence[Event], options: ImportOptions) -> float:
    if options.annotated_until is None:
        return float("inf")
    if options.annotated_until != "last":
        return options.annotated_until
    return max((offset for _, offset, _ in events), default=0.0)


def _joined(rows: pd.DataFrame) -> dict[str, tuple[Event, ...]]:
    """Return the events of each recording, sorted; those of one class that overlap or touch as one."""
    found: dict[str, list[Event]] = {name: [] for name in sorted(rows["recording"].unique())}
    events = rows[rows["label"] != ""].sort_values(["recording", "label", "onset"])
    for name, onset, offset, label in events[["recording", "onset", "offset", "label"]].itertuples(index=False):
        before = found[name][-1] if found[name] else (0.0, -1.0, "")
        if before[2] == label and onset <= before[1]:
            found[name][-1] = (before[0], max(before[1], offset), label)
        else:
            found[name].append((onset, offset, label))
    return {name: tuple(sorted(events)) for name, events in found.items()}


def _to_cut(
    subset: str,
    recording: InputRecording,
    options: ImportOptions,
    events: tuple[Event, ...] = (),
    until: float = float("inf"),
) -> ToCut:
    hop = options.hop if subset == f"{OWN_FOLDER}_train" else CLIP_SECONDS
    return ToCut(subset, recording.filename, recording.path, clip_stem(recording.filename), events, hop, until)


def clip_stem(filename: str) -> str:
    """Return what the clips of a recording are called: its path without suffix, two underscores for each slash."""
    stem = plain_name(filename).replace("/", "__")
    if len(stem.encode()) <= _LONGEST_NAME:
        return stem
    import hashlib

    digest = hashlib.sha256(stem.encode()).hexdigest()[:12]
    return stem.encode()[-(_LONGEST_NAME - 13) :].decode(errors="ignore") + "_" + digest


def _weak_recordings(
    rows: pd.DataFrame, by_name: Mapping[str, InputRecording], *, splits_column: bool
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return {recording: labels} of those that are no longer than a clip, and the others."""
    found: dict[str, tuple[str, ...]] = {}
    too_long = []
    for name, of_one in rows.groupby("recording"):
        if splits_column and not of_one["split"].str.lower().isin(("", "train", "training")).all():
            continue  # there are measures of events only
        if read_header(by_name[name].path).duration > CLIP_SECONDS + _SLACK:
            too_long.append(name)
        else:
            found[name] = tuple(sorted(set(of_one["label"]) - {""}))
    return found, too_long


def _unlabeled(options: ImportOptions, root: Path, *, used: set[Path]) -> list[ToCut]:
    used = {path.resolve() for path in used}
    found: dict[str, ToCut] = {}
    for folder in options.unlabeled:
        for recording in _recordings(folder, root):
            if recording.path.resolve() not in used:
                used.add(recording.path.resolve())
                cut = _to_cut(f"{OWN_FOLDER}_unlabeled", recording, options)
                found[str(recording.path)] = cut
    return list(found.values())


def _refuse_equal_names(to_cut: Iterable[ToCut]) -> None:
    seen: dict[tuple[str, str], ToCut] = {}
    for recording in to_cut:
        other = seen.setdefault((recording.subset, recording.name), recording)
        if other is not recording:
            raise SedlabError(
                f"{recording.source}: its clips would be called like those of {other.source}. Rename one of them."
            )
