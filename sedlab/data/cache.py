"""All waveforms of a corpus in one file of 16-bit samples, so that any 10 s are read in a fraction of a millisecond.

``<folder>/waveforms.i16`` holds the clips one after another, mono, 16 kHz, little-endian; ``<folder>/index.tsv`` says
where each lies and which sound file (bytes, time of change) it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sedlab.data.audio_file import read_audio, resample
from sedlab.data.corpora.layout import CACHE_FOLDER
from sedlab.data.formats.names import on_disk
from sedlab.data.tables import Corpus
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.files import atomic_path, sweep_temporaries
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE
from sedlab.progress import Progress
from sedlab.system.locking import take

WAVEFORMS = "waveforms.i16"
INDEX = "index.tsv"
_LOCK = ".lock"

_FULL_SCALE = 32768.0
_INDEX_COLUMNS = ("subset", "clip_id", "audio", "bytes", "modified_ns", "offset", "num_samples")
_INTEGERS = _INDEX_COLUMNS[3:]
# Decoded and held in memory together; threads help because libsndfile and SciPy's filters release the lock.
_BLOCK_CLIPS = 64
_NUM_THREADS = 4


class WaveformCache:
    """Waveforms by (subset, clip_id).

    Reading maps the file into memory on first use in each process, so an instance may be sent to ``DataLoader`` workers
    and be used by several threads.
    """

    def __init__(self, folder: Path, index: pd.DataFrame) -> None:
        self.folder = Path(folder)
        keys = zip(index["subset"], index["clip_id"], strict=True)
        self._places = dict(zip(keys, zip(index["offset"], index["num_samples"], strict=True), strict=True))
        self._samples: np.ndarray | None = None

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        path: str | Path | None = None,
        progress: Progress | None = None,
    ) -> WaveformCache:
        """Return a cache that holds every clip of ``corpus``; decode all of them unless it is there and up to date.

        A cache is up to date when it has each clip, made from a sound file of the present size and time of change. It
        may hold more, so build it from the whole corpus and use it for parts. Channels are averaged, other sample rates
        resampled to 16 kHz, samples beyond full scale clipped.

        Parameters
        ----------
        path : path or None
            Folder of the cache; None for ``cache/`` under the corpus's root.

        Raises
        ------
        SedlabError
            For a damaged sound file, and when the folder cannot be written to.
        """
        folder = Path(path) if path is not None else corpus.root / CACHE_FOLDER
        wanted = _with_fingerprint(corpus)
        if not _covers(folder, wanted):
            with _lock(folder):
                # Another process may have built it while this one waited.
                if not _covers(folder, wanted):
                    sweep_temporaries(folder)
                    _write(folder, corpus.root, wanted, progress)
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path) -> WaveformCache:
        """Return the cache in folder ``path``.

        Raises
        ------
        SedlabError
            When there is none, or an incomplete one.
        """
        folder = Path(path)
        if not (folder / INDEX).is_file():
            raise SedlabError(
                f"{folder}: holds no waveform cache. It is built by `sedlab run`, or WaveformCache.build."
            )
        index = _read_index(folder)
        expected = int((index["offset"] + index["num_samples"]).max()) * 2 if len(index) else 0
        waveforms = folder / WAVEFORMS
        found = waveforms.stat().st_size if waveforms.is_file() else 0
        if found != expected:
            raise SedlabError(f"{waveforms}: {found} bytes instead of {expected}. Delete {folder} to build it again.")
        return cls(folder, index)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def num_samples(self, subset: str, clip_id: str) -> int:
        """Return the length of a clip in samples at 16 kHz."""
        return self._place(subset, clip_id)[1]

    def read(
        self,
        subset: str,
        clip_id: str,
        *,
        onset_sample: int = 0,
        num_samples: int | None = CLIP_SAMPLES,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return ``num_samples`` samples of a clip from ``onset_sample`` on, float32 in [-1, 1], zeros beyond its end.

        Parameters
        ----------
        num_samples : int or None
            None for all that is left of the clip.
        out : (num_samples,) float32 array
            Where to write them, for instance the row of a batch; None: a new array.
        """
        offset, length = self._place(subset, clip_id)
        if onset_sample < 0:
            raise ValueError(f"onset_sample {onset_sample} is negative")
        available = max(length - onset_sample, 0)
        if num_samples is None:
            num_samples = available
        waveform = np.empty(num_samples, dtype=np.float32) if out is None else out
        count = min(num_samples, available)
        waveform[count:] = 0
        start = offset + onset_sample
        np.multiply(self._open()[start : start + count], np.float32(1 / _FULL_SCALE), out=waveform[:count])
        return waveform

    def _open(self) -> np.ndarray:
        if self._samples is None:
            self._samples = np.memmap(self.folder / WAVEFORMS, dtype="<i2", mode="r")
        return self._samples

    def _place(self, subset: str, clip_id: str) -> tuple[int, int]:
        try:
            return self._places[subset, clip_id]
        except KeyError:
            raise SedlabError(
                f"{self.folder}: the waveform cache lacks clip {clip_id!r} of {subset}. Delete the folder: the next "
                "`sedlab run` builds it from the whole corpus."
            ) from None

    def __getstate__(self) -> dict[str, Any]:
        # A memory map would be pickled as the gigabytes it shows.
        return self.__dict__ | {"_samples": None}


def _write(folder: Path, root: Path, wanted: pd.DataFrame, progress: Progress | None) -> None:
    audio = wanted["audio"].drop_duplicates()
    # Without an index there is no cache: nobody can read new samples by an old index if this stops half-way.
    (folder / INDEX).unlink(missing_ok=True)
    lengths = []
    with atomic_path(folder / WAVEFORMS) as temporary, temporary.open("wb") as file:
        for samples in _decode([root / name for name in audio], progress):
            lengths.append(len(samples))
            file.write(samples.tobytes())
    places = pd.DataFrame({"num_samples": lengths}, index=audio, dtype=np.int64)
    places["offset"] = places["num_samples"].cumsum() - places["num_samples"]
    write_tsv(folder / INDEX, wanted.join(places, on="audio")[list(_INDEX_COLUMNS)])


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time build the cache; on a file system without locks several may, with the same result."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("w")
    except OSError as error:
        raise SedlabError(f"{folder}: cannot be written ({error.strerror}). Choose another cache folder.") from None
    with file:
        take(file, wait=True)
        yield


def _with_fingerprint(corpus: Corpus) -> pd.DataFrame:
    """Return subset, clip_id, audio of all clips with size and time of change of the sound file."""
    table = corpus.clips[["subset", "clip_id", "audio"]].reset_index(drop=True)
    try:
        stats = {audio: on_disk(corpus.root / audio).stat() for audio in table["audio"].unique()}
    except FileNotFoundError as error:
        raise SedlabError(f"{error.filename}: no such sound file. Read the corpus again.") from None
    table["bytes"] = [stats[audio].st_size for audio in table["audio"]]
    table["modified_ns"] = [stats[audio].st_mtime_ns for audio in table["audio"]]
    return table


def _covers(folder: Path, wanted: pd.DataFrame) -> bool:
    try:
        WaveformCache.open(folder)
        present = _read_index(folder)
    except SedlabError:
        # Absent or damaged: building it again is the remedy, and what the caller asked for.
        return False
    columns = list(wanted.columns)
    return len(wanted.merge(present[columns], on=columns)) == len(wanted)


def _read_index(folder: Path) -> pd.DataFrame:
    try:
        table = read_tsv(folder / INDEX, _INDEX_COLUMNS, any_bytes=True)
        # From text, not through float: a time of change in nanoseconds has more digits than a float.
        return table.astype(dict.fromkeys(_INTEGERS, np.int64))
    except (SedlabError, ValueError, OverflowError):
        raise SedlabError(f"{folder / INDEX}: damaged. Delete {folder} to build it again.") from None


def _decode(paths: Sequence[Path], progress: Progress | None) -> Iterator[np.ndarray]:
    """Yield the clips as int16 arrays, in order."""
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        for start in range(0, len(paths), _BLOCK_CLIPS):
            yield from pool.map(_read_int16, paths[start : start + _BLOCK_CLIPS])
            if progress:
                progress(min(start + _BLOCK_CLIPS, len(paths)), len(paths), "waveform cache")


def _read_int16(path: Path) -> np.ndarray:
    waveform = resample(*read_audio(path), SAMPLE_RATE)
    scaled = np.rint(waveform * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")
