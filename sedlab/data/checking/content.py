"""What is in the sound files, sample by sample: levels, silence, clipping, offsets, damage, and equal sound.

Results are remembered in `check_content.tsv` beside the waveform cache, by size and time of change of each file: a
check that was interrupted goes on, and a second one reads what has changed.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.checking.findings import ERROR, NOTE, WARNING, Findings
from sedlab.data.corpora.cache_folder import cache_folder
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.formats.opening import open_sound
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.grid import FULL_SCALE
from sedlab.progress import Progress, no_progress

MEMORY_FILE = "check_content.tsv"
LEVELS = ("peak", "rms", "mean", "full_scale")
#: Of each file: its highest absolute sample, root mean square, mean, share of samples at full scale, a digest of its
#: samples, and why it cannot be decoded.
COLUMNS = (*LEVELS, "digest", "fault")

#: Nothing of a recording of 16 bits is below: not one bit.
SILENT_PEAK = 0.5 / FULL_SCALE
#: More than every thousandth sample at full scale can be heard.
CLIPPED = 0.001
#: A mean beyond 5 % of full scale is a fault of the recorder.
OFFSET = 0.05

_KEYS = ("audio", "bytes", "modified_ns")
_NUM_THREADS = 4
_BLOCK_FILES = 64
_SAVE_SECONDS = 20.0


def read_content(root: Path, files: pd.DataFrame, progress: Progress = no_progress) -> pd.DataFrame:
    """Return ``files`` (as of `scan_folders`) with the columns `COLUMNS`; decodes those that changed since last time.

    Without a place to remember results, on a disk that cannot be written to, all are decoded each time.
    """
    files = files.assign(audio=files["folder"] + "/" + files["file"])
    known = _remembered(root)
    keys = list(files[list(_KEYS)].itertuples(index=False, name=None))
    due = [key for key, problem in zip(keys, files["problem"], strict=True) if key not in known and not problem]
    fresh = saved = 0
    last = time.monotonic()
    try:
        for key, measured in zip(due, _measure_all(root, due), strict=True):
            known[key] = measured
            fresh += 1
            progress(fresh, len(due), "samples")
            if time.monotonic() - last > _SAVE_SECONDS:
                _remember(root, known)
                saved, last = fresh, time.monotonic()
    finally:
        if fresh > saved:
            _remember(root, known)
    nothing = (float("nan"),) * len(LEVELS) + ("", "")
    rows = [known.get(key, nothing) for key in keys]
    return files.join(pd.DataFrame(rows, columns=list(COLUMNS), index=files.index))


def measure(path: Path) -> tuple[float, float, float, float, str, str]:
    """Return `COLUMNS` of a sound file; channels are averaged for levels, and not for the digest."""
    digest = hashlib.blake2b(digest_size=16)
    count, peak, squares, total, full = 0, 0.0, 0.0, 0.0, 0
    try:
        with open_sound(path, whole=True, quiet=True) as sound:
            digest.update(str((sound.sample_rate, sound.decoder.channels)).encode())
            for samples in sound.blocks():
                digest.update(np.ascontiguousarray(samples))
                mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
                high = np.abs(mono)
                count, peak = count + len(mono), max(peak, float(high.max()))
                squares += float(np.dot(mono, mono))
                total += float(mono.sum(dtype=np.float64))
                full += int(np.count_nonzero(high >= 1 - 2 / FULL_SCALE))
            if not count:
                raise sound.empty()
    except SedlabError as error:
        return (float("nan"),) * 4 + ("", str(error))  # type: ignore[return-value]
    return peak, (squares / count) ** 0.5, total / count, full / count, digest.hexdigest(), ""


def check_content(files: pd.DataFrame, findings: Findings) -> None:
    """Report what the samples say of the clips of all sets.

    ``files``: as of `read_content`, a row a clip of a set, with `subset` and `clip_id`.
    """
    for name, clips in files.groupby("subset", sort=False):
        _check_levels(str(name), clips, findings)
    _check_equal(files, findings)


def is_silent(files: pd.DataFrame) -> pd.Series:
    """Say of each file whether nothing sounds in it: no sample is other than zero, or all are the same."""
    return (files["peak"] <= SILENT_PEAK) | _is_constant(files)


def _check_levels(name: str, clips: pd.DataFrame, findings: Findings) -> None:
    again = "Get them again, or take them out of the table."
    faulty = clips[clips["fault"] != ""]
    said = "files that cannot be decoded to their end"
    findings.add(ERROR, name, "corrupt", said, again, examples=faulty["file"], clips=faulty["clip_id"])
    silent = clips[clips["peak"] <= SILENT_PEAK]
    said = "clips in which every sample is zero"
    findings.add(WARNING, name, "silent", said, again, examples=silent["file"], clips=silent["clip_id"])
    constant = clips[_is_constant(clips) & (clips["peak"] > SILENT_PEAK)]
    said = "clips in which every sample is the same"
    findings.add(WARNING, name, "constant", said, again, examples=constant["file"], clips=constant["clip_id"])
    offset = clips[(clips["mean"].abs() > OFFSET) & ~_is_constant(clips)]
    examples = [f"{row.file} ({row.mean:+.2f})" for row in offset.itertuples()]
    said = "clips whose mean is not zero (DC offset)"
    findings.add(
        NOTE,
        name,
        "offset",
        said,
        "Nothing to do; a high-pass filter takes it out.",
        examples=examples,
        clips=offset["clip_id"],
    )
    clipped = clips[(clips["full_scale"] > CLIPPED) & ~_is_constant(clips)]
    clipped = clipped.sort_values("full_scale", ascending=False)
    examples = [f"{row.file} ({row.full_scale:.1%})" for row in clipped.itertuples()]
    said = f"clips with more than {CLIPPED:.1%} of their samples at full scale: clipped"
    findings.add(
        NOTE,
        name,
        "clipped",
        said,
        "Nothing to do; loud YouTube clips often are.",
        examples=examples,
        clips=clipped["clip_id"],
    )


def _check_equal(files: pd.DataFrame, findings: Findings) -> None:
    """Report clips with the same samples under several names, by the sets that hold them."""
    heard = files[(files["digest"] != "") & ~is_silent(files)]
    once = heard.drop_duplicates(["audio"])
    twice = once[once.duplicated("digest", keep=False)]
    pairs: dict[tuple[str, str], list[str]] = {}
    for _, rows in twice.groupby("digest", sort=False):
        first, *others = rows.itertuples()
        for other in others:
            # The same clip in two sets, under one name, is told of with the splits.
            if first.clip_id != other.clip_id or first.subset == other.subset:
                pairs.setdefault((first.subset, other.subset), []).append(f"{first.file} = {other.file}")
    for (one, other), examples in pairs.items():
        splits = {SUBSETS[one].split, SUBSETS[other].split}
        said = "clips with the same samples under other names" + ("" if one == other else f", in {other}")
        severity = ERROR if splits == {"train", "test"} else WARNING
        remedy = "Keep one of each, in one split." if severity == ERROR else "Keep one of each."
        findings.add(severity, one, "same audio", said, remedy, examples=examples)


def _is_constant(files: pd.DataFrame) -> pd.Series:
    # All samples are the same when their mean square is the square of their mean.
    spread = files["rms"] ** 2 - files["mean"] ** 2
    return (files["rms"] > 0) & (spread.abs() < 1e-6 * files["rms"] ** 2)


def _measure_all(root: Path, keys: Sequence[tuple]) -> Iterator[tuple]:
    with ThreadPoolExecutor(min(_NUM_THREADS, os.cpu_count() or 1)) as pool:
        for start in range(0, len(keys), _BLOCK_FILES):
            yield from pool.map(lambda key: measure(root / key[0]), keys[start : start + _BLOCK_FILES])


def _remembered(root: Path) -> dict[tuple, tuple]:
    """Return what earlier checks found, {(audio, bytes, modified_ns): `COLUMNS`}; {} where that cannot be read."""
    try:
        table = read_tsv(cache_folder(root) / MEMORY_FILE, (*_KEYS, *COLUMNS), numbers=LEVELS, any_bytes=True)
        table = table.astype({"bytes": np.int64, "modified_ns": np.int64})
    except (SedlabError, ValueError, OverflowError):
        return {}  # only a memory: what is lost is read again
    keys = table[list(_KEYS)].itertuples(index=False, name=None)
    return dict(zip(keys, table[list(COLUMNS)].itertuples(index=False, name=None), strict=True))


def _remember(root: Path, known: dict[tuple, tuple]) -> None:
    table = pd.DataFrame([(*key, *value) for key, value in known.items()], columns=[*_KEYS, *COLUMNS])
    with suppress(SedlabError):  # a corpus that cannot be written to
        write_tsv(cache_folder(root) / MEMORY_FILE, table)
