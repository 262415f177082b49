"""What a corpus holds, as digests of its parts: what has changed is known by name, a copied corpus is the same one.

Tables and lists count by content. Sound files count by name and content, too: clips of 10 s all have the same size, so
that a set that was filtered or fetched again could not be told by sizes. But a file is read only when its size or time
of change is another than when it was last read (`sedlab.data.corpora.sound_digests`): building the waveform cache reads
all of them anyway, and after a copy that keeps no times they are read once more, in parallel.

A part of a subset that is not there has an empty digest; a list that a subset may have and has not is `ABSENT`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import pandas as pd

from sedlab.data.corpora.audioset import EVAL_DURATIONS
from sedlab.data.corpora.cache_folder import memory_folder
from sedlab.data.corpora.layout import OWN_CLASSES, SUBSETS, Subset
from sedlab.data.corpora.own import label_space_of
from sedlab.data.corpora.reading import audio_names, stem, stored_stems
from sedlab.data.corpora.sound_digests import Stamp, sound_digests
from sedlab.data.formats.names import on_disk, readable_name
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.data.formats.text import table_file, unpacked
from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError, os_problem
from sedlab.files import read_remembered, write_text
from sedlab.progress import Progress

#: The digest of an optional list that is not there.
ABSENT = "absent"
#: Behind the name of a table of which only the clips it names count.
CLIPS = " (clips)"

_MEMORY = "parts.json"


def fingerprint(
    root: str | Path, *, content: bool = False, progress: Progress | None = None, excludes: bool = True
) -> dict[str, str]:
    """Return the digest of each table, list and folder of clips of the corpus under ``root``, by path relative to it.

    Parameters
    ----------
    content : bool
        Read every file again, also those whose size and time of change are as they were.
    excludes : bool
        Whether exclusion lists are in use.
    """
    found = Fingerprint(Path(root), content=content, progress=progress)
    there = [subset for subset in SUBSETS.values() if subset.is_there(found.root)]
    parts = found.labels(there, excludes=excludes) | found.sounds(there)
    found.save()
    return parts


def changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the names of the parts that are others now; one that is not there now has not changed."""
    missing = {name: ABSENT if digest == ABSENT else "" for name, digest in now.items()}
    return [name for name, digest in now.items() if digest and before.get(name, missing[name]) != digest]


class Fingerprint:
    """The digests of parts of the corpus under ``root``, each looked for once, when it is asked for.

    What was found is remembered in the corpus's cache folder by `save`.
    """

    def __init__(self, root: Path, *, content: bool = False, progress: Progress | None = None) -> None:
        self.root = root
        self._content, self._progress = content, progress
        self._file = memory_folder(root) / _MEMORY
        self._known = {} if content else read_remembered(self._file, 2)
        self._new: dict[str, list[str]] = {}
        self._asked: dict[str, str] = {}

    def labels(self, subsets: Iterable[Subset], *, excludes: bool = True) -> dict[str, str]:
        """Return the digests of what says which clips and events the subsets have: tables, durations, exclusions."""
        found = {}
        for subset in subsets:
            optional = [subset.durations, subset.exclude if excludes else None]
            if subset.name == "audioset_eval":
                optional.append(EVAL_DURATIONS)
            there = subset.is_there(self.root)
            if subset.table is not None:
                found[subset.table] = self._table(subset.table) if there else ""
            for name in filter(None, optional):
                found[name] = (self._table(name) or ABSENT) if there else ""
        return found

    def label_space(self) -> dict[str, str]:
        """Return the digest of the classes in their order where some are one's own, the task's beside them included."""
        try:
            space = label_space_of(self.root)
        except SedlabError:
            return {}  # whoever reads the corpus says more
        if not space.own:
            return {}
        return {OWN_CLASSES: hashlib.sha256("\n".join(space.classes).encode()).hexdigest()}

    def clips(self, subsets: Iterable[Subset], *, excludes: bool = True) -> dict[str, str]:
        """Return the digests of which clips the tables of the subsets name, in any order, and of exclusion lists."""
        found = {}
        for subset in subsets:
            there = subset.is_there(self.root)
            if subset.table is not None:
                found[subset.table + CLIPS] = self._listed(subset)[0] if there else ""
            if subset.exclude and excludes:
                found[subset.exclude] = (self._table(subset.exclude) or ABSENT) if there else ""
        return found

    def sounds(self, subsets: Iterable[Subset]) -> dict[str, str]:
        """Return the digest of the sound files of each subset, those that its table names."""
        found = {}
        for subset in subsets:
            name = sounds_name(subset)
            if name not in self._asked:
                self._asked[name] = self._sounds(subset) if subset.is_there(self.root) else ""
            found[name] = self._asked[name]
        return found

    def folder(self, name: str) -> dict[str, str]:
        """Return the digest of all sound files in a folder and below."""
        folder = self.root / name
        paths = [path for path in folder.rglob("*") if is_audio_name(path.name)] if folder.is_dir() else []
        files = {readable_name(path.relative_to(folder).as_posix()): path for path in paths}
        return {name: self._of_files(name, folder, files) if files else ""}

    def save(self) -> None:
        """Remember what was read, where that can be written; what another process wrote in the meantime stays."""
        if self._new:
            with suppress(SedlabError, OSError):
                write_text(self._file, json.dumps({**read_remembered(self._file, 2), **self._new}) + "\n")
            self._new = {}

    def _table(self, name: str) -> str:
        """Return the digest of a table's content, empty if it is not there."""
        path = table_file(self.root / name)
        try:
            found = path.stat()
            stamp = _hashed([found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino])
            return self._remembered(name, stamp) or self._learnt(name, stamp, _table_digest(path))
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise SedlabError(os_problem(error, path)) from None

    def _listed(self, subset: Subset) -> tuple[str, set[str] | None]:
        """Return the digest of the clips that a table names, and these if it had to be read; both empty of no table."""
        if subset.table is None:
            return "", set()
        key, stamp = subset.table + CLIPS, self._table(subset.table)
        digest = self._remembered(key, stamp)
        if digest:
            return digest, None
        names = self._names(subset)
        return self._learnt(key, stamp, _hashed(sorted(names))), names

    def _names(self, subset: Subset) -> set[str]:
        column = "segment_id" if subset.family == "audioset" else "filename"
        try:
            return set(stem(read_tsv(self.root / subset.table, (column,), any_bytes=True)[column].map(readable_name)))
        except SedlabError:
            # Whoever reads it says what is wrong; until then any other content is other clips.
            return {self._table(subset.table)}

    def _sounds(self, subset: Subset) -> str:
        folder = subset.audio_folder(self.root)
        found = audio_names(folder)
        files = {name: on_disk(folder / name) for name in found.values()}
        # The files of AudioSet have several spellings, and their folders hold nothing else.
        if subset.table is None or subset.family == "audioset":
            return self._of_files(sounds_name(subset), folder, files)
        digest, names = self._listed(subset)

        def wanted() -> set[str]:
            listed = pd.Series(sorted(names or self._names(subset)), dtype=str)
            return {found[one] for one in stored_stems(listed, found) if one in found}

        return self._of_files(sounds_name(subset), folder, files, wanted, digest)

    def _of_files(
        self,
        part: str,
        folder: Path,
        files: Mapping[str, Path],
        wanted: Callable[[], set[str]] | None = None,
        listed: str = "",
    ) -> str:
        """Return the digest of the wanted files in a folder; ``listed`` is the digest of what says which these are."""
        stamps = _stamps(files)
        prefix = readable_name(os.path.relpath(folder, self.root))
        stamp = _hashed([prefix, listed, sorted(stamps.items())])
        known = self._remembered(part, stamp)
        if known:
            return known
        names = sorted(wanted() & stamps.keys() if wanted else stamps)
        read = {f"{prefix}/{name}": stamps[name] for name in names}
        digests = sound_digests(self.root, read, memory=prefix, content=self._content, progress=self._progress)
        # Without the folder, which may be the twin at the original rate, or another that the layout allows.
        return self._learnt(part, stamp, _hashed([[name, digests[f"{prefix}/{name}"]] for name in names]))

    def _remembered(self, name: str, stamp: str) -> str:
        known = self._known.get(name, [])
        return known[1] if len(known) == 2 and known[0] == stamp else ""

    def _learnt(self, name: str, stamp: str, digest: str) -> str:
        self._known[name] = self._new[name] = [stamp, digest]
        return digest


def sounds_name(subset: Subset) -> str:
    """Return the name of the part that the sound files of a subset are."""
    tables = {other.table for other in SUBSETS.values() if other.audio == subset.audio}
    return subset.audio if len(tables) == 1 else f"{subset.audio} ({Path(subset.table or '').name})"


def _table_digest(path: Path) -> str:
    content = path.read_bytes()
    with suppress(SedlabError):  # whoever reads it says what is damaged
        content = unpacked(content, path)
    return hashlib.sha256(content).hexdigest()


def _stamps(files: Mapping[str, Path]) -> dict[str, Stamp]:
    """Return size and time of change of each file; a link that leads nowhere is none."""
    stamps = {}
    for name, path in files.items():
        with suppress(FileNotFoundError):
            found = path.stat()
            stamps[name] = (found.st_size, found.st_mtime_ns)
    return stamps


def _hashed(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode(errors="surrogateescape")).hexdigest()
