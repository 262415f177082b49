"""File names whose bytes are no UTF-8, as text that tables, JSON and HDF5 can hold: ``caf\\xe9.wav``."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


def readable_name(path: str | Path) -> str:
    """Return a path, or a sentence with paths, as text; a byte that is no UTF-8 becomes backslash, x and two digits."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def on_disk(path: Path) -> Path:
    """Return the path that `readable_name` wrote as ``path``, which is mostly the same one."""
    raw = os.fsencode(path)
    if b"\\x" not in raw or os.path.lexists(path):
        return path
    return Path(os.fsdecode(_ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()), raw)))
