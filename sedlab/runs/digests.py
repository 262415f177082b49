"""What is in the files of a run, as SHA-256, remembered until a file is written again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.files import write_text

#: In the run folder: what the files had when they were last read. May be deleted at any time.
DIGESTS_FILE = ".digests"


class Digests:
    """The digests of files of a run and of files outside it, by their names relative to the run or absolute.

    A file is read again when its size, inode or a time of change is another than when it was last read.
    """

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder
        self._known = _read(run_folder / DIGESTS_FILE)
        self._new: dict[str, list[int | str]] = {}

    def of(self, name: str) -> str:
        """Return the digest of a file; raises SedlabError when it cannot be read."""
        path = self._folder / name
        found = path.stat()
        stamp = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        if self._known.get(name, [])[:-1] != stamp:
            self._known[name] = self._new[name] = [*stamp, file_digest(path)]
        return str(self._known[name][-1])

    def save(self) -> None:
        """Remember what was read; what another process wrote in the meantime stays."""
        if self._new:
            file = self._folder / DIGESTS_FILE
            write_text(file, json.dumps({**_read(file), **self._new}) + "\n")
            self._new = {}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's contents; raises SedlabError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SedlabError(f"{path}: cannot be read ({error.strerror}). Make it readable, or delete it.") from error


def _read(file: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}  # only a memory: what is lost is read again
    if not isinstance(known, dict):
        return {}
    return {name: entry for name, entry in known.items() if isinstance(entry, list) and len(entry) == 5}
