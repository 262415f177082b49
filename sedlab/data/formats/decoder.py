"""What libsndfile's decoders are given to read, and where their remarks go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

_STDERR = 2
_stderr_lock = Lock()


class DataView:
    """A file as libsndfile should see it: with a mended header; or without what is before its sound, and its size."""

    def __init__(self, file: BinaryIO, mended: dict[int, bytes], hidden: int | None):
        self._file, self._mended, self._hidden = file, mended, hidden
        self._at_end = False
        self.needed = bool(mended) or hidden is not None
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at_end = whence == os.SEEK_END
        return self._file.seek(offset + (self._hidden or 0) if whence == os.SEEK_SET else offset, whence)

    def tell(self) -> int:
        return 0 if self._at_end and self._hidden is not None else self._file.tell() - (self._hidden or 0)

    def readinto(self, buffer: Any) -> int:
        start = self._file.tell()
        try:
            count = self._file.readinto(buffer)
        except OSError as error:
            self.error = error
            return 0
        for place, right in self._mended.items():
            for at, byte in enumerate(right, place - start):
                if 0 <= at < count:
                    buffer[at] = bytes((byte,))
        return count


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep what C code writes to the error stream from the terminal."""
    with _stderr_lock, Path(os.devnull).open("wb") as nowhere:
        stderr = os.dup(_STDERR)
        os.dup2(nowhere.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, _STDERR)
            os.close(stderr)
