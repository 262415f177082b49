"""Labels row by row: classes, times, confidences, repetitions, and whether events lie in their clip."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pandas as pd

from sedlab.data.checking.findings import ERROR, NOTE, WARNING, Findings
from sedlab.data.checking.sets import CheckedSet
from sedlab.data.corpora.reading import meant_classes
from sedlab.errors import nearest, short
from sedlab.grid import CLIP_SECONDS

#: Seconds by which offsets of published tables lie beyond the end of a clip as it is on disk: rounding, and codecs.
BEYOND = 0.25
#: An event so many seconds longer than its clip, or than 10 s, has other units or another clip.
LONGER = 1.0
#: MAESTRO's annotation has a row a second.
SOFT_SECONDS = 1.0
_ROUNDING = 1e-6
_CORRECT = "Correct these lines of the table."


def check_labels(each: CheckedSet, classes: Collection[str], seconds: Mapping[str, float], findings: Findings) -> None:
    """Report what is wrong with the labels of a set.

    Parameters
    ----------
    classes : collection of str
        The label space of its corpus.
    seconds : mapping of clip id to float
        Durations of the clips as they are on disk.
    """
    if each.rows.empty:
        return
    if each.subset.label_kind == "weak":
        _check_weak(each, classes, findings)
        return
    rows = each.rows
    unnamed = rows[rows["clip_id"] == ""]
    _add(findings, ERROR, each, "no file name", "rows without a file name", _CORRECT, unnamed, _lines)
    labelled = rows[rows["event_label"] != ""]
    _check_classes(each, labelled["event_label"], classes, findings)
    stray = rows[(rows["event_label"] == "") & ((rows["onset"] != "") | (rows["offset"] != ""))]
    said = "rows with times but without a label"
    _add(findings, ERROR, each, "no label", said, _CORRECT, stray, _lines)
    timed = _with_times(each, labelled, findings)
    if each.subset.label_kind == "soft":
        _check_confidence(each, labelled, findings)
    timed = timed.assign(seconds=timed["clip_id"].map(seconds))
    _check_places(each, timed, findings)
    _check_repeated(each, timed, findings)
    if each.subset.family == "audioset":
        return  # its reader joins what overlaps or touches, as pre-training always has
    _check_overlaps(each, timed, findings)


def _check_weak(each: CheckedSet, classes: Collection[str], findings: Findings) -> None:
    rows = each.rows
    twice = rows[rows.duplicated("clip_id")]
    said = "rows of a clip that an earlier row names: it is trained on once more"
    _add(findings, WARNING, each, "repeated rows", said, "Keep one row a clip.", twice, _lines)
    empty = rows[rows["event_labels"].str.strip(", ") == ""]
    said = "clips without a label: trained on as clips in which no class sounds"
    _add(findings, WARNING, each, "no label", said, "Label them, or take them out.", empty, _lines)
    labels = rows["event_labels"].str.split(",").explode().str.strip()
    _check_classes(each, labels[labels != ""], classes, findings)


def _check_classes(each: CheckedSet, labels: pd.Series, classes: Collection[str], findings: Findings) -> None:
    unknown = labels[~labels.isin(classes)]
    spelt = meant_classes(unknown.unique(), classes)
    for label, name in spelt.items():
        said = f"label {short(label)} is read as {name}"
        places = unknown.index[unknown == label]
        findings.add(NOTE, each.name, "spelling", said, "Nothing to do.", examples=[each.line(row) for row in places])
    unknown = unknown[~unknown.isin(spelt.keys())]
    for label, places in unknown.groupby(unknown):
        said = f"label {short(label)} is none of the {len(classes)} classes.{nearest(label, classes)}"
        examples = [each.line(row) for row in places.index]
        findings.add(ERROR, each.name, "unknown class", said, "Correct the label, or take it out.", examples=examples)


def _with_times(each: CheckedSet, labelled: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Return the rows whose times are those of an event; report the others."""
    onset, offset = labelled["onset_s"], labelled["offset_s"]
    untimed = onset.isna() | offset.isna()
    said = "labels whose onset or offset is missing or no number"
    _add(findings, ERROR, each, "no times", said, _CORRECT, labelled[untimed], _lines)
    negative = onset < 0
    said = "events that begin before 0"
    _add(findings, ERROR, each, "negative onset", said, _CORRECT, labelled[negative], _events)
    backwards = offset < onset
    said = "events that end before they begin"
    _add(findings, ERROR, each, "negative length", said, _CORRECT, labelled[backwards], _events)
    zero = offset == onset
    said = "events of no length: they are not trained on"
    _add(findings, WARNING, each, "zero length", said, _CORRECT, labelled[zero], _events)
    return labelled[~(untimed | negative | backwards | zero)]


def _check_confidence(each: CheckedSet, labelled: pd.DataFrame, findings: Findings) -> None:
    missing = labelled[labelled["confidence_s"].isna()]
    said = "soft labels without a confidence"
    _add(findings, ERROR, each, "no confidence", said, _CORRECT, missing, _lines)
    outside = labelled[~labelled["confidence_s"].between(0, 1) & labelled["confidence_s"].notna()]
    said = "confidences outside 0 to 1"
    examples = [f"{each.line(row.Index)} ({row.confidence_s:g})" for row in outside.itertuples()]
    findings.add(ERROR, each.name, "confidence", said, _CORRECT, examples=examples)


def _check_places(each: CheckedSet, timed: pd.DataFrame, findings: Findings) -> None:
    """Report events that lie outside their clip, or are longer than a clip can hold."""
    length = timed["offset_s"] - timed["onset_s"]
    outside = timed["onset_s"] >= timed["seconds"]
    said = "events that begin after the end of their clip: silence is trained on as the sound"
    if each.subset.label_kind == "soft":
        said += " (tables made before April 2024 have times of the recording)"
    remedy = "Get these clips again, or take these rows out."
    if each.subset.family == "maestro":
        remedy = "Make windows and table again: sedlab data maestro prepare"
    _add(findings, ERROR, each, "outside", said, remedy, timed[outside], _events)
    # Of clips that are not there nobody knows the length; none is longer than a recording of ten seconds.
    clip = timed["seconds"].fillna(CLIP_SECONDS).clip(lower=CLIP_SECONDS)
    longest = SOFT_SECONDS + _ROUNDING if each.subset.label_kind == "soft" else clip + LONGER
    long = (length > longest) & ~outside
    said = "labels longer than a second" if each.subset.label_kind == "soft" else "events longer than their clip"
    remedy = "Check the unit of the times (seconds) and the clip."
    _add(findings, WARNING, each, "too long", said, remedy, timed[long], _events)
    over = timed["offset_s"] - timed["seconds"]
    said = "events that end after their clip; what is beyond its end is not trained on"
    beyond = timed[(over > BEYOND) & ~outside & ~long]
    _add(findings, WARNING, each, "beyond the end", said, _CORRECT, beyond, _events)


def _check_repeated(each: CheckedSet, timed: pd.DataFrame, findings: Findings) -> None:
    again = timed[timed.duplicated(_event_columns(timed))]
    said = "rows that repeat an earlier one"
    _add(findings, WARNING, each, "repeated rows", said, "Delete them.", again, _lines)


def _check_overlaps(each: CheckedSet, timed: pd.DataFrame, findings: Findings) -> None:
    """Report events of one class in one clip that overlap or (of strong labels) touch."""
    once = timed.drop_duplicates(_event_columns(timed))
    keys = ["clip_id", "event_label"]
    order = once.sort_values([*keys, "onset_s", "offset_s"], kind="stable")
    reach = order.groupby(keys, sort=False)["offset_s"].cummax()
    same = (order[keys] == order[keys].shift()).all(axis=1)
    gap = (order["onset_s"] - reach.shift()).where(same)
    overlapping = order[gap < -_ROUNDING].sort_index()
    # What is trained on is the same; measures of events count each.
    severity = NOTE if each.subset.split == "train" and each.subset.label_kind == "strong" else WARNING
    said = "events that overlap an earlier one of their class"
    if each.subset.label_kind == "soft":
        said = "soft labels of one class and second that differ: the later row wins"
    remedy = "Join them, or correct their times; sedlab joins them when it scores."
    if each.subset.label_kind == "soft":
        remedy = "Keep one row a class and second."
    _add(findings, severity, each, "overlapping", said, remedy, overlapping, _events)
    if each.subset.label_kind == "soft":
        return
    touching = order[gap.abs() <= _ROUNDING].sort_index()
    said = "events that begin where an earlier one of their class ends: one event for training, two for some measures"
    _add(findings, NOTE, each, "touching", said, "Join them if they are one.", touching, _events)


def _event_columns(timed: pd.DataFrame) -> list[str]:
    return ["clip_id", "event_label", *(f"{name}_s" for name in ("onset", "offset", "confidence") if name in timed)]


def _add(
    findings: Findings,
    severity: str,
    each: CheckedSet,
    kind: str,
    said: str,
    remedy: str,
    rows: pd.DataFrame,
    described: Callable[[CheckedSet, pd.DataFrame], list[str]],
) -> None:
    """Add a finding about rows of a table, its clips those of the rows."""
    findings.add(severity, each.name, kind, said, remedy, examples=described(each, rows), clips=rows["clip_id"])


def _lines(each: CheckedSet, rows: pd.DataFrame) -> list[str]:
    return [each.line(row) for row in rows.index]


def _events(each: CheckedSet, rows: pd.DataFrame) -> list[str]:
    told = zip(rows.index, rows["event_label"], rows["onset"], rows["offset"], strict=True)
    return [f"{each.line(row)} ({label} {onset}-{offset})" for row, label, onset, offset in told]
