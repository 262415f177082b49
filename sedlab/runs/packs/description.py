"""What a pack says of itself: its version, and each file of each run with the digest of its content."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, NonNegativeInt, PositiveInt

from sedlab.config.experiment import check_run_name
from sedlab.runs.moved.left_out import FileNote

#: Raised when an older sedlab would misread what a newer one packs.
FORMAT = 1
#: In the pack.
INDEX_FILE = "pack.json"
#: How packs are named.
SUFFIX = ".sedlab.zip"


class PackedRun(BaseModel):
    """A run in a pack."""

    files: dict[str, FileNote]
    """Relative to the run folder."""
    left_out: dict[str, FileNote] = {}


class Index(BaseModel):
    """What `pack.json` says."""

    format: PositiveInt
    sedlab: str
    """The version that wrote it."""
    runs: dict[Annotated[str, AfterValidator(check_run_name)], PackedRun] = Field(min_length=1)
    """The one that was asked for first."""

    @property
    def num_bytes(self) -> NonNegativeInt:
        """How much it becomes."""
        return sum(note.bytes for run in self.runs.values() for note in run.files.values())


def is_pack(path: Path) -> bool:
    """Return whether a file is a pack by its content: a zip archive with an index."""
    try:
        with zipfile.ZipFile(path) as archive:
            return INDEX_FILE in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
