"""Selection tables of Raven: tab-separated, one or several rows a selection, a column of the annotator's own choice.

A selection has a row for each view (waveform, spectrogram) and channel; it is one event. A table over several files
counts Begin Time through all of them; File Offset is then the time in the file that Begin File names.
Source: Raven Pro 1.6 user's manual, chapter "Measurements" and appendix "Selection tables".
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sedlab.data.importing.annotation import Annotation, check_times, row_table, seconds
from sedlab.data.importing.audacity import lengthened_offset
from sedlab.errors import SedlabError, count_of, nearest

BEGIN, END = "begin time (s)", "end time (s)"
_FILE, _FILE_OFFSET = "begin file", "file offset (s)"
#: What annotators call their column, the most telling first.
_LABEL_NAMES = ("annotation", "label", "species", "class", "event", "tag", "call type", "code", "type", "name")
#: Columns of Raven itself that hold text or codes; measurements are told by their unit or by holding numbers.
_OWN = {"selection", "view", "channel", "begin path", "end path", "begin file", "end file", "begin date", "end date",
        "begin clock time", "end clock time", "begin date time", "end date time", "notes", "comments"}  # fmt: skip


def is_selection_table(header: Sequence[str]) -> bool:
    """Return whether the first line of a table is that of Raven."""
    return {BEGIN, END} <= {name.lower() for name in header}


def read_selection_table(
    path: Path,
    rows: Sequence[tuple[int, list[str]]],
    recording: str,
    *,
    label_column: str | None = None,
    min_length: float | None = None,
) -> Annotation:
    """Return the selections of a table, ``recording`` being that which its name says.

    Selections without annotation are left out and counted.

    Raises
    ------
    SedlabError
        When it cannot be known which column is the annotation, or where in which file a selection lies.
    """
    header = rows[0][1]
    places = {name.lower(): place for place, name in enumerate(header)}
    table = [(line, fields + [""] * (len(header) - len(fields))) for line, fields in rows[1:]]
    label = _label_place(path, header, [fields for _, fields in table], label_column)
    files = {fields[places[_FILE]] for _, fields in table} - {""} if _FILE in places else set()
    if len(files) > 1 and _FILE_OFFSET not in places:
        raise SedlabError(
            f"{path}: selections in {len(files)} files, but no column 'File Offset (s)' says where. Add it in Raven "
            "(View, Choose Measurements), and save the table again."
        )
    found, seen, empty = [], set(), set()
    for line, fields in table:
        times = [fields[places[name]] for name in (BEGIN, END)]
        begin, end = (seconds(text, path, line, "time") for text in times)
        check_times(path, line, begin, end)
        onset = begin
        if files and _FILE_OFFSET in places:
            onset = seconds(fields[places[_FILE_OFFSET]], path, line, "File Offset")
        # To the microsecond, as the difference of two printed times has digits of its own.
        offset = round(onset + end - begin, 6)
        name = fields[places[_FILE]] if files and fields[places[_FILE]] else recording
        if not fields[label]:
            empty.add(fields[places["selection"]] if "selection" in places else line)
            continue
        offset, _ = lengthened_offset(path, line, onset, offset, min_length)
        event = (name, onset, offset, fields[label])
        if event in seen:
            continue  # another view or channel of it
        seen.add(event)
        found.append((*event, "", line))
    if not found and not empty:
        found.append((recording, float("nan"), float("nan"), "", "", 1))
    told = f"labels from column {header[label]!r}"
    told += f"; {count_of(len(empty), 'selection')} without annotation left out" if empty else ""
    return Annotation(path, "raven", row_table(found), told)


def _label_place(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], chosen: str | None) -> int:
    """Return where the annotation stands: the column that was chosen, or the one that can only be it."""
    lowered = [name.lower() for name in header]
    if chosen is not None:
        if chosen.lower() not in lowered:
            raise SedlabError(f"{path}: no column {chosen!r} (--label-column).{nearest(chosen, header)}")
        return lowered.index(chosen.lower())
    for name in _LABEL_NAMES:
        if name in lowered:
            return lowered.index(name)
    texts = [
        place
        for place, name in enumerate(lowered)
        if name not in _OWN and not name.endswith(")") and any(_is_text(row[place]) for row in rows)
    ]
    if len(texts) == 1:
        return texts[0]
    seen = ", ".join(repr(header[place]) for place in texts) or "none holds text"
    raise SedlabError(f"{path}: which column is the annotation is not clear ({seen}). Name it: --label-column NAME.")


def _is_text(field: str) -> bool:
    try:
        float(field or "0")
    except ValueError:
        return True
    return False
