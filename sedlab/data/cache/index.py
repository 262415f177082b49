"""Where each clip lies in the file of waveforms, and which sound file it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.corpora.sound_digests import sound_digests
from sedlab.data.formats.names import on_disk
from sedlab.data.tables import Corpus
from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError

WAVEFORMS = "waveforms.i16"
INDEX = "index.tsv"
BUILDING = "building.tsv"

INDEX_COLUMNS = ("subset", "clip_id", "audio", "bytes", "modified_ns", "offset", "num_samples")
INTEGERS = INDEX_COLUMNS[3:]
#: Of the sound file; not in the index of an earlier version.
DIGEST = "sha256"
SOURCE_COLUMNS = ("audio", "bytes", "modified_ns")


def read_index(folder: Path) -> pd.DataFrame:
    try:
        table = read_tsv(folder / INDEX, (*INDEX_COLUMNS, DIGEST), optional=(DIGEST,), any_bytes=True)
        # From text, not through float: a time of change in nanoseconds has more digits than a float.
        table = table.astype(dict.fromkeys(INTEGERS, np.int64))
        return table if DIGEST in table else table.assign(**{DIGEST: ""})
    except (SedlabError, ValueError, OverflowError):
        raise SedlabError(f"{folder / INDEX}: damaged. Delete {folder} to build it again.") from None


def with_stamps(corpus: Corpus) -> pd.DataFrame:
    """Return subset, clip_id, audio of all clips with size and time of change of the sound file."""
    table = corpus.clips[["subset", "clip_id", "audio"]].reset_index(drop=True)
    try:
        stats = {audio: on_disk(corpus.root / audio).stat() for audio in table["audio"].unique()}
    except FileNotFoundError as error:
        raise SedlabError(f"{error.filename}: no such sound file. Read the corpus again.") from None
    table["bytes"] = [stats[audio].st_size for audio in table["audio"]]
    table["modified_ns"] = [stats[audio].st_mtime_ns for audio in table["audio"]]
    return table


def digests_now(root: Path, files: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield the digests of sound files, and their rows, folder by folder."""
    for name, part in files.groupby(folders_of(files["audio"])):
        stamps = dict(zip(part["audio"], zip(part["bytes"], part["modified_ns"], strict=True), strict=True))
        yield sound_digests(root, stamps, memory=str(name)), part


def folders_of(audio: pd.Series) -> pd.Series:
    return audio.map(lambda name: name.rpartition("/")[0])
