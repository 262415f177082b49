"""Writing the file of waveforms: only what it lacks, and so that a killed process loses no more than one clip."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.audio_file import read_audio, resample, to_pcm16
from sedlab.data.cache.index import (
    BUILDING,
    DIGEST,
    INDEX,
    INDEX_COLUMNS,
    INTEGERS,
    SOURCE_COLUMNS,
    WAVEFORMS,
    digests_now,
    folders_of,
)
from sedlab.data.corpora.sound_digests import remember_sounds
from sedlab.data.formats.names import on_disk
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError, os_problem
from sedlab.files import file_sha256
from sedlab.grid import SAMPLE_RATE
from sedlab.progress import Progress
from sedlab.system.locking import take
from sedlab.system.parallel import in_parallel

_LOCK = ".lock"
_STORED_COLUMNS = (*SOURCE_COLUMNS, "offset", "num_samples", DIGEST)
# Threads help because libsndfile and SciPy's filters release the lock.
_NUM_THREADS = 4
_PROGRESS_EVERY = 32
# Below this part of samples that are still wanted, the file is written anew rather than appended to.
_WORTH_KEEPING = 0.5


@contextmanager
def building_alone(folder: Path) -> Iterator[None]:
    """Let one process at a time build the cache; on a file system without locks several may, with the same result."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("w")
    except OSError as error:
        raise SedlabError(f"{folder}: cannot be written ({error.strerror}). Choose another cache folder.") from None
    with file:
        take(file, wait=True)
        yield


def append_missing(
    folder: Path, root: Path, wanted: pd.DataFrame, progress: Progress | None, damaged: list[SedlabError] | None
) -> None:
    """Append what the file of waveforms lacks of ``wanted``, then write the index."""
    kept = _begin(folder, root, wanted)
    sources = wanted[list(SOURCE_COLUMNS)].drop_duplicates("audio")
    missing = list(sources[~sources["audio"].isin(kept["audio"])].itertuples(index=False, name=None))
    added = _append(folder, root, missing, len(sources), progress, damaged)
    if damaged:
        raise SedlabError(f"{root}: {len(damaged)} sound files cannot be read, first: {damaged[0]}")
    places = pd.concat([kept, added])[["audio", "offset", "num_samples", DIGEST]]
    index = wanted.merge(places, on="audio")[[*INDEX_COLUMNS, DIGEST]]
    write_tsv(folder / INDEX, index)
    (folder / BUILDING).unlink(missing_ok=True)
    for name, part in index.groupby(folders_of(index["audio"])):
        entries = part[["bytes", "modified_ns", DIGEST]].itertuples(index=False, name=None)
        remember_sounds(root, str(name), dict(zip(part["audio"], entries, strict=True)))


def _begin(folder: Path, root: Path, wanted: pd.DataFrame) -> pd.DataFrame:
    """Return what may stay of what is stored (audio, bytes, modified_ns, offset, num_samples, sha256).

    From here on there is no index, so nobody opens the cache, and what is known of it is in ``building.tsv``.
    """
    stored = read_stored(folder)
    kept = still_right(root, wanted, stored)
    waveforms = folder / WAVEFORMS
    # A file of two names belongs to another corpus too.
    is_shared = waveforms.is_file() and waveforms.stat().st_nlink > 1
    if is_shared or kept["num_samples"].sum() < _WORTH_KEEPING * stored["num_samples"].sum():
        stored = kept = stored[:0]
        waveforms.unlink(missing_ok=True)
    write_tsv(folder / BUILDING, stored)
    (folder / INDEX).unlink(missing_ok=True)
    return kept


def _append(
    folder: Path,
    root: Path,
    missing: Sequence[tuple[str, int, int]],
    total: int,
    progress: Progress | None,
    damaged: list[SedlabError] | None,
) -> pd.DataFrame:
    """Write the waveforms of ``missing`` (audio, bytes, modified_ns) behind those there are; return their places."""
    stored = read_stored(folder)
    end = int((stored["offset"] + stored["num_samples"]).max()) if len(stored) else 0
    places = []
    try:
        with (
            (folder / WAVEFORMS).open("ab") as file,
            (folder / BUILDING).open("a", encoding="utf-8", errors="surrogateescape", newline="") as building,
        ):
            lines = csv.writer(building, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
            file.truncate(2 * end)
            decoding = in_parallel(lambda source: _read_int16(root / source[0]), missing, workers=_NUM_THREADS)
            for done, (source, decoded) in enumerate(decoding):
                if progress and done % _PROGRESS_EVERY == 0:
                    progress(total - len(missing) + done, total, "waveform cache")
                if isinstance(decoded, SedlabError):
                    if damaged is None:
                        raise decoded
                    damaged.append(decoded)
                    continue
                samples, digest = decoded
                file.write(samples.tobytes())
                # The samples are there before anything says so.
                file.flush()
                places.append((*source, end, len(samples), digest))
                lines.writerow(places[-1])
                building.flush()
                end += len(samples)
    except OSError as error:
        raise SedlabError(os_problem(error, folder / WAVEFORMS)) from error
    if progress and not damaged:
        progress(total, total, "waveform cache")
    return pd.DataFrame(places, columns=list(_STORED_COLUMNS)).astype(dict.fromkeys(INTEGERS, np.int64))


def still_right(root: Path, wanted: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``stored`` whose sound files are now what they were, with their present time of change."""
    sources = wanted[list(SOURCE_COLUMNS)].drop_duplicates("audio")
    both = sources.merge(stored, on=["audio", "bytes"], suffixes=("", "_then"))
    touched = both[both["modified_ns"] != both["modified_ns_then"]]
    digests = {audio: digest for known, _ in digests_now(root, touched) for audio, digest in known.items()}
    others = touched["audio"][(touched[DIGEST] == "") | (touched["audio"].map(digests) != touched[DIGEST])]
    return both[~both["audio"].isin(others)][list(_STORED_COLUMNS)].reset_index(drop=True)


def read_stored(folder: Path) -> pd.DataFrame:
    """Return what the file of waveforms holds for sure: audio, bytes, modified_ns, offset, num_samples, sha256."""
    waveforms = folder / WAVEFORMS
    found = waveforms.stat().st_size if waveforms.is_file() else 0
    path = folder / BUILDING if (folder / BUILDING).is_file() else folder / INDEX
    try:
        table = read_tsv(path, _STORED_COLUMNS, optional=(DIGEST,), any_bytes=True)
        if not path.read_bytes().endswith(b"\n"):  # a killed process has written half of the last line
            table = table[:-1]
        table = table.astype(dict.fromkeys(INTEGERS, np.int64)).drop_duplicates("audio", keep="last")
    except (SedlabError, OSError, ValueError, OverflowError):
        return pd.DataFrame(columns=list(_STORED_COLUMNS)).astype(dict.fromkeys(INTEGERS, np.int64))
    table = table if DIGEST in table else table.assign(**{DIGEST: ""})
    return table[2 * (table["offset"] + table["num_samples"]) <= found].reset_index(drop=True)


def _read_int16(path: Path) -> tuple[np.ndarray, str] | SedlabError:
    try:
        samples = to_pcm16(resample(*read_audio(path), SAMPLE_RATE))
        # While it is in the system's memory.
        return samples, file_sha256(on_disk(path))
    except SedlabError as error:
        return error
