"""What is still missing of a corpus after a download, and which command comes next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from sedlab.data.acquisition.wanted import absent_clips, sets_of, wanted_clips
from sedlab.errors import SedlabError

DEFAULT_ROOT = Path("data/dcase")


@dataclass(frozen=True)
class ClipCount:
    """How many clips of a set that its table names are here."""

    name: str
    folder: str
    """Relative to the root."""
    wanted: int
    there: int


def clip_counts(root: Path, corpus: str) -> list[ClipCount]:
    """Return the sets of clips that come one by one, as far as their tables are here."""
    try:
        sets = sets_of(corpus, root)
    except SedlabError:  # no table has come yet
        return []
    counts = []
    for one in sets:
        clips = wanted_clips(root, one)
        counts.append(ClipCount(one.name, one.audio, len(clips), len(clips) - len(absent_clips(root, one, clips))))
    return counts


def next_commands(root: Path, corpus: str, counts: list[ClipCount], *, lacks_files: bool) -> list[str]:
    """Return the commands to run next, each with what for."""
    option = "" if root == DEFAULT_ROOT else f" --root {shlex.quote(str(root))}"
    commands = []
    if lacks_files:
        commands.append(f"sedlab data {corpus} download{option}    (again: what failed goes on where it stopped)")
    has_hdf5 = corpus == "audioset" and any((root / "audioset_strong/hdf").glob("*.hdf"))
    if not has_hdf5 and any(count.there < count.wanted for count in counts):
        commands.append(f"sedlab data {corpus} youtube{option}    (clips of YouTube videos)")
    return [*commands, f"sedlab data {corpus} prepare{option}    (to 16 kHz, and the tables)"]
