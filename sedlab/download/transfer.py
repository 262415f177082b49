"""Get a file over HTTP: resumed where it stopped, checked, and in its place only when it is whole.

What has arrived lies in `<file>.part`; `<file>.part.json` holds the server's mark of the version it belongs to (ETag or
Last-Modified), so that a file that changed in between is fetched anew instead of being glued together.
"""

from __future__ import annotations

import errno
import shutil
import time
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from sedlab.download.answers import (
    MAX_WAIT_SECONDS,
    Again,
    check_status,
    content_length,
    refuse_other_content,
    validator_of,
)
from sedlab.download.part import Part, open_part
from sedlab.download.trouble import Trouble, trouble
from sedlab.errors import SedlabError
from sedlab.progress import Progress, no_progress

CHUNK_BYTES = 64 * 1024
#: Free space that a download leaves on the disk.
RESERVE_BYTES = 200 * 1024**2
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
    md5: str
    resumed_from: int
    """Bytes that an earlier call had left in the `.part` file, 0 where they could not be used."""


def download(
    url: str,
    path: str | Path,
    *,
    size: int | None = None,
    sha256: str = "",
    md5: str = "",
    reserve_bytes: int = RESERVE_BYTES,
    patience: Patience | None = None,
    progress: Progress = no_progress,
) -> Downloaded:
    """Fetch ``url`` to ``path``, going on where an earlier call stopped.

    Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`, ...). An interrupted call leaves `<path>.part`.

    Parameters
    ----------
    size : int, optional
        Expected size in bytes.
    sha256 : str
        Expected SHA-256 in hexadecimal digits, or how it begins.
    md5 : str
        Expected MD5 in hexadecimal digits.
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
    if not url.isprintable():
        raise SedlabError(f"{url!r}: holds what no address has. Check the address.")
    try:
        with open_part(url, path) as part:
            _fetch(part, size, reserve_bytes, patience, progress)
            _check(part, size, sha256, md5)
            part.move_to(path)
            return Downloaded(path, part.size, part.sha256, part.md5, part.resumed_from)
    except OSError as error:
        if error.errno in _FULL:
            raise SedlabError(
                f"{path}: the disk is full. Free space and run the same command again; it goes on where it stopped."
            ) from error
        raise SedlabError(f"{path}: cannot be written ({error.strerror or error}). Choose another folder.") from error


def size_at(url: str, patience: Patience | None = None) -> int | None:
    """Return the size in bytes that a server says a file has, None where it says nothing; asks once."""
    patience = patience or Patience()
    timeout = (patience.connect_seconds, patience.connect_seconds)
    try:
        response = requests.head(url, headers={"Accept-Encoding": "identity"}, timeout=timeout, allow_redirects=True)
    except (requests.RequestException, OSError, HTTPError, ValueError):
        return None
    return content_length(response) if response.status_code == 200 else None


def _fetch(part: Part, size: int | None, reserve_bytes: int, patience: Patience, progress: Progress) -> None:
    """Try until the file is whole, or until nothing new arrives any more."""
    furthest, failures = part.size, 0
    while not part.complete:
        try:
            _attempt(part, size, reserve_bytes, patience, progress)
            return
        except Again as error:
            found, wait_seconds = Trouble(str(error)), error.wait_seconds
        except requests.RequestException as error:
            found, wait_seconds = trouble(error, part.url), 0.0
            if not found.again:
                raise SedlabError(f"{part.url}: {found.what}. {found.remedy}.") from error
        failures = 1 if part.size > furthest else failures + 1
        furthest = max(furthest, part.size)
        if failures >= patience.attempts:
            raise SedlabError(
                f"{part.url}: gave up after {failures} attempts ({found.what}). {found.remedy}, then run the same "
                "command again; it goes on where it stopped if the server allows that."
            )
        backoff = patience.backoff_seconds * 2 ** (failures - 1)
        time.sleep(max(min(backoff, MAX_WAIT_SECONDS), wait_seconds))


def _attempt(part: Part, size: int | None, reserve_bytes: int, patience: Patience, progress: Progress) -> None:
    """Ask for what is missing and append what arrives."""
    headers = {"Accept-Encoding": "identity"}
    if part.size and not part.validator:
        part.restart("", None)
    if part.size:
        headers |= {"Range": f"bytes={part.size}-", "If-Range": part.validator}
    timeout = (patience.connect_seconds, patience.stall_seconds)
    with _answer(part.url, headers, timeout) as response:
        check_status(part, response)
        chunks = response.iter_content(CHUNK_BYTES)
        first = next(chunks, b"")
        total = part.total if response.status_code == 206 else content_length(response)
        refuse_other_content(part, response, first, size, total)
        if response.status_code == 200:
            part.restart(validator_of(response), total)
        _check_space(part, reserve_bytes)
        for chunk in chain([first], chunks):
            part.append(chunk)
            progress(part.size, part.total or 0, part.name)
            if size is not None and part.size > size:
                return  # it is another file, perhaps without end
            if part.total is None:
                _check_space(part, reserve_bytes)
    if part.total is not None and part.size < part.total:
        raise Again(f"the connection ended after {part.size} of {part.total} bytes")


def _answer(url: str, headers: dict[str, str], timeout: tuple[float, float]) -> requests.Response:
    """Return the head of what the server answers; every failure is a `requests.RequestException`."""
    try:
        return requests.get(url, headers=headers, stream=True, timeout=timeout)
    except requests.RequestException:
        raise
    except (OSError, HTTPError, ValueError) as error:  # no file of certificates; what requests has no name for
        raise requests.RequestException(error) from error


def _check_space(part: Part, reserve_bytes: int) -> None:
    free = shutil.disk_usage(part.path.parent).free
    needed = (part.total or part.size) - part.size
    if free < needed + reserve_bytes:
        to_come = "an unknown size" if part.total is None else f"{needed / 1e9:.2f} GB"
        raise SedlabError(
            f"{part.path.parent}: {to_come} to come, {free / 1e9:.2f} GB free of which {reserve_bytes / 1e9:.2f} GB "
            "are to stay free. Free space or choose another folder."
        )


def _check(part: Part, size: int | None, sha256: str, md5: str) -> None:
    """Refuse a whole file that is not the expected one; nothing of it is kept."""
    if not part.size:
        raise SedlabError(f"{part.url}: the server sent an empty file. Try again later, or get it with a browser.")
    if size is not None and part.size != size:
        found = f"{part.size} bytes arrived, expected {size}"
    elif not part.sha256.startswith(sha256):
        found = f"SHA-256 is {part.sha256}, expected {sha256}"
    elif md5 and part.md5 != md5:
        found = f"MD5 is {part.md5}, expected {md5}"
    else:
        return
    part.discard()
    raise SedlabError(
        f"{part.url}: {found}. Run the same command again; if that does not help, the file was replaced: look where it "
        "was published."
    )
