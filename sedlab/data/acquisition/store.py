"""Get one published file: into the folder of archives, or from a mirror; what came is recorded beside it."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, Field, NonNegativeInt

from sedlab.download import Patience, download, size_at
from sedlab.errors import SedlabError
from sedlab.files import read_json, write_json
from sedlab.progress import Progress, no_progress

#: Environment variable: an address before which hosts become folders, such as that of a caching server. With
#: http://cache.example, https://zenodo.org/x is asked for as http://cache.example/zenodo.org/x.
HOSTS = "SEDLAB_DATA_HOSTS"
_MD5 = "^([0-9a-f]{32})?$"


class Came(BaseModel):
    """What is recorded of a file that has come."""

    file: str
    size: NonNegativeInt
    """bytes"""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    md5: str = Field(default="", pattern=_MD5)
    url: str
    date: str
    """UTC, ISO 8601."""


class Wanted(BaseModel):
    """A file to get."""

    file: str
    url: str
    size: NonNegativeInt | None = None
    """bytes, as its publisher says"""
    md5: str = Field(default="", pattern=_MD5)
    announced: NonNegativeInt | None = None
    """bytes, as its server says: for the estimate of space, not to check anything"""
    of_mirror: bool = False
    """The address is that of a mirror, which nothing stands in for."""


def record_path(path: Path) -> Path:
    """Return where the record of a file lies."""
    return path.with_name(path.name + ".json")


def came(path: Path) -> Came | None:
    """Return the record of a file that is there with the recorded size, None of any other.

    Raises
    ------
    SedlabError
        When the file is there with another size, or its record is unreadable.
    """
    place = record_path(path)
    if not place.is_file() or not path.is_file():
        return None
    record = read_json(place, Came, f"It is not a record of sedlab: delete it and {path.name}, then run this again.")
    size = path.stat().st_size
    if size != record.size:
        raise SedlabError(
            f"{path}: has {size} bytes, {record.size} when it came on {record.date}. It is damaged: delete it, then "
            "run the same command again."
        )
    return record


def fetch(wanted: Wanted, folder: Path, *, patience: Patience | None = None, progress: Progress = no_progress) -> Came:
    """Download a file into ``folder`` unless it is there, going on where an earlier call stopped, and record it.

    A file without record, put there by hand, is compared with what its publisher says.

    Raises
    ------
    SedlabError
        When it cannot be had, or is not what its publisher says: then nothing of it stays.
    """
    path = folder / wanted.file
    record = came(path)
    if record is None and path.is_file():
        record = _by_hand(path, wanted)
    if record is None:
        options = {"size": wanted.size, "md5": wanted.md5, "patience": patience, "progress": progress}
        done = download(_address(wanted), path, **options)
        record = Came(file=wanted.file, size=done.size, sha256=done.sha256, md5=done.md5, url=wanted.url, date=_now())
        write_json(record_path(path), record)
    return record


def at_host(url: str) -> str:
    """Return the address to ask for ``url`` at: itself, or where `SEDLAB_DATA_HOSTS` says."""
    hosts = os.environ.get(HOSTS, "").strip()
    return f"{hosts.rstrip('/')}/{re.sub('^https?://', '', url)}" if hosts else url


def with_size(wanted: Wanted, patience: Patience | None = None) -> Wanted:
    """Return ``wanted`` with what its server says of its size, for the estimate of space; a web page has none."""
    return wanted.model_copy(update={"announced": size_at(_address(wanted), patience)})


def _address(wanted: Wanted) -> str:
    return wanted.url if wanted.of_mirror else at_host(wanted.url)


def recorded(path: Path, url: str) -> Came:
    """Return what would be recorded of a file that lies elsewhere."""
    import hashlib

    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha256.update(chunk)
            md5.update(chunk)
    facts = {"file": path.name, "size": path.stat().st_size, "url": url, "date": _now()}
    return Came(sha256=sha256.hexdigest(), md5=md5.hexdigest(), **facts)


def _by_hand(path: Path, wanted: Wanted) -> Came:
    record = recorded(path, wanted.url)
    if wanted.md5 and record.md5 != wanted.md5:
        raise SedlabError(
            f"{path}: its MD5 is {record.md5}, its publisher's {wanted.md5}. It is damaged or another version: delete "
            "it, then run the same command again."
        )
    write_json(record_path(path), record)
    return record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
