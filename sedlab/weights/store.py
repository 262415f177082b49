"""The folder with the published files: what is there, whether it is whole, and how it gets there.

Beside each file `<file>.json` records size, SHA-256, address and date of its first download; every later check compares
with that.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, Field, PositiveInt

from sedlab.download import Patience, download, part_path
from sedlab.errors import SedlabError
from sedlab.files import file_sha256, is_file, read_json, write_json
from sedlab.progress import Progress, no_progress
from sedlab.weights.registry import Entry, find

WEIGHTS_FOLDER = Path("data/weights")
#: Environment variable with the address of a folder that holds the files under their published names.
MIRROR = "SEDLAB_WEIGHTS_MIRROR"

PRESENT, PARTIAL, ABSENT, CORRUPT = "present", "partial", "not downloaded", "corrupt"


@dataclass(frozen=True)
class FileState:
    """What is known about one registered file in a folder."""

    state: str
    """present, partial, not downloaded or corrupt."""
    detail: str = ""
    size: int | None = None
    """Bytes on the disk."""
    sha256: str = ""
    """As computed by ``verify``, else as recorded; empty for a file put there by hand that was never verified."""


class Provenance(BaseModel):
    """What is remembered of a file since it came; every field is empty where nothing was recorded."""

    file: str = ""
    size: PositiveInt | None = None
    """bytes"""
    sha256: str = Field(default="", pattern="^([0-9a-f]{64})?$")
    url: str = ""
    """Empty for a file that was put there by hand."""
    date: str = ""
    """UTC, ISO 8601."""


def local_path(name: str, root: str | Path = WEIGHTS_FOLDER) -> Path:
    """Return where a registered file lies, or would lie, under ``root``.

    Raises
    ------
    SedlabError
        When no file of this name is registered.
    """
    return Path(root) / find(name).file


def require(name: str, root: str | Path = WEIGHTS_FOLDER) -> Path:
    """Return the path of a registered file that has to be there.

    Raises
    ------
    SedlabError
        When it is not registered, not downloaded, or its size is wrong; the message says which command to run.
    """
    entry = find(name)
    found = file_state(entry, root)
    path = local_path(name, root)
    if found.state == CORRUPT:
        raise SedlabError(f"{path}: {found.detail}. Delete it, then run: {_command(entry, root)}")
    if found.state != PRESENT:
        raise SedlabError(f"{path}: not there ({entry.what}). Run: {_command(entry, root)}")
    return path


def file_state(entry: Entry, root: str | Path = WEIGHTS_FOLDER, *, verify: bool = False) -> FileState:
    """Look at one file; with ``verify`` read it whole and compare its SHA-256 with what is registered or recorded."""
    path = Path(root) / entry.file
    if not is_file(path):
        part = part_path(path)
        if part.is_file():
            return FileState(PARTIAL, f"{part.stat().st_size} bytes so far", part.stat().st_size)
        return FileState(ABSENT)
    size, record = path.stat().st_size, _read_record(path)
    wanted = record.size if record.date else entry.size
    if wanted is not None and size != wanted:
        return FileState(CORRUPT, f"size is {size} bytes, expected {wanted}", size, record.sha256)
    if size == 0:
        return FileState(CORRUPT, "is empty", size)
    detail = "" if record.date else "SHA-256 not recorded yet"
    if not verify:
        return FileState(PRESENT, detail, size, record.sha256)
    found = file_sha256(path)
    for expected in filter(None, (record.sha256, entry.sha256)):
        if not found.startswith(expected):
            return FileState(CORRUPT, f"SHA-256 is {found}, expected {expected}", size, found)
    return FileState(PRESENT, detail, size, found)


def fetch(
    entry: Entry,
    root: str | Path = WEIGHTS_FOLDER,
    *,
    mirror: str = "",
    patience: Patience | None = None,
    progress: Progress = no_progress,
) -> Path:
    """Download a registered file, or check the one that is there, and record its size and SHA-256.

    Parameters
    ----------
    mirror : str
        Address of a folder with the files under their published names, instead of the registered addresses; by
        default that of the environment variable `SEDLAB_WEIGHTS_MIRROR`.

    Raises
    ------
    SedlabError
        When the file cannot be had, or is not the one that is registered or was recorded before.
    """
    path = Path(root) / entry.file
    if is_file(path):
        _check_present(entry, path)
        return path
    record = _read_record(path)
    mirror = (mirror or os.environ.get(MIRROR, "")).strip()
    url = f"{mirror.rstrip('/')}/{entry.file}" if mirror else entry.url
    if not url:
        raise SedlabError(
            f"{entry.name}: no direct address is known. Get it by hand from {entry.source_page} and save it as {path}."
        )
    try:
        done = download(
            url,
            path,
            size=record.size if record.date else entry.size,
            sha256=record.sha256 if record.date else entry.sha256,
            patience=patience,
            progress=progress,
        )
    except SedlabError as error:
        raise SedlabError(f"{error}{_hint(entry, path, record)}") from error
    _write_record(path, done.size, done.sha256, url)
    return path


def _check_present(entry: Entry, path: Path) -> None:
    """Check a file that is there; record it if it was put there by hand."""
    found = file_state(entry, path.parent, verify=True)
    if found.state == CORRUPT:
        raise SedlabError(
            f"{path}: {found.detail}. It is damaged or another file: delete it and run {_command(entry, path.parent)}"
        )
    if not _read_record(path).date:
        _write_record(path, path.stat().st_size, found.sha256, "")


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _read_record(path: Path) -> Provenance:
    place = _record_path(path)
    if not place.is_file():
        return Provenance()
    return read_json(place, Provenance, "It is not a record of sedlab: delete it, then run the same command again.")


def _write_record(path: Path, size: int, sha256: str, url: str) -> None:
    date = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(_record_path(path), Provenance(file=path.name, size=size, sha256=sha256, url=url, date=date))


def _hint(entry: Entry, path: Path, record: Provenance) -> str:
    """Say what else helps: where people find the file, and how to accept another version of it."""
    hint = f" See {entry.source_page}."
    if record.date:
        hint += f" To accept another file than the one recorded on {record.date}, delete {_record_path(path)}."
    return hint


def _command(entry: Entry, root: str | Path) -> str:
    """Return the command that downloads a file to ``root``."""
    option = "" if Path(root) == WEIGHTS_FOLDER else f" --root {shlex.quote(str(root))}"
    return f"sedlab weights download {entry.name}{option}"
