"""Tables of clips that could not be had, with the reason: `<root>/missing/<set>.tsv`.

They remember between calls which videos are gone for good, and are what the request to the organisers is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from sedlab.data.acquisition.reasons import PERMANENT, REASONS, ClipFailure
from sedlab.data.acquisition.wanted import SETS, absent_clips, wanted_clips
from sedlab.data.formats.text import is_table
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError
from sedlab.files import write_text

FOLDER = "missing"
COLUMNS = ("filename", "reason", "message", "tries", "date")
#: Those of which the organisers keep clips to give to people who lack them.
REQUESTED = ("weak", "unlabel_in_domain", "validation", "strong_label_real")
#: Page of the makers of DESED, and of their tables and programs.
MAKERS = ("https://project.inria.fr/desed", "https://github.com/turpaultn/DESED")


@dataclass(frozen=True)
class Failure:
    """What is known of a clip that could not be had."""

    reason: str
    message: str
    tries: int = 1
    date: str = ""
    """Of the last try, UTC."""

    @property
    def is_permanent(self) -> bool:
        """Whether another try would find the same."""
        return self.reason in PERMANENT

    @classmethod
    def now(cls, failure: ClipFailure, before: Failure | None) -> Failure:
        """Return what there is to remember of one more try."""
        tries = before.tries + 1 if before else 1
        return cls(failure.reason, failure.message, tries, datetime.now(UTC).isoformat(timespec="seconds"))


def missing_path(root: Path, set_name: str) -> Path:
    """Return where the failures of a set are written."""
    return root / FOLDER / f"{set_name}.tsv"


def read_failures(root: Path, set_name: str) -> dict[str, Failure]:
    """Return {file name: failure} of a set; empty before the first."""
    path = missing_path(root, set_name)
    if not path.is_file():
        return {}
    table = read_tsv(path, COLUMNS, numbers=("tries",))
    known = {reason.name for reason in REASONS}
    return {
        row.filename: Failure(row.reason if row.reason in known else "other", row.message, int(row.tries), row.date)
        for row in table.fillna({"tries": 1}).itertuples()
    }


def write_failures(root: Path, set_name: str, failures: Mapping[str, Failure]) -> None:
    """Write the failures of a set, sorted by reason and name; no file where nothing is missing."""
    path = missing_path(root, set_name)
    if not failures:
        path.unlink(missing_ok=True)
        return
    rows = [(name, f.reason, f.message, f.tries, f.date) for name, f in failures.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(["reason", "filename"], ignore_index=True)
    write_tsv(path, table)


def write_desed_missing(root: Path) -> tuple[pd.DataFrame, Path, Path]:
    """Write the clips of DESED that are not there, and the request that goes with them.

    Returns
    -------
    table : DataFrame
        filename, error (as in the files of the `desed` package) and set.
    list_path, request_path : Path
        `desed_missing.tsv` and `desed_request.txt` in `<root>/missing/`.

    Raises
    ------
    SedlabError
        When the root holds none of the tables.
    """
    rows: list[tuple[str, str, str]] = []
    wanted: dict[str, int] = {}
    for name in REQUESTED:
        clip_set = SETS[name]
        if not any(is_table(root / table) for table in clip_set.tables):
            continue
        clips, failures = wanted_clips(root, clip_set), read_failures(root, name)
        wanted[name] = len(clips)
        for clip in absent_clips(root, clip_set, clips):
            known = failures.get(clip.filename)
            rows.append((clip.filename, f"{known.reason}: {known.message}" if known else "not tried", name))
    if not wanted:
        raise SedlabError(f"{root}: holds no table of DESED. Get them: sedlab data desed download --root {root}")
    table = pd.DataFrame(rows, columns=["filename", "error", "set"])
    list_path, request_path = root / FOLDER / "desed_missing.tsv", root / FOLDER / "desed_request.txt"
    write_tsv(list_path, table)
    write_text(request_path, request_text(table, wanted, list_path.name))
    return table, list_path, request_path


def request_text(table: pd.DataFrame, wanted: Mapping[str, int], attached: str) -> str:
    """Return the text of a message that asks the organisers for clips."""
    counts = table["set"].value_counts()
    lines = [f"  {name:<18} {counts.get(name, 0):>6} of {total:>6}" for name, total in wanted.items()]
    return "\n".join(
        [
            "Subject: DESED: clips that YouTube no longer has",
            "",
            "Hello,",
            "",
            "we are preparing DESED for experiments in sound event detection. Of the clips named in its tables, these",
            "could not be downloaded from YouTube:",
            "",
            *lines,
            "",
            f"The attached file {attached} names each of them, the message we got for it, and its set. Could you let",
            "us have these recordings? We will use them for research, under the terms of DESED, and not pass them on.",
            "",
            "With many thanks",
            "(your name, your institution)",
            "",
        ]
    )
