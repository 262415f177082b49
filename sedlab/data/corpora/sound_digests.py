"""What is in sound files, as SHA-256, remembered by size and time of change, so that each is read once.

The memory lies in the corpus's cache folder, a table a folder of clips; it may be deleted at any time, and where it
cannot be written every process reads the files again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.corpora.cache_folder import memory_folder
from sedlab.data.formats.names import on_disk
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError, warn_once
from sedlab.files import file_sha256
from sedlab.progress import Progress

_COLUMNS = ("audio", "bytes", "modified_ns", "sha256")
_INTEGERS = _COLUMNS[1:3]
# SHA-256 is computed without the interpreter's lock, and disks answer several requests at once.
_NUM_THREADS = 4
_BLOCK_FILES = 256
#: Files whose reading takes so long that a person is told.
_MANY = 5_000

#: Size in bytes and time of change in nanoseconds.
Stamp = tuple[int, int]


def sound_digests(
    root: Path,
    stamps: Mapping[str, Stamp],
    *,
    memory: str,
    content: bool = False,
    progress: Progress | None = None,
) -> dict[str, str]:
    """Return the SHA-256 of each sound file, by its path relative to ``root``.

    Parameters
    ----------
    stamps : mapping of path to (bytes, modified_ns)
        What the file system says of the files now.
    memory : str
        Name of the set of files they belong to, under which they are remembered.
    content : bool
        Read every file, whatever is remembered.

    Raises
    ------
    SedlabError
        When a file cannot be read.
    """
    known = {} if content else _read(root, memory)
    unread = [audio for audio, stamp in stamps.items() if known.get(audio, ())[:2] != stamp]
    if not unread:
        return {audio: known[audio][2] for audio in stamps}
    if len(unread) > _MANY and progress is None:
        warn_once(f"{root}: {len(unread):,} sound files are read once, to know whether they are others than before.")
    found: dict[str, str] = {}
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        for start in range(0, len(unread), _BLOCK_FILES):
            block = unread[start : start + _BLOCK_FILES]
            found |= zip(block, pool.map(file_sha256, (on_disk(root / audio) for audio in block)), strict=True)
            if progress:
                progress(len(found), len(unread), "sound files, to know whether they have changed")
    remember_sounds(root, memory, {audio: (*stamps[audio], digest) for audio, digest in found.items()})
    return {audio: found.get(audio) or known[audio][2] for audio in stamps}


def remember_sounds(root: Path, memory: str, found: Mapping[str, tuple[int, int, str]]) -> None:
    """Add (bytes, modified_ns, digest) of files to what is remembered, where that can be written."""
    # A cache of an earlier version does not say from what it was made.
    entries = _read(root, memory) | {audio: entry for audio, entry in found.items() if entry[2]}
    rows = [(audio, *entry) for audio, entry in entries.items()]
    with suppress(SedlabError, OSError):
        write_tsv(_file(root, memory), pd.DataFrame(rows, columns=list(_COLUMNS)))


def _read(root: Path, memory: str) -> dict[str, tuple[int, int, str]]:
    try:
        table = read_tsv(_file(root, memory), _COLUMNS, any_bytes=True).astype(dict.fromkeys(_INTEGERS, np.int64))
    except (SedlabError, ValueError, OverflowError):
        return {}  # only a memory: what is lost is read again
    return {audio: tuple(entry) for audio, *entry in table.itertuples(index=False)}


def _file(root: Path, memory: str) -> Path:
    return memory_folder(root) / f"{hashlib.sha256(memory.encode()).hexdigest()[:12]}.tsv"
