"""Label tracks of Audacity: a text file a recording, a line a label, begin and end in seconds.

Lines that begin with a backslash are the frequencies of the label above (spectral selection).
Source: Audacity manual, "Importing and Exporting Labels".
"""

from __future__ import annotations

import re
from pathlib import Path

from sedlab.data.importing.annotation import Annotation, check_times, row_table, seconds
from sedlab.data.tsv import read_text
from sedlab.errors import SedlabError, count_of, short

_NUMBER = r"-?\d+(?:[.,]\d+)?"
_LINE = re.compile(rf"\s*{_NUMBER}\t\s*{_NUMBER}(?:\t.*)?")
#: What people put behind the recording's name when they export its labels.
_ENDINGS = re.compile(r"(?i)[ ._-](labels?|label[ _]?track|annotations?|events)$")


def is_label_track(text: str) -> bool:
    """Return whether a text is a label track: each line has two numbers before its label."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\\")]
    return bool(lines) and all(_LINE.fullmatch(line) for line in lines[:20])


def read_label_track(path: Path, recording: str, *, min_length: float | None = None) -> Annotation:
    """Return the labels of a track; an empty file says that nothing is to be heard.

    Parameters
    ----------
    min_length : float or None
        Seconds to which shorter labels are lengthened, points included; None: points are refused.

    Raises
    ------
    SedlabError
        For a line that is no label, a label without text, and a point without ``min_length``.
    """
    rows, lengthened = [], 0
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        fields = line.split("\t", 2)
        if len(fields) < 2:
            raise SedlabError(f"{path}, line {number}: {short(line)} is not begin, end and label with tabs between.")
        onset, offset = (seconds(field.strip(), path, number, "time") for field in fields[:2])
        label = fields[2].strip() if len(fields) > 2 else ""
        if not label:
            raise SedlabError(f"{path}, line {number}: a label without text, at {onset:g} s. Name it, or delete it.")
        check_times(path, number, onset, offset)
        offset, longer = lengthened_offset(path, number, onset, offset, min_length)
        lengthened += longer
        rows.append((recording, onset, offset, label, "", number))
    if not rows:
        rows.append((recording, float("nan"), float("nan"), "", "", 1))
    told = f"{count_of(lengthened, 'label')} lengthened to {min_length:g} s" if lengthened else ""
    return Annotation(path, "audacity", row_table(rows), told)


def lengthened_offset(
    path: Path, line: int, onset: float, offset: float, min_length: float | None
) -> tuple[float, bool]:
    """Return where an event ends that lasts at least ``min_length`` seconds, and whether that is later than it said.

    Raises SedlabError for a point (onset equal to offset) without a ``min_length``.
    """
    if min_length is not None and offset - onset < min_length:
        return onset + min_length, True
    if offset == onset:
        raise SedlabError(
            f"{path}, line {line}: a point at {onset:g} s, which has no duration. Give the one of such events in "
            "seconds (--min-length 0.5), or draw its end."
        )
    return offset, False


def named_recording(path: Path) -> str:
    """Return the recording that a label file is about, by its name: dog.txt, dog_labels.txt, dog.wav.txt are of dog."""
    name = path.name.removesuffix(".gz")
    name = name.removesuffix(Path(name).suffix)
    return _ENDINGS.sub("", name)
