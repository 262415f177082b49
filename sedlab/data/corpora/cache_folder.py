"""Where the waveform cache and what is remembered of a corpus are kept: under its root, or beside a person's caches."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sedlab.data.corpora.layout import CACHE_FOLDER
from sedlab.errors import warn_once
from sedlab.system.home import can_write, writable_home

#: The file that says that a folder holds a waveform cache: `sedlab.data.cache.INDEX`.
_INDEX = "index.tsv"


def cache_folder(root: Path) -> Path:
    """Return ``cache/`` under the data root; for a root that cannot be written to, a folder of the person's caches.

    A cache that is already there under such a root is used, until another has to be built. Nothing is made here.
    """
    usual = root / CACHE_FOLDER
    if not root.is_dir() or can_write(usual):
        return usual
    own = _own_folder(root)
    return usual if (usual / _INDEX).is_file() and not (own / _INDEX).is_file() else own


def writable_cache_folder(root: Path) -> Path:
    """Return the folder in which a cache of the corpus can be built; says so in a line where that is not ``cache/``."""
    usual = root / CACHE_FOLDER
    if not root.is_dir() or can_write(usual):
        return usual
    own = _own_folder(root)
    warn_once(f"{root}: cannot be written to; the waveform cache is kept in {own}.")
    return own


def memory_folder(root: Path) -> Path:
    """Return the folder for what is remembered of the corpus's files."""
    usual = root / CACHE_FOLDER
    return (usual if not root.is_dir() or can_write(usual) else _own_folder(root)) / "fingerprint"


def _own_folder(root: Path) -> Path:
    writable_home()  # where there is none, this names another place for caches
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "sedlab" / "corpora" / hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
