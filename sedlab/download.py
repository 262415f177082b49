"""Get a file over HTTP: resumed where it stopped, checked, and in its place only when it is whole.

What has arrived lies in `<file>.part`; `<file>.part.json` holds the server's mark of the version it belongs to (ETag or
Last-Modified), so that a file that changed in between is fetched anew instead of being glued together.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import requests
from pydantic import BaseModel

from sedlab.errors import SedlabError
from sedlab.files import read_json, write_json
from sedlab.progress import Progress

CHUNK_BYTES = 64 * 1024
#: Free space that a download leaves on the disk.
RESERVE_BYTES = 200 * 1024**2
_MAX_BACKOFF_SECONDS = 30.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
#: Answers to a range request that say nothing about the file itself: the whole file may still be had.
_RANGE_REFUSED = (400, 405, 412, 416, 501)
_REMEDIES = {
    401: "It needs a login: get it with a browser",
    403: "Access is refused: get it with a browser, or from a mirror",
    404: "The file has moved or the name is wrong: look for it where it was published",
    410: "The file was withdrawn: look for it where it was published",
}


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to try again."""

    connect_seconds: float = 15.0
    stall_seconds: float = 60.0
    """Without a byte for this long, the connection is given up."""
    attempts: int = 5
    """Attempts in a row of which at most the first brings something new."""
    backoff_seconds: float = 1.0
    """Wait after the first failure; doubles with each further one, up to half a minute."""


@dataclass(frozen=True)
class Downloaded:
    """A file that has arrived whole."""

    path: Path
    size: int
    """bytes"""
    sha256: str
    resumed_from: int
    """Bytes that an earlier call had left in the `.part` file, 0 where they could not be used."""


class _Again(Exception):
    """This attempt failed; the next may succeed."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


def download(
    url: str,
    path: str | Path,
    *,
    size: int | None = None,
    sha256: str = "",
    reserve_bytes: int = RESERVE_BYTES,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Downloaded:
    """Fetch ``url`` to ``path``, going on where an earlier call stopped.

    Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`, ...). An interrupted call leaves `<path>.part`.

    Parameters
    ----------
    size : int, optional
        Expected size in bytes.
    sha256 : str
        Expected SHA-256 in hexadecimal digits, or how it begins.
    reserve_bytes : int
        Space that has to stay free on the disk.
    progress : callable, optional
        Called with (bytes so far, bytes in all or 0 if unknown, file name).

    Raises
    ------
    SedlabError
        When the server does not have the file, sends a web page or another file instead, or stops answering; when the
        disk is full or cannot be written to; when another process is downloading the same file.
    """
    path, patience = Path(path), patience or Patience()
    try:
        with _open_part(url, path) as part:
            _fetch(part, size, reserve_bytes, patience, progress)
            _check(part, size, sha256)
            part.move_to(path)
            return Downloaded(path, part.size, part.sha256, part.resumed_from)
    except OSError as error:
        if error.errno in _FULL:
            raise SedlabError(
                f"{path}: the disk is full. Free space and run the same command again; it goes on where it stopped."
            ) from error
        raise SedlabError(f"{path}: cannot be written ({error.strerror}). Choose another folder.") from error


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def part_path(path: Path) -> Path:
    """Return where the beginning of an unfinished download of ``path`` lies."""
    return path.with_name(path.name + ".part")


class _Mark(BaseModel):
    """Which version of a file has begun to arrive: what lies beside the `.part` file."""

    url: str = ""
    validator: str = ""
    """The server's mark of the version, empty if it gave none."""
    total: int | None = None
    """Size of the whole file in bytes, None if unknown."""


class _Part:
    """The beginning of a file, and which version of it this is."""

    def __init__(self, url: str, file: BinaryIO, path: Path) -> None:
        self.url = url
        self.path = path
        self._file = file
        self._mark_path = path.with_name(path.name + ".json")
        self._digest = hashlib.sha256()
        mark = _Mark()
        with suppress(SedlabError):  # without a readable mark it starts over
            mark = read_json(self._mark_path, _Mark, "")
        self.validator, self.total = mark.validator, mark.total
        self.size = path.stat().st_size
        # Without a validator nobody can tell whether the rest would belong to the same version.
        if not self.validator or mark.url != url:
            self.restart("", None)
        with path.open("rb") as begin:
            self._digest = hashlib.file_digest(begin, "sha256")
        self.resumed_from = self.size

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    @property
    def name(self) -> str:
        """Name of the file that this becomes."""
        return self.path.name.removesuffix(".part")

    @property
    def complete(self) -> bool:
        return self.total is not None and self.size == self.total

    def restart(self, validator: str, total: int | None) -> None:
        """Forget what has arrived: a version of the file with this validator and size follows."""
        self._file.truncate(0)
        self.size = self.resumed_from = 0
        self._digest = hashlib.sha256()
        self.validator, self.total = validator, total
        write_json(self._mark_path, _Mark(url=self.url, validator=validator, total=total))

    def append(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def move_to(self, path: Path) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self.path.replace(path)
        self._mark_path.unlink()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._mark_path.unlink(missing_ok=True)


@contextmanager
def _open_part(url: str, path: Path) -> Iterator[_Part]:
    """Open `<path>.part` for this process alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = part_path(path)
    with place.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SedlabError(f"{path}: another process is downloading it. Wait for it.") from error
        if not place.exists() or not os.path.samestat(place.stat(), os.fstat(file.fileno())):
            raise SedlabError(f"{path}: another process has just downloaded it. Run the same command again.")
        part = _Part(url, file, place)
        try:
            yield part
        finally:
            if part.size == 0:
                part.discard()


def _fetch(part: _Part, size: int | None, reserve_bytes: int, patience: Patience, progress: Progress | None) -> None:
    """Try until the file is whole, or until nothing new arrives any more."""
    furthest, failures = part.size, 0
    while not part.complete:
        try:
            _attempt(part, size, reserve_bytes, patience, progress)
            return
        except _Again as error:
            problem, wait_seconds = str(error), error.wait_seconds
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            problem, wait_seconds = _reason(error), 0.0
        except requests.RequestException as error:
            raise SedlabError(f"{part.url}: cannot be requested ({error}). Check the address.") from error
        failures = 1 if part.size > furthest else failures + 1
        furthest = max(furthest, part.size)
        if failures >= patience.attempts:
            raise SedlabError(
                f"{part.url}: gave up after {failures} attempts ({problem}). Check the network and the proxy settings, "
                "then run the same command again; it goes on where it stopped if the server allows that."
            )
        backoff = patience.backoff_seconds * 2 ** (failures - 1)
        time.sleep(max(min(backoff, _MAX_BACKOFF_SECONDS), wait_seconds))


def _attempt(part: _Part, size: int | None, reserve_bytes: int, patience: Patience, progress: Progress | None) -> None:
    """Ask for what is missing and append what arrives."""
    headers = {"Accept-Encoding": "identity"}
    if part.size and not part.validator:
        part.restart("", None)
    if part.size:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
    timeout = (patience.connect_seconds, patience.stall_seconds)
    with requests.get(part.url, headers=headers, stream=True, timeout=timeout) as response:
        _check_status(part, response)
        chunks = response.iter_content(CHUNK_BYTES)
        first = next(chunks, b"")
        total = part.total if response.status_code == 206 else _content_length(response)
        _refuse_other_content(part, response, first, size, total)
        if response.status_code == 200:
            part.restart(_validator(response), total)
        _check_space(part, reserve_bytes)
        for chunk in chain([first], chunks):
            part.append(chunk)
            if progress:
                progress(part.size, part.total or 0, part.name)
    if part.total is not None and part.size < part.total:
        raise _Again(f"the connection ended after {part.size} of {part.total} bytes")


def _check_status(part: _Part, response: requests.Response) -> None:
    """Let pass only an answer whose bytes continue ``part`` (206) or begin the file (200)."""
    status = response.status_code
    if status == 200:
        return
    if status == 206:
        begin, total = _content_range(response)
        resized = None not in (part.total, total) and part.total != total
        marks = {response.headers.get(name) for name in ("ETag", "Last-Modified")} - {None}
        if begin != part.size or resized or (marks and part.validator not in marks):
            part.restart("", None)
            raise _Again("the server sent another part of the file than was asked for")
        part.total = part.total or total
        return
    if part.size and status in _RANGE_REFUSED:
        part.restart("", None)
        raise _Again(f"the server refuses to send the rest of a file (status {status})")
    if status in _TRY_AGAIN:
        wait = response.headers.get("Retry-After", "")
        raise _Again(
            f"the server answers with status {status}",
            min(float(wait), _MAX_BACKOFF_SECONDS) if wait.isdecimal() else 0.0,
        )
    remedy = _REMEDIES.get(status, "Get it with a browser")
    raise SedlabError(f"{part.url}: the server answers with status {status}. {remedy}.")


def _refuse_other_content(
    part: _Part, response: requests.Response, first: bytes, size: int | None, total: int | None
) -> None:
    """Recognise an answer that is not the file: before anything that has arrived is given up for it."""
    kind = response.headers.get("Content-Type", "")
    begin = first[:64].lstrip().lower()
    page = response.status_code == 200 and begin.startswith((b"<!doctype html", b"<html"))
    if page or kind.startswith("text/html"):
        raise SedlabError(
            f"{part.url}: the server sent a web page instead of the file, perhaps a login or a confirmation. Open it "
            f"in a browser and save the file as {part.path.with_name(part.name)}."
        )
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise SedlabError(f"{part.url}: the server sends the file encoded ({encoding}). Use another mirror.")
    if size is not None and total is not None and total != size:
        raise SedlabError(
            f"{part.url}: the server has {total} bytes, expected {size}. The file was replaced or this is another one: "
            "look where it was published."
        )


def _check_space(part: _Part, reserve_bytes: int) -> None:
    free = shutil.disk_usage(part.path.parent).free
    needed = (part.total or part.size) - part.size
    if free < needed + reserve_bytes:
        raise SedlabError(
            f"{part.path.parent}: {needed / 1e9:.2f} GB to come, {free / 1e9:.2f} GB free of which "
            f"{reserve_bytes / 1e9:.2f} GB are to stay free. Free space or choose another folder."
        )


def _check(part: _Part, size: int | None, sha256: str) -> None:
    """Refuse a whole file that is not the expected one; nothing of it is kept."""
    if size is not None and part.size != size:
        found = f"{part.size} bytes arrived, expected {size}"
    elif not part.sha256.startswith(sha256):
        found = f"SHA-256 is {part.sha256}, expected {sha256}"
    else:
        return
    part.discard()
    raise SedlabError(
        f"{part.url}: {found}. Run the same command again; if that does not help, the file was replaced: look where it "
        "was published."
    )


def _content_length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """Return (first byte, size of the whole file) of a partial answer (RFC 9110, section 14.4)."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not found:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])


def _validator(response: requests.Response) -> str:
    """Return what identifies this version of the file in `If-Range`: a strong ETag, or the date (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy cannot be reached"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate cannot be verified"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "IncompleteRead" in str(error):
        return "the connection ended too early"
    return "no connection"
