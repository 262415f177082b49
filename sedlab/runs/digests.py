"""What is in the files of a run, as SHA-256, remembered until a file is written again."""

from __future__ import annotations

import json
from pathlib import Path

from sedlab.files import file_sha256, read_remembered, write_text

#: In the run folder: what the files had when they were last read. May be deleted at any time.
DIGESTS_FILE = ".digests"


class Digests:
    """The digests of files of a run and of files outside it, by their names relative to the run or absolute.

    A file is read again when its size, inode or a time of change is another than when it was last read.
    """

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder
        self._known = read_remembered(run_folder / DIGESTS_FILE, 5)
        self._new: dict[str, list[int | str]] = {}

    def of(self, name: str) -> str:
        """Return the digest of a file; raises SedlabError when it cannot be read."""
        path = self._folder / name
        found = path.stat()
        stamp = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        if self._known.get(name, [])[:-1] != stamp:
            self._known[name] = self._new[name] = [*stamp, file_sha256(path)]
        return str(self._known[name][-1])

    def save(self) -> None:
        """Remember what was read; what another process wrote in the meantime stays."""
        if self._new:
            file = self._folder / DIGESTS_FILE
            write_text(file, json.dumps({**read_remembered(file, 5), **self._new}) + "\n")
            self._new = {}
