"""What a download of a corpus would do: what is here, what is to come, from where, and is there space."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sedlab.data.acquisition.archive import declared_size
from sedlab.data.acquisition.mirror import MirrorFolder
from sedlab.data.acquisition.records import SEE_PAGE, PublishedFile, PublishedRecord
from sedlab.data.acquisition.store import Wanted, at_host, came, with_size
from sedlab.data.acquisition.unpacking import RESERVE_BYTES, staged_bytes, unpacked
from sedlab.data.acquisition.zenodo import API, ask_zenodo, remembered
from sedlab.data.corpora.layout import SUBSETS, Subset
from sedlab.data.corpora.reading import audio_names
from sedlab.data.formats.text import is_table
from sedlab.download import Patience, part_path
from sedlab.errors import SedlabError

IN_PLACE, DOWNLOADED, PARTIAL, ABSENT, BY_HAND = "in place", "downloaded", "partial", "not downloaded", "by hand"
#: How much a compressed archive of sound becomes, for the estimate of space.
_GROWTH = 1.5


@dataclass(frozen=True)
class PartState:
    """What is known here of one published file."""

    record: PublishedRecord
    file: PublishedFile
    state: str
    """in place, downloaded (not unpacked), partial, not downloaded, or by hand."""
    size: int | None = None
    """bytes of the whole file, as far as known"""
    arrived: int = 0
    """bytes of a partial one"""


@dataclass(frozen=True)
class FileTask:
    """A file that is to come to its place."""

    record: PublishedRecord
    file: PublishedFile
    wanted: Wanted | None = None
    """What to download; None: it is in a mirror folder."""
    source: Path | None = None

    @property
    def name(self) -> str:
        """Its published name."""
        return self.file.file


@dataclass
class DownloadPlan:
    """What a download would do."""

    root: Path
    corpus: str
    jobs: list[FileTask] = field(default_factory=list)
    in_place: list[PartState] = field(default_factory=list)
    absent: list[PartState] = field(default_factory=list)
    """What can only be had by hand, or is not in the mirror."""
    failed: dict[str, str] = field(default_factory=dict)
    """File name -> why nothing can be planned for it."""
    licences: dict[str, str] = field(default_factory=dict)
    """Record name -> licence as its publisher states it."""
    unanswered: dict[str, str] = field(default_factory=dict)
    """Record name -> why Zenodo says nothing about it."""
    to_come: int = 0
    """bytes to download, as far as sizes are known"""
    unknown: int = 0
    """Files whose size nobody says."""
    to_unpack: int = 0
    """bytes, about"""

    @property
    def folder(self) -> Path:
        """Where the archives are kept."""
        return archive_folder(self.root, self.corpus)


def archive_folder(root: Path, corpus: str) -> Path:
    """Return where the archives of a corpus are kept."""
    return root / "archives" / corpus


def is_filled(root: Path, file: PublishedFile) -> bool:
    """Return whether all clips that a file brings are under ``root``, however they came, and their tables."""
    return bool(file.fills) and all(_is_whole(root, SUBSETS[name]) for name in file.fills)


def _is_whole(root: Path, subset: Subset) -> bool:
    folder = subset.audio_folder(root)
    if folder is None or not is_table(root / str(subset.table)):
        return False
    return len(audio_names(folder)) >= (subset.published_count or 0)


def file_states(root: Path, chosen: Sequence[PublishedRecord]) -> list[PartState]:
    """Return what is here of the files of some records; asks nobody."""
    states = []
    for record in chosen:
        folder = archive_folder(root, record.corpus)
        known = remembered(record.zenodo, folder) if record.zenodo else None
        for file in record.files:
            path = folder / file.file
            size = known.files[file.file].size if known and file.file in known.files else None
            note = unpacked(root, folder, file)
            if note:
                state, size = IN_PLACE, note.size
            elif is_filled(root, file):
                state = IN_PLACE
            elif path.is_file():
                state, size = DOWNLOADED, path.stat().st_size
            elif part_path(path).is_file():
                states.append(PartState(record, file, PARTIAL, size, part_path(path).stat().st_size))
                continue
            else:
                state = BY_HAND if record.by_hand else ABSENT
            states.append(PartState(record, file, state, size))
    return states


def plan_download(
    root: Path,
    corpus: str,
    chosen: Sequence[PublishedRecord],
    *,
    mirror: str | MirrorFolder = "",
    patience: Patience | None = None,
    reserve_bytes: int = RESERVE_BYTES,
) -> DownloadPlan:
    """Return what is to be done to have the files of ``chosen`` in their places.

    Parameters
    ----------
    mirror : str or MirrorFolder
        Address of a folder with the files under their published names, or a folder here; nobody else is asked then.

    Raises
    ------
    SedlabError
        When there is not enough space for all of it.
    """
    plan = DownloadPlan(root, corpus)
    for state in file_states(root, chosen):
        if state.state == IN_PLACE:
            plan.in_place.append(state)
            continue
        try:
            _plan_file(plan, state, mirror, patience)
        except SedlabError as error:
            plan.failed[state.file.file] = str(error)
    _check_space(plan, reserve_bytes)
    return plan


def _plan_file(plan: DownloadPlan, state: PartState, mirror: str | MirrorFolder, patience: Patience | None) -> None:
    record, file = state.record, state.file
    if isinstance(mirror, MirrorFolder):
        source = mirror.find(file.file)
        if source is not None:
            plan.jobs.append(FileTask(record, file, source=source))
            plan.to_unpack += max(0, _unpacked_size(source, file) - staged_bytes(plan.folder, file))
            return
    if state.state == DOWNLOADED:
        wanted = Wanted(file=file.file, url=record.address)
        if record.zenodo and not mirror and came(plan.folder / file.file) is None:
            with suppress(SedlabError):  # put there by hand, perhaps because there is no connection
                wanted = _of_zenodo(plan, record, file, patience)
        plan.to_unpack += max(0, _unpacked_size(plan.folder / file.file, file) - staged_bytes(plan.folder, file))
    elif isinstance(mirror, MirrorFolder) or (record.by_hand and not mirror):
        plan.absent.append(state)
        return
    elif mirror:
        wanted = Wanted(file=file.file, url=f"{mirror.rstrip('/')}/{file.file}", of_mirror=True)
    elif record.zenodo:
        wanted = _of_zenodo(plan, record, file, patience)
    else:
        wanted = Wanted(file=file.file, url=f"{record.url}/{file.file}")
    if state.state != DOWNLOADED:
        wanted = wanted if wanted.size is not None else with_size(wanted, patience)
        size = wanted.size or wanted.announced or 0
        plan.to_come += size - min(state.arrived, size)
        plan.to_unpack += round(size * (_GROWTH if file.places else 1))
        plan.unknown += not size
    plan.jobs.append(FileTask(record, file, wanted))


def _of_zenodo(plan: DownloadPlan, record: PublishedRecord, file: PublishedFile, patience: Patience | None) -> Wanted:
    if record.name in plan.unanswered:
        raise SedlabError(plan.unanswered[record.name])
    if record.name not in plan.licences:
        try:
            found = ask_zenodo(record.zenodo, at_host(f"{API}/{record.zenodo}"), plan.folder, patience)
        except SedlabError as error:
            plan.unanswered[record.name] = str(error)
            raise
        plan.licences[record.name] = found.licence or SEE_PAGE
    found = remembered(record.zenodo, plan.folder)
    if found is None or file.file not in found.files:
        names = ", ".join(found.files) if found else "nothing"
        raise SedlabError(
            f"{record.address}: holds no {file.file} (it holds {names}). The record was changed: get the file by hand "
            "and give its folder with --mirror."
        )
    facts = found.files[file.file]
    return Wanted(file=file.file, url=facts.url, size=facts.size, md5=facts.md5)


def _unpacked_size(path: Path, file: PublishedFile) -> int:
    size = path.stat().st_size
    if file.to:
        return 0 if size > 64 * 1024**2 else size
    return declared_size(path) or round(size * _GROWTH)


def _check_space(plan: DownloadPlan, reserve_bytes: int) -> None:
    """Refuse to begin what the disk cannot hold: a download that fails after hours is worse than none."""
    place = next(folder for folder in (plan.root, *plan.root.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    if plan.jobs and plan.to_come + plan.to_unpack + reserve_bytes > free:
        raise SedlabError(
            f"{plan.root}: {plan.to_come / 1e9:.2f} GB to download and about {plan.to_unpack / 1e9:.2f} GB to unpack, "
            f"{free / 1e9:.2f} GB free of which {reserve_bytes / 1e9:.2f} GB are to stay free. Free space, choose "
            "another --root, or take a part with --only NAME."
        )
