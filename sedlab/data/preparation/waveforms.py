"""The waveform cache of all corpora under a root: how large it becomes and how long it takes, then the cache itself."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedlab.config.data import DataConfig
from sedlab.data.audio_file import read_audio, resample
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.cache_folder import writable_cache_folder
from sedlab.data.corpora.load import load_corpus
from sedlab.data.preparation.twins import check_space
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.grid import SAMPLE_RATE
from sedlab.progress import Progress

# Files that are decoded to guess the time of all.
_MEASURED = 8


@dataclass(frozen=True)
class CacheEstimate:
    """What a waveform cache is going to take."""

    num_files: int
    """To decode; 0 when it is up to date."""
    num_bytes: int
    """To be written for them."""
    seconds: float
    """Of one thread; two are nearly twice as fast."""


def everything_under(root: Path) -> Corpus:
    """Return all clips under a root, also those that exclusion lists take out of training: a run may want them."""
    return load_corpus(root, DataConfig(root=root, exclude_overlapping=False))


def estimate_cache(corpus: Corpus) -> CacheEstimate:
    """Return what the cache of a corpus still takes; the time from decoding a few of its files."""
    files = _lacking(corpus)
    measured = files.iloc[:: max(1, len(files) // _MEASURED)].head(_MEASURED)
    paths = [corpus.root / audio for audio in measured["audio"]]
    # The first time loads and designs what all the others use.
    for path in paths[:1]:
        _seconds_to_decode(path)
    seconds, total = sum(map(_seconds_to_decode, paths)), files["duration"].sum()
    share = total / measured["duration"].sum() if len(measured) else 0.0
    return CacheEstimate(len(files), int(total * 2 * SAMPLE_RATE), share * seconds)


def _seconds_to_decode(path: Path) -> float:
    begin = time.thread_time()
    with suppress(SedlabError):  # building tells
        resample(*read_audio(path), SAMPLE_RATE)
    return time.thread_time() - begin


def build_cache(
    corpus: Corpus, progress: Progress | None = None, *, damaged: list[SedlabError] | None = None
) -> WaveformCache:
    """Build the cache of a corpus in its place, or what it lacks; raises SedlabError where it has no room."""
    needed = _lacking(corpus)["duration"].sum() * 2 * SAMPLE_RATE
    if needed:
        check_space(writable_cache_folder(corpus.root), needed, "waveforms in the cache")
    return WaveformCache.build(corpus, None, progress, damaged=damaged)


def _lacking(corpus: Corpus) -> pd.DataFrame:
    """Return a row of the clip table for each sound file that the cache lacks."""
    files = corpus.clips.drop_duplicates("audio")
    return files[files["audio"].isin(WaveformCache.missing(corpus))]
