"""The waveforms of a corpus, any 10 s of which are read in a fraction of a millisecond."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sedlab.data.cache.building import append_missing, building_alone, read_stored, still_right
from sedlab.data.cache.index import DIGEST, INDEX, WAVEFORMS, digests_now, read_index, with_stamps
from sedlab.data.corpora.cache_folder import cache_folder, writable_cache_folder
from sedlab.data.formats.names import on_disk
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.files import sweep_temporaries
from sedlab.grid import CLIP_SAMPLES, FULL_SCALE
from sedlab.progress import Progress


class WaveformCache:
    """Waveforms by (subset, clip_id).

    The file is opened on first use in each process; an instance may be sent to others, and be used by several threads.
    """

    def __init__(self, folder: Path, index: pd.DataFrame) -> None:
        self.folder = Path(folder)
        keys = zip(index["subset"], index["clip_id"], strict=True)
        self._places = dict(zip(keys, zip(index["offset"], index["num_samples"], strict=True), strict=True))
        self._file: int | None = None
        self._opening = threading.Lock()

    @classmethod
    def build(
        cls,
        corpus: Corpus,
        path: str | Path | None = None,
        progress: Progress | None = None,
        *,
        damaged: list[SedlabError] | None = None,
    ) -> WaveformCache:
        """Return a cache that holds every clip of ``corpus``; decode all of them unless it is there and up to date.

        A cache is up to date when it has each clip, made from a sound file of the present size, and of the present time
        of change or, after a copy, content. It may hold more, so build it from the whole corpus and use it for parts.
        Channels are averaged, other sample rates resampled to 16 kHz, samples beyond full scale clipped.

        Parameters
        ----------
        path : path or None
            Folder of the cache; None for ``cache/`` under the corpus's root, or, where that cannot be written to, a
            folder among the person's own caches.
        damaged : list or None
            Where to collect the errors of all sound files that cannot be read; without, the first of them ends it.

        Raises
        ------
        SedlabError
            For a damaged sound file, and when the folder cannot be written to.
        """
        folder = Path(path) if path is not None else cache_folder(corpus.root)
        wanted = with_stamps(corpus)
        if not _covers(folder, wanted, corpus.root):
            folder = Path(path) if path is not None else writable_cache_folder(corpus.root)
            with building_alone(folder):
                # Another process may have built it while this one waited.
                if not _covers(folder, wanted, corpus.root):
                    sweep_temporaries(folder)
                    append_missing(folder, corpus.root, wanted, progress, damaged)
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
        index = read_index(folder)
        expected = int((index["offset"] + index["num_samples"]).max()) * 2 if len(index) else 0
        waveforms = folder / WAVEFORMS
        found = waveforms.stat().st_size if waveforms.is_file() else 0
        if found < expected:
            raise SedlabError(f"{waveforms}: {found} bytes instead of {expected}. Delete {folder} to build it again.")
        return cls(folder, index)

    @staticmethod
    def missing(corpus: Corpus) -> set[str]:
        """Return which sound files (``audio`` of its clips) building would decode; none when it is up to date."""
        wanted = with_stamps(corpus)
        folder = cache_folder(corpus.root)
        if _covers(folder, wanted, corpus.root):
            return set()
        return set(wanted["audio"]) - set(still_right(corpus.root, wanted, read_stored(folder))["audio"])

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def num_samples(self, subset: str, clip_id: str) -> int:
        """Return the length of a clip in samples at 16 kHz."""
        return self._place(subset, clip_id)[1]

    def read(
        self, subset: str, clip_id: str, *, onset_sample: int = 0, num_samples: int | None = CLIP_SAMPLES
    ) -> np.ndarray:
        """Return ``num_samples`` samples of a clip from ``onset_sample`` on, float32 in [-1, 1], zeros beyond its end.

        ``num_samples`` None: all that is left of the clip. Errors are those of `read_stored`.
        """
        if num_samples is None:
            num_samples = max(self.num_samples(subset, clip_id) - onset_sample, 0)
        stored = np.empty(num_samples, dtype="<i2")
        self.read_stored(subset, clip_id, out=stored, onset_sample=onset_sample)
        return np.multiply(stored, np.float32(1 / FULL_SCALE))

    def read_stored(self, subset: str, clip_id: str, *, out: np.ndarray, onset_sample: int = 0) -> None:
        """Write the samples of a clip from ``onset_sample`` on into ``out`` (samples,) int16, zeros beyond its end.

        Other threads go on meanwhile. Read, not mapped into memory: that is as fast, and a disk that fails gives an
        error with a name in place of the end of the process.

        Raises
        ------
        SedlabError
            For a clip that is not in the cache, or that can no longer be read.
        """
        offset, length = self._place(subset, clip_id)
        if onset_sample < 0:
            raise ValueError(f"onset_sample {onset_sample} is negative")
        count = min(len(out), max(length - onset_sample, 0))
        out[count:] = 0
        done, wanted = 0, 2 * count
        position, target = 2 * (offset + onset_sample), memoryview(out[:count]).cast("B") if count else b""
        while done < wanted:
            try:
                read = os.preadv(self._open(), [target[done:]], position + done)
            except OSError as error:
                raise self._unreadable(subset, clip_id, error.strerror) from error
            if not read:
                raise self._unreadable(subset, clip_id, "the file has become shorter")
            done += read

    def _open(self) -> int:
        """Return the descriptor of the open file of waveforms."""
        if self._file is None:
            try:
                file = os.open(self.folder / WAVEFORMS, os.O_RDONLY)
            except OSError as error:
                raise SedlabError(f"{self.folder / WAVEFORMS}: cannot be read ({error.strerror}).") from error
            with self._opening:
                if self._file is None:
                    self._file = file
                    weakref.finalize(self, os.close, file)
                else:  # another thread was quicker
                    os.close(file)
        return self._file

    def _unreadable(self, subset: str, clip_id: str, reason: str) -> SedlabError:
        return SedlabError(
            f"{self.folder / WAVEFORMS}: clip {clip_id!r} of {subset} cannot be read ({reason}). Check the disk, then "
            f"delete {self.folder}: the next `sedlab run` builds it again."
        )

    def _place(self, subset: str, clip_id: str) -> tuple[int, int]:
        try:
            return self._places[subset, clip_id]
        except KeyError:
            raise SedlabError(
                f"{self.folder}: the waveform cache lacks clip {clip_id!r} of {subset}. Delete the folder: the next "
                "`sedlab run` builds it from the whole corpus."
            ) from None

    def __getstate__(self) -> dict[str, Any]:
        # Whoever gets a copy opens the file itself.
        return {"folder": self.folder, "_places": self._places}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._file, self._opening = None, threading.Lock()


def changed_sounds(root: Path, subsets: Collection[str]) -> list[str]:
    """Return the sound files of some subsets that are others, or gone, since the cache of the corpus was built."""
    try:
        index = read_index(cache_folder(root))
    except SedlabError:
        return []
    index = index[index["subset"].isin(subsets) & (index[DIGEST] != "")].drop_duplicates("audio")
    there = [on_disk(root / audio).is_file() for audio in index["audio"]]
    gone, present = index[[not one for one in there]], index[there]
    stats = [on_disk(root / audio).stat() for audio in present["audio"]]
    present = present.assign(bytes=[one.st_size for one in stats], modified_ns=[one.st_mtime_ns for one in stats])
    changed = [
        audio
        for digests, part in digests_now(root, present)
        for audio, digest in zip(part["audio"], part[DIGEST], strict=True)
        if digests[audio] != digest
    ]
    return [*gone["audio"], *changed]


def _covers(folder: Path, wanted: pd.DataFrame, root: Path) -> bool:
    try:
        WaveformCache.open(folder)
        present = read_index(folder)
    except SedlabError:
        # Absent or damaged: building it again is the remedy, and what the caller asked for.
        return False
    clip = ["subset", "clip_id", "audio", "bytes"]
    both = wanted.merge(present, on=clip, suffixes=("", "_then"))
    if len(both) < len(wanted):
        return False
    touched = both[both["modified_ns"] != both["modified_ns_then"]].drop_duplicates("audio")
    return bool((touched[DIGEST] != "").all()) and all(
        digests_now[audio] == digest
        for digests_now, part in digests_now(root, touched)
        for audio, digest in zip(part["audio"], part[DIGEST], strict=True)
    )
