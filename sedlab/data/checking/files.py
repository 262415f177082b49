"""What the sound files of a folder are by their names, headers and sizes; nothing is decoded where a header will do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from sedlab.data.audio_file import read_header
from sedlab.data.formats.names import readable_name
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.errors import SedlabError
from sedlab.progress import Progress, no_progress

COLUMNS = ("folder", "file", "stem", "bytes", "modified_ns", "sample_rate", "channels", "duration", "problem")
EMPTY, TRUNCATED, UNREADABLE = "empty", "truncated", "unreadable"

# Threads help where opening a file takes the time of a network; more would only wait for Python's lock.
_NUM_THREADS = 4
_BLOCK_FILES = 500


def scan_folders(root: Path, folders: Sequence[Path], progress: Progress = no_progress) -> pd.DataFrame:
    """Return a row a sound file of ``folders``, which lie under ``root``.

    Returns
    -------
    DataFrame
        folder (relative to root), file (its name), stem, bytes, modified_ns, sample_rate, channels, duration (s) and
        problem: "" or "empty", "truncated", "unreadable". Of a file with a problem, rate, channels and duration are 0.
    """
    entries = [entry for folder in folders for entry in _entries(root, folder)]
    blocks = [entries[start : start + _BLOCK_FILES] for start in range(0, len(entries), _BLOCK_FILES)]
    rows: list[tuple] = []
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        for block in pool.map(_headers, blocks):
            rows += block
            progress(len(rows), len(entries), "headers")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _entries(root: Path, folder: Path) -> list[tuple[str, str, str]]:
    """Return (path, folder relative to root, name) of the sound files in a folder, by name."""
    relative = folder.relative_to(root).as_posix()
    with os.scandir(folder) as found:
        names = sorted(entry.name for entry in found)
    return [(os.path.join(folder, name), relative, name) for name in names if is_audio_name(readable_name(name))]  # noqa: PTH118


def _headers(entries: Sequence[tuple[str, str, str]]) -> list[tuple]:
    rows = []
    for path, folder, raw in entries:
        name = readable_name(raw)
        stem = os.path.splitext(name)[0]  # noqa: PTH122 (a Path for each of 100,000 entries is slow)
        size = modified = rate = channels = 0
        duration, problem = 0.0, ""
        try:
            state = os.stat(path)  # noqa: PTH116
            size, modified = state.st_size, state.st_mtime_ns
            if size:
                header = read_header(path)
                rate, channels, duration = header.sample_rate, header.channels, header.duration
            else:
                problem = EMPTY
        except OSError:  # a link that leads nowhere
            problem = UNREADABLE
        except SedlabError as error:
            text = str(error)
            problem = TRUNCATED if "truncated" in text else EMPTY if "holds no samples" in text else UNREADABLE
        rows.append((folder, name, stem, size, modified, rate, channels, duration, problem))
    return rows
