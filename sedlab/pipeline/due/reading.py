"""What a training that was begun reads of the corpus, in its folder: whoever goes on with it compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from sedlab.errors import SedlabError
from sedlab.files import read_json, write_json

#: Beside the state of a training.
CORPUS_NOTE = "corpus.json"


@dataclass(frozen=True)
class Reading:
    """What a training reads besides its input files."""

    parts: Mapping[str, str]
    """The digests of what it reads of the corpus."""
    data_root: str
    """Where the configuration places it."""
    configured: Callable[[str], Mapping[Path, bytes]]
    """The configuration files as they would be with the corpus at another data root, by their paths."""


class Note(BaseModel):
    """What a training read when it was begun."""

    inputs: str
    """Digest of its input files."""
    data_root: str
    parts: dict[str, str]


def begun_on(folder: Path) -> dict[str, str] | None:
    """Return what a training that has not ended read of the corpus; None where none was begun, or nobody noted it."""
    note = read_note(folder) if (folder / "last.pt").is_file() else None
    return note.parts if note else None


def read_note(folder: Path) -> Note | None:
    """Return what was noted in the folder of a training, None if nothing was."""
    try:
        return read_json(folder / CORPUS_NOTE, Note, "")
    except SedlabError:
        return None


def write_note(folder: Path, inputs: str, reading: Reading) -> None:
    """Note in the folder of a training the digest of its ``inputs`` and what it reads of the corpus."""
    write_json(folder / CORPUS_NOTE, Note(inputs=inputs, data_root=reading.data_root, parts=dict(reading.parts)))
