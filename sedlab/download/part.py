"""What has arrived of a file: `<file>.part`, and beside it which version of the file that is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, Field, NonNegativeInt

from sedlab.errors import SedlabError
from sedlab.files import read_json, write_json
from sedlab.system.locking import take


def part_path(path: Path) -> Path:
    """Return where the beginning of an unfinished download of ``path`` lies."""
    return path.with_name(path.name + ".part")


@contextmanager
def open_part(url: str, path: Path) -> Iterator[Part]:
    """Open `<path>.part` for this process alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = part_path(path)
    with place.open("ab") as file:
        try:
            take(file)
        except BlockingIOError as error:
            raise SedlabError(f"{path}: another process is downloading it. Wait for it.") from error
        if not place.exists() or not os.path.samestat(place.stat(), os.fstat(file.fileno())):
            raise SedlabError(f"{path}: another process has just downloaded it. Run the same command again.")
        part = Part(url, file, place)
        try:
            yield part
        finally:
            if part.size == 0:
                part.discard()


def _no_digests() -> tuple[hashlib._Hash, hashlib._Hash]:
    # MD5 tells damage here, not attacks, so it is allowed where cryptography has to be approved.
    return hashlib.sha256(), hashlib.md5(usedforsecurity=False)


#: What may be sent back to a server in a header, as a regular expression.
VALIDATOR = "([!-~]([ -~]{0,500}[!-~])?)?"


class Mark(BaseModel):
    """Which version of a file has begun to arrive: what lies beside the `.part` file."""

    url: str = ""
    validator: str = Field(default="", pattern=f"^{VALIDATOR}$")
    """The server's mark of the version, empty if it gave none."""
    total: NonNegativeInt | None = None
    """Size of the whole file in bytes, None if unknown."""


class Part:
    """The beginning of a file, and which version of it this is."""

    def __init__(self, url: str, file: BinaryIO, path: Path) -> None:
        self.url = url
        self.path = path
        self._file = file
        self._mark_path = path.with_name(path.name + ".json")
        self._digests = _no_digests()
        mark = Mark()
        with suppress(SedlabError):  # without a readable mark it starts over
            mark = read_json(self._mark_path, Mark, "")
        self.validator, self.total = mark.validator, mark.total
        self.size = path.stat().st_size
        # Without a validator nobody can tell whether the rest would belong to the same version.
        if not self.validator or mark.url != url:
            self.restart("", None)
        with path.open("rb") as begin:
            while chunk := begin.read(1 << 20):
                self._digest(chunk)
        self.resumed_from = self.size

    @property
    def sha256(self) -> str:
        """Of what has arrived, in hexadecimal digits."""
        return self._digests[0].hexdigest()

    @property
    def md5(self) -> str:
        """Of what has arrived, in hexadecimal digits: what archives such as Zenodo publish."""
        return self._digests[1].hexdigest()

    @property
    def name(self) -> str:
        """Name of the file that this becomes."""
        return self.path.name.removesuffix(".part")

    @property
    def complete(self) -> bool:
        """Whether nothing is missing, as far as the size is known."""
        return self.total is not None and self.size == self.total

    def restart(self, validator: str, total: int | None) -> None:
        """Forget what has arrived: a version of the file with this validator and size follows."""
        self._file.truncate(0)
        self.size = self.resumed_from = 0
        self._digests = _no_digests()
        self.validator, self.total = validator, total
        write_json(self._mark_path, Mark(url=self.url, validator=validator, total=total))

    def append(self, chunk: bytes) -> None:
        """Add bytes that have arrived."""
        self._file.write(chunk)
        self._digest(chunk)
        self.size += len(chunk)

    def _digest(self, chunk: bytes) -> None:
        for digest in self._digests:
            digest.update(chunk)

    def move_to(self, path: Path) -> None:
        """Put the whole file in its place."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.path.replace(path)
        self._mark_path.unlink()

    def discard(self) -> None:
        """Leave nothing of it behind."""
        self.path.unlink(missing_ok=True)
        self._mark_path.unlink(missing_ok=True)
