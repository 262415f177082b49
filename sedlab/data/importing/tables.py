"""Tables with a header, tab- or comma-separated: one for all recordings or one for each, with columns of any name.

Columns are known by their names or by what the user says of them. One whose name ends in ms counts milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from sedlab.data.importing.annotation import Annotation, check_times, row_table, seconds
from sedlab.data.importing.audacity import lengthened_offset
from sedlab.errors import SedlabError, nearest, short

#: What columns are called, by what they hold, without units; the first that is there is taken. Compared as `_plain` has
#: them.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "filename": ("filename", "file", "audiofilename", "audiofile", "soundfile", "recording", "recordingid", "audio",
                 "clip", "clipname", "clipid", "fname", "path", "filepath", "audiopath", "wav", "wavfile", "beginfile",
                 "sound", "segmentid", "track", "itemid", "name"),
    "onset": ("onset", "eventonset", "onsettime", "start", "starttime", "eventstart", "begin", "begintime", "tstart",
              "tmin", "tbegin", "mint", "from"),
    "offset": ("offset", "eventoffset", "offsettime", "end", "endtime", "eventend", "stop", "stoptime", "tend", "tmax",
               "tstop", "maxt", "to"),
    "duration": ("duration", "eventduration", "dur"),
    "label": ("eventlabel", "eventlabels", "label", "labels", "class", "classes", "classlabel", "eventclass", "event",
              "events", "soundevent", "soundclass", "category", "species", "annotation", "annotations", "tag", "tags",
              "type", "calltype", "code"),
}  # fmt: skip
_UNIT = re.compile(r"(seconds|secs?|s|ms|milliseconds)$")
_WEAK_SEPARATOR = re.compile(r"[,;|]")


def columns_of(header: Sequence[str], chosen: Mapping[str, str], path: Path) -> dict[str, int]:
    """Return {what: place} of the columns that are known or chosen, of filename, onset, offset, duration, label, split.

    Raises SedlabError for a chosen column that is not there.
    """
    places: dict[str, int] = {}
    plain = [_plain(name) for name in header]
    for what, names in SYNONYMS.items():
        alike = [name if what in ("filename", "label") else _UNIT.sub("", name) for name in plain]
        known = next((name for name in names if name in alike), None)
        if what not in chosen and known is not None and alike.index(known) not in places.values():
            places[what] = alike.index(known)
    for what, name in chosen.items():
        lowered = [column.lower() for column in header]
        if name.lower() not in lowered:
            raise SedlabError(
                f"{path}: no column {name!r} for {what}; found {', '.join(map(short, header[:12]))}."
                f"{nearest(name, header) or ' Correct the name.'}"
            )
        places = {other: place for other, place in places.items() if place != lowered.index(name.lower())}
        places[what] = lowered.index(name.lower())
    return places


def is_strong(places: Mapping[str, int]) -> bool:
    """Return whether columns are those of events with times."""
    return {"onset", "label"} <= places.keys() and bool({"offset", "duration"} & places.keys())


def is_weak(places: Mapping[str, int]) -> bool:
    """Return whether columns are those of labels of whole recordings."""
    return {"filename", "label"} <= places.keys() and not {"onset", "offset"} & places.keys()


def read_strong(
    path: Path,
    rows: Sequence[tuple[int, list[str]]],
    places: Mapping[str, int],
    recording: str,
    *,
    min_length: float | None = None,
) -> Annotation:
    """Return the events of a table; ``recording`` is what those are of where no column names one.

    A row with a recording alone says that it was listened to and nothing is to be heard.

    Raises
    ------
    SedlabError
        For a row that lacks a time or a label, wrong times, and points without ``min_length``.
    """
    header = rows[0][1]
    found = []
    for line, fields in rows[1:]:
        row = _Row(header, fields, places)
        name, label, split = row["filename"] or recording, row["label"], row["split"]
        texts = [row[what] for what in ("onset", "offset", "duration")]
        if not label and not any(texts):
            found.append((name, float("nan"), float("nan"), "", split, line))
            continue
        if not label or not texts[0] or not any(texts[1:]):
            lacking = "label" if not label else "beginning" if not texts[0] else "end"
            raise SedlabError(f"{path}, line {line}: an event without {lacking}. Complete the row, or take it out.")
        onset = row.time("onset", path, line)
        offset = row.time("offset", path, line) if texts[1] else round(onset + row.time("duration", path, line), 6)
        check_times(path, line, onset, offset)
        offset, _ = lengthened_offset(path, line, onset, offset, min_length)
        found.append((name, onset, offset, label, split, line))
    return Annotation(path, "table", row_table(found), _told(header, places))


def read_weak(path: Path, rows: Sequence[tuple[int, list[str]]], places: Mapping[str, int]) -> Annotation:
    """Return the labels of whole recordings, one or several a row (separated by commas, semicolons or bars)."""
    header = rows[0][1]
    found = []
    for line, fields in rows[1:]:
        row = _Row(header, fields, places)
        labels = [label.strip() for label in _WEAK_SEPARATOR.split(row["label"])]
        for label in [label for label in labels if label] or [""]:
            found.append((row["filename"], float("nan"), float("nan"), label, row["split"], line))
    return Annotation(path, "weak", row_table(found), _told(header, places))


class _Row:
    """The fields of a row by what they hold; empty where there is no such column."""

    def __init__(self, header: Sequence[str], fields: Sequence[str], places: Mapping[str, int]):
        self._header, self._fields, self._places = header, fields, places

    def __getitem__(self, what: str) -> str:
        place = self._places.get(what)
        return self._fields[place] if place is not None and place < len(self._fields) else ""

    def time(self, what: str, path: Path, line: int) -> float:
        name = self._header[self._places[what]]
        value = seconds(self[what], path, line, short(name))
        return value / 1000 if re.search(r"(?i)(?:^|[^a-z])ms\W*$|Ms$", name) else value


def _plain(name: str) -> str:
    """Return a column's name without what people write differently: "Start Time (s)" is starttimes."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _told(header: Sequence[str], places: Mapping[str, int]) -> str:
    used = ", ".join(
        f"{what} from {header[place]!r}" for what, place in places.items() if _plain(header[place]) != what
    )
    unused = [name for place, name in enumerate(header) if place not in places.values() and name]
    return "; ".join(filter(None, (used, f"not used: {', '.join(unused[:8])}" if unused else "")))
