"""Which recording a name in a label file means: by its path below the folder, by the end of it, or by the file name."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sedlab.data.formats.recordings import InputRecording
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.data.importing.annotation import Annotation
from sedlab.errors import SedlabError, short


@dataclass(frozen=True)
class MatchedLabels:
    """Label rows of the recordings that are there."""

    strong: pd.DataFrame
    """`annotation.ROW_COLUMNS`; recording is the file's path below the folder (`InputRecording.filename`)."""
    weak: pd.DataFrame
    """The same of labels of whole recordings, without the recordings that have strong labels."""
    names_without_recording: tuple[str, ...]
    recordings_without_labels: tuple[str, ...]


def match(annotations: Sequence[Annotation], recordings: Sequence[InputRecording]) -> MatchedLabels:
    """Return the rows of all label files whose recording is there, and what has no partner on either side.

    Raises
    ------
    SedlabError
        When a name may mean several recordings, two names mean one, or no name means any.
    """
    names = dict.fromkeys(name for annotation in annotations for name in annotation.rows["recording"])
    places = _places(recordings)
    found = {name: file for name in names if (file := _recording(name, places)) is not None}
    if not found:
        raise SedlabError(
            f"none of {len(names)} names in the labels (first: {short(next(iter(names), ''))}) is one of "
            f"{len(recordings)} recordings (first: {recordings[0].filename!r}). Give the folder that their paths start "
            "from, or correct the names."
        )
    _refuse_two_names(found)
    rows = {weak: [a.rows for a in annotations if a.is_weak == weak] for weak in (False, True)}
    strong, weak = (_of_recordings(rows[kind], found) for kind in (False, True))
    weak = weak[~weak["recording"].isin(strong["recording"])].reset_index(drop=True)
    used = set(found.values())
    return MatchedLabels(
        strong,
        weak,
        tuple(name for name in names if name not in found),
        tuple(recording.filename for recording in recordings if recording.filename not in used),
    )


def plain_name(name: str) -> str:
    """Return a path as it is compared: with forward slashes, composed characters, and no audio suffix."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./")
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.rpartition(".")[0] if is_audio_name(file) else name


def _places(recordings: Sequence[InputRecording]) -> dict[str, set[str]]:
    """Return the recordings that each path, and each part of a path that ends in the file, may mean."""
    places: dict[str, set[str]] = {}
    for recording in recordings:
        whole = unicodedata.normalize("NFC", recording.filename)
        for name in (whole, plain_name(whole)):
            parts = name.split("/")
            for first in range(len(parts)):
                tail = "/".join(parts[first:])
                for key in (tail, tail.casefold()):
                    places.setdefault(key, set()).add(recording.filename)
    return places


def _recording(name: str, places: Mapping[str, set[str]]) -> str | None:
    given = unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./")
    for first in range(given.count("/") + 1):
        tail = given.split("/", first)[-1]
        for key in dict.fromkeys((tail, plain_name(tail), plain_name(tail).casefold())):
            if key and (meant := places.get(key)):
                if len(meant) > 1:
                    one, other = sorted(meant)[:2]
                    raise SedlabError(
                        f"{short(name)} in the labels may mean {one!r} or {other!r}. Write the path below the folder."
                    )
                return next(iter(meant))
    return None


def _refuse_two_names(found: Mapping[str, str]) -> None:
    """Raise SedlabError where two names that differ by more than the suffix or the folders above mean one recording."""
    by_file: dict[str, str] = {}
    for name, file in found.items():
        other = by_file.setdefault(file, name)
        shorter, longer = sorted((plain_name(other), plain_name(name)), key=len)
        if not f"/{longer}".casefold().endswith(f"/{shorter}".casefold()):
            raise SedlabError(
                f"{short(other)} and {short(name)} in the labels both mean the recording {file!r}. Write their paths "
                "as they are below the folder."
            )


def _of_recordings(tables: Sequence[pd.DataFrame], found: Mapping[str, str]) -> pd.DataFrame:
    if not tables:
        from sedlab.data.importing.annotation import row_table

        return row_table([])
    rows = pd.concat(tables, ignore_index=True)
    rows["recording"] = rows["recording"].map(found)
    return rows[rows["recording"].notna()].reset_index(drop=True)
