"""What people call the columns of tables of clips and events, and what stands between these.

A column of the expected name counts; else one that says the same: in other case, with spaces, or by one of `SYNONYMS`.
Two that may be meant are refused. Between columns stand tabs, or, where the line of names leaves no doubt, semicolons
or commas.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from sedlab.errors import SedlabError, short

#: Column -> other names of it, in lower case with underscores.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "filename": ("file", "file_name", "audio_filename", "audio_file"),
    "onset": ("start", "start_time", "start_time_seconds", "begin"),
    "offset": ("end", "end_time", "end_time_seconds"),
    "event_label": ("label", "class", "event"),
    "event_labels": ("labels", "classes"),
    "duration": ("duration_seconds", "seconds", "length_seconds"),
    "start_time_seconds": ("start_time", "start", "onset"),
    "end_time_seconds": ("end_time", "end", "offset"),
    "label": ("event_label", "class"),
}
#: What may stand between columns instead of tabs.
OTHER_SEPARATORS = {";": "semicolons", ",": "commas"}


def chosen_columns(found: Sequence[str], wanted: Sequence[str], where: str) -> dict[str, int]:
    """Return the place of each wanted column among the names ``found``; those that are not there are left out.

    Raises
    ------
    SedlabError
        When several columns could be a wanted one; ``where`` begins the message.
    """
    places: dict[str, int] = {}
    for name in wanted:
        same = [place for place, column in enumerate(found) if column == name]
        if len(same) > 1:
            raise SedlabError(f"{where}: column {name!r} occurs twice. Remove or rename one.")
        places.update((name, place) for place in same)
    taken = set(places.values())
    for name in (name for name in wanted if name not in places):
        alike = [place for place, column in enumerate(found) if place not in taken and _means(column, name)]
        if len(alike) > 1:
            several = " and ".join(short(found[place]) for place in alike)
            raise SedlabError(f"{where}: columns {several} may both be {name!r}. Name the right one {name!r}.")
        places.update((name, place) for place in alike)
        taken |= set(alike)
    return places


def separator_of(text: str, wanted: Sequence[str], optional: Collection[str]) -> str:
    """Return what stands between the columns of a table, by its first line: a tab unless it can only be another."""
    line = re.split(r"[\r\n]", text, maxsplit=1)[0]
    needed = [name for name in wanted if name not in optional]
    if "\t" in line or _holds([line], needed):
        return "\t"
    fitting = [one for one in OTHER_SEPARATORS if one in line and _holds(line.split(one), needed)]
    return fitting[0] if len(fitting) == 1 else "\t"


def _holds(columns: Sequence[str], needed: Sequence[str]) -> bool:
    names = [column.strip().strip('"').strip() for column in columns]
    return all(any(column == name or _means(column, name) for column in names) for name in needed)


def _means(column: str, name: str) -> bool:
    plain = re.sub(r"[\s-]+", "_", column.strip().lower())
    return plain == name or plain in SYNONYMS.get(name, ())
