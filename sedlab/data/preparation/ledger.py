"""What a folder of prepared files was made from: a small table in the folder itself, so that it travels with it.

A source is told by its size and time of change. A line is written as soon as a file is whole; a killed process loses at
most the lines of its last moments, and those files are recognised by their own header.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sedlab.data.audio_file import read_header
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.errors import SedlabError, os_problem
from sedlab.files import atomic_path
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE

#: Begins with a dot: no reader takes it for a clip.
LEDGER = ".prepared.tsv"
_HEADER = "source\tbytes\tmodified_ns\twritten\tsamples\n"
_FLUSH_EVERY = 64
#: Of a WAV file with nothing but samples.
WAV_HEADER_BYTES = 44


@dataclass(frozen=True)
class Source:
    """A file to prepare."""

    name: str
    """Without folder; as the operating system gives it, also where that is no text."""
    num_bytes: int
    modified_ns: int


@dataclass(frozen=True)
class PreparedFile:
    """What is known of a prepared file."""

    num_bytes: int
    """Of its source."""
    modified_ns: int
    """Of its source."""
    written: int
    """Bytes of what was made."""
    num_samples: int
    """At 16 kHz, of what was made."""


class Ledger:
    """The entries of one folder by the name of their source; a context that writes what is added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._entries = _read(folder / LEDGER)
        self._added = 0
        self._file: IO[str] | None = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._added:
            self._tidy()

    def __getitem__(self, name: str) -> PreparedFile:
        return self._entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def is_current(self, source: Source, written: int | None) -> bool:
        """Return whether what was made, of which ``written`` bytes are there, is of this very source."""
        entry = self._entries.get(source.name)
        known = entry and (entry.num_bytes, entry.modified_ns, entry.written)
        return written is not None and known == (source.num_bytes, source.modified_ns, written)

    def hours(self, names: Iterable[str]) -> float:
        """Return how many hours of sound were made of the named sources; 10 s of each that somebody else made."""
        entries = (self._entries.get(name) for name in names)
        return sum(entry.num_samples if entry else CLIP_SAMPLES for entry in entries) / SAMPLE_RATE / 3600

    def add(self, source: Source, written: int, num_samples: int | None = None) -> None:
        """Note that ``written`` bytes were made from a source, a plain WAV file unless its samples are given."""
        samples = (written - WAV_HEADER_BYTES) // 2 if num_samples is None else num_samples
        entry = PreparedFile(source.num_bytes, source.modified_ns, written, samples)
        if self._entries.get(source.name) == entry:
            return
        self._entries[source.name] = entry
        self._added += 1
        try:
            if self._file is None:
                path = self.folder / LEDGER
                is_new = not path.exists()
                self._file = path.open("a", encoding="utf-8", errors="surrogateescape", newline="\n")
                # A line that a killed process wrote half of ends here.
                self._file.write(_HEADER if is_new else "\n")
            self._file.write(_line(source.name, entry))
            if self._added % _FLUSH_EVERY == 0:
                self._file.flush()
        except OSError as error:
            raise SedlabError(os_problem(error, self.folder / LEDGER)) from error

    def _tidy(self) -> None:
        """Write the table anew, sorted, a line a source: the same however often it was interrupted."""
        with (
            atomic_path(self.folder / LEDGER) as temporary,
            temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file,
        ):
            file.write(_HEADER)
            file.writelines(_line(name, entry) for name, entry in sorted(self._entries.items()))


def sources_in(folder: Path) -> dict[str, Source]:
    """Return the sound files of a folder by name without suffix; WAV where there are several of one such name.

    No file is opened: 30,000 take a fraction of a second.
    """
    found: dict[str, Source] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 (a Path for each of 30,000 is slow)
                if not is_audio_name(entry.name) or (stem in found and suffix.lower() != ".wav"):
                    continue
                try:
                    state = entry.stat()
                except FileNotFoundError:  # a link that leads nowhere: to open it will tell
                    found[stem] = Source(entry.name, 0, 0)
                    continue
                found[stem] = Source(entry.name, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise SedlabError(os_problem(error, folder)) from error
    return found


def samples_made_elsewhere(prepared: Path, source: Source) -> int:
    """Return the samples of a file without entry that may stay, else 0: whole, 16 kHz, not older than its source.

    Such are files that another system made, and the last ones of a killed process.
    """
    try:
        header = read_header(prepared)
        is_fit = header.sample_rate == SAMPLE_RATE and prepared.stat().st_mtime_ns >= source.modified_ns
    except (OSError, SedlabError):
        return 0
    return header.num_frames if is_fit else 0


def _line(name: str, entry: PreparedFile) -> str:
    # Tabs and line ends may be part of a name.
    quoted = name.encode("unicode_escape").decode() if any(c in name for c in "\t\r\n\\") else name
    return f"{quoted}\t{entry.num_bytes}\t{entry.modified_ns}\t{entry.written}\t{entry.num_samples}\n"


def _read(path: Path) -> dict[str, PreparedFile]:
    """Return the entries of a table; none where there is none, and without the lines that are not whole."""
    entries: dict[str, PreparedFile] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return entries
    for line in lines[1:]:
        name, *numbers = line.split("\t")
        if len(numbers) == 4 and all(number.isdigit() for number in numbers):
            name = name.encode().decode("unicode_escape") if "\\" in name else name
            entries[name] = PreparedFile(*map(int, numbers))
    # The last line has no end when it is half of one.
    if lines[-1]:
        entries.pop(lines[-1].split("\t")[0], None)
    return entries
