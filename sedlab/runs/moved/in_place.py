"""The corpus of a run where it lies, and whether it still is the one that the run was begun with."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sedlab.data.corpora.layout import MINI_MARKER
from sedlab.errors import SedlabError
from sedlab.runs.layout import RUNS_FOLDER
from sedlab.runs.manifest import read_manifest

if TYPE_CHECKING:
    from sedlab.config.data import DataConfig
    from sedlab.data.cache import WaveformCache
    from sedlab.data.tables import Corpus


def read_corpus(run: Path, root: Path, config: DataConfig) -> Corpus:
    """Return the tables of the corpus at the data root of a run.

    Raises
    ------
    SedlabError
        When the data are not there, or another corpus has taken their place since the run prepared them.
    """
    from sedlab.data.corpora.load import load_corpus

    manifest = run / "data" / "manifest.json"
    if not root.is_dir() and manifest.is_file():
        raise SedlabError(
            f"{root}: the clips of {run.name} and their labels are not here, and the run keeps none (it "
            f"was copied, and made by an earlier version). Where they are: sedlab pack {RUNS_FOLDER}/{run.name}; "
            "scores, tables and report.html can be read as they are."
        )
    if manifest.is_file() and read_manifest(manifest).results.get("corpus") != digest_of(root):
        raise SedlabError(
            f"{root}: another corpus has taken the place of the one this run was begun with. Set "
            f"data.root to a folder of its own, or delete {manifest} and run again with the present one."
        )
    return load_corpus(root, config)


def digest_of(root: Path) -> str | None:
    """Return a digest of what the mini corpus at a data root was generated from; None for other data."""
    marker = root / MINI_MARKER
    return hashlib.sha256(marker.read_bytes()).hexdigest()[:12] if marker.is_file() else None


def open_cache(folder: Path) -> WaveformCache:
    """Open a waveform cache; one that has not changed stays open."""
    from sedlab.data.cache import INDEX, WAVEFORMS

    files = [file for file in (folder / INDEX, folder / WAVEFORMS) if file.is_file()]
    return _open_cache(folder, tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(maxsize=4)
def _open_cache(folder: Path, _state: tuple[tuple[int, int], ...]) -> WaveformCache:
    from sedlab.data.cache import WaveformCache

    return WaveformCache.open(folder)
