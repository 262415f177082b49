"""What is remembered of an import: its options, and which clip was cut from which recording.

`own/import.json` lets an import be done again; `own/clips.tsv` lets it do only what has changed, and says where each
clip comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from sedlab.data.corpora.layout import OWN_FOLDER, SUBSETS
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.files import read_json
from sedlab.grid import CLIP_SECONDS

RECORD = f"{OWN_FOLDER}/import.json"
CLIPS = f"{OWN_FOLDER}/clips.tsv"
_COLUMNS = ("subset", "filename", "recording", "start", "end", "samples", "bytes", "modified_ns", "source")
_INTEGERS = ("start", "end", "samples", "bytes", "modified_ns")


class ImportOptions(BaseModel):
    """The arguments of `sedlab data import`; paths are absolute."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    folder: Path
    """Where the recordings are, searched to the bottom."""
    labels: tuple[Path, ...] = ()
    """Label files, or folders of them."""
    unlabeled: tuple[Path, ...] = ()
    """Folders of recordings without labels."""
    format: Literal["audacity", "raven", "table", "weak"] | None = None
    """Of the label files; None: guessed, file by file."""
    columns: dict[str, str] = Field(default_factory=dict)
    """{filename, onset, offset, duration or label: column}, beside those that are known by their names."""
    label_column: str | None = None
    split: str | None = None
    """`70/15/15`, "folders", or a table (filename, split); None: by folders where all are in train, val and test, else
    70/15/15."""
    split_column: str | None = None
    """Column of the label table with train, val or test."""
    seed: int = 0
    hop: float = Field(default=5.0, gt=0, le=CLIP_SECONDS)
    """Seconds between the clips of a training recording."""
    classes: Path | None = None
    """Text file of the classes to keep, in their order."""
    rename: dict[str, str] = Field(default_factory=dict)
    min_events: int = Field(default=1, ge=1)
    """Classes with fewer events are left out."""
    min_length: float | None = Field(default=None, gt=0)
    """Seconds to which shorter events are lengthened."""
    annotated_until: float | Literal["last"] | None = None
    """Seconds of each recording that were annotated; "last": up to the end of its last event; None: all."""


class ImportRecord(BaseModel):
    """`own/import.json`."""

    version: int = 1
    options: ImportOptions
    classes: tuple[str, ...] = ()
    finished: bool = False


@dataclass(frozen=True)
class CutRecording:
    """The clips of one recording in one subset."""

    subset: str
    recording: str
    source: Path
    size: int
    """Of the sound file, bytes."""
    modified_ns: int
    num_samples: int
    """At 16 kHz."""
    clips: tuple[tuple[str, int, int], ...]
    """(file name, start, end) in samples at 16 kHz."""

    def is_whole(self, root: Path) -> bool:
        """Return whether every clip is there, and the recording is still the one they were cut from."""
        folder = root / SUBSETS[self.subset].audio
        try:
            found = self.source.stat()
        except OSError:
            return False
        same = (found.st_size, found.st_mtime_ns) == (self.size, self.modified_ns)
        return same and all((folder / name).is_file() for name, *_ in self.clips)


def read_record(root: Path) -> ImportRecord | None:
    """Return what an earlier import was asked for; None where there was none."""
    if not (root / RECORD).is_file():
        return None
    return read_json(root / RECORD, ImportRecord, "Import the recordings again with --replace.")


def read_clips(root: Path) -> dict[tuple[str, str], CutRecording]:
    """Return what was cut so far, {(subset, recording): clips}; empty where nothing was, or the list is damaged."""
    try:
        table = read_tsv(root / CLIPS, _COLUMNS, any_bytes=True)
        # As integers, which nanoseconds are not exactly as float.
        table = table.astype(dict.fromkeys(_INTEGERS, "int64"))
    except (SedlabError, ValueError):
        return {}
    return {
        (str(subset), str(recording)): CutRecording(
            subset,
            recording,
            Path(rows["source"].iloc[0]),
            *(int(rows[name].iloc[0]) for name in ("bytes", "modified_ns", "samples")),
            tuple(rows[["filename", "start", "end"]].itertuples(index=False, name=None)),
        )
        for (subset, recording), rows in table.groupby(["subset", "recording"], sort=False)
    }


def write_clips(root: Path, cut: Sequence[CutRecording]) -> None:
    """Write which clip was cut from which recording, sorted; not when that is what stands there."""
    rows = [
        (c.subset, name, c.recording, start, end, c.num_samples, c.size, c.modified_ns, str(c.source))
        for c in cut
        for name, start, end in c.clips
    ]
    write_if_changed(root / CLIPS, pd.DataFrame(sorted(rows), columns=list(_COLUMNS)))


def write_if_changed(path: Path, table: pd.DataFrame) -> bool:
    """Write a table unless the file holds it already, so that what depends on it stays as it is."""
    new = path.with_name(f".{path.name}.new")
    try:
        write_tsv(new, table)
        if path.is_file() and path.read_bytes() == new.read_bytes():
            return False
        new.replace(path)
        return True
    finally:
        new.unlink(missing_ok=True)


def splits_so_far(cut: Mapping[tuple[str, str], CutRecording]) -> dict[str, str]:
    """Return the split of each recording with strong labels that was cut before."""
    own = {f"{OWN_FOLDER}_{split}": split for split in ("train", "val", "test")}
    return {recording: own[subset] for subset, recording in cut if subset in own}
