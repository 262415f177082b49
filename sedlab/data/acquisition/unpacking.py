"""Put what an archive holds where the readers expect it: all of it or nothing, and on where a killed process stopped.

Files are unpacked into a folder beside the archive and renamed into their places when the archive has proved whole. A
note beside the archive (`<archive>.unpacked.json`) says that this was done.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path

from pydantic import BaseModel, NonNegativeInt

from sedlab.data.acquisition.archive import Member, damage_told, members, refuse_page
from sedlab.data.acquisition.records import PublishedFile
from sedlab.data.corpora.exclusion import SUBSTITUTES
from sedlab.errors import SedlabError
from sedlab.files import atomic_path, file_sha256, link_or_copy, read_json, write_json
from sedlab.progress import Progress, no_progress

#: Free space that stays on the disk.
RESERVE_BYTES = 200 * 1024**2
_CHUNK_BYTES = 1 << 20
#: From here on a file that is used as it is is linked to, not copied.
_LARGE_BYTES = 64 * 1024**2
_WHOLE = "whole.json"
_TABLES = (".tsv", ".csv")


class Unpacked(BaseModel):
    """What became of an archive."""

    size: NonNegativeInt
    """Of the archive, bytes."""
    files: NonNegativeInt
    bytes: NonNegativeInt
    folders: tuple[str, ...]
    """Under the data root."""
    date: str = ""
    tables: tuple[str, ...] = ()
    """Those among the files."""
    kept: tuple[str, ...] = ()
    """Tables that were there with other content, and stayed."""


def note_path(folder: Path, name: str) -> Path:
    """Return where it is noted in ``folder`` that the archive ``name`` was unpacked."""
    return folder / f"{name}.unpacked.json"


def unpacked(root: Path, folder: Path, file: PublishedFile) -> Unpacked | None:
    """Return the note on an archive whose files are in their places, None if it has to be unpacked (again).

    Originals may be gone once there is what was made of them; tables have to be there.
    """
    path = note_path(folder, file.file)
    if not path.is_file():
        return None
    note = read_json(path, Unpacked, "It is not a note of sedlab: delete it, then run the same command again.")
    there = all((root / one).exists() for one in (*note.folders, *note.tables))
    return note if there or (file.made and (root / file.made).exists()) else None


def staged_bytes(folder: Path, file: PublishedFile) -> int:
    """Return how much of an archive an interrupted call has unpacked already."""
    return sum(path.stat().st_size for staging in folder.glob(f".{file.file}.????????") for path in _files(staging))


def unpack(
    archive: Path,
    root: Path,
    folder: Path,
    file: PublishedFile,
    *,
    reserve_bytes: int = RESERVE_BYTES,
    progress: Progress = no_progress,
) -> Unpacked:
    """Unpack ``archive`` (or take the file itself) to its places under ``root``, and note that in ``folder``.

    Raises
    ------
    SedlabError
        When the archive is damaged, holds what it must not (see `archive.py`) or nothing of what is expected; when the
        disk is full. Nothing is put in its place then.
    """
    try:
        if file.to:
            note = _take(archive, root, file)
        else:
            staging = _staging(archive, folder, file)
            if not (staging / _WHOLE).is_file():
                try:
                    facts = _extract(archive, staging / "files", file, reserve_bytes, progress)
                except SedlabError:  # it is no good: nothing of it stays
                    shutil.rmtree(staging, ignore_errors=True)
                    raise
                write_json(staging / _WHOLE, facts)
            note = read_json(staging / _WHOLE, Unpacked, f"Delete {staging}, then run the same command again.")
            kept = _move(staging / "files", root)
            note = note.model_copy(update={"kept": kept, "date": _now()})
        write_json(note_path(folder, file.file), note)
        if not file.to:
            shutil.rmtree(staging, ignore_errors=True)
        return note
    except OSError as error:
        raise SedlabError(
            f"{archive}: cannot be unpacked to {root} ({error.strerror or error}). Free space or choose another "
            "--root, then run the same command again; it goes on where it stopped."
        ) from error


def _take(source: Path, root: Path, file: PublishedFile) -> Unpacked:
    """Put a file that is no archive in its place: a copy, which may be edited, or a link to what is large."""
    refuse_page(source)
    target = root / file.target
    size, kept = source.stat().st_size, ()
    if _stays(source, target, root):
        kept = (file.target,)
    elif size < _LARGE_BYTES:
        with atomic_path(target) as copy:
            shutil.copyfile(source, copy)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            target.hardlink_to(source)
        except OSError:  # another disk
            target.symlink_to(source.resolve())
    facts = {"size": size, "files": 1, "bytes": size, "folders": file.folders, "date": _now()}
    return Unpacked(**facts, tables=(file.target,), kept=kept)


def _staging(archive: Path, folder: Path, file: PublishedFile) -> Path:
    """Return the folder to unpack into: that of an earlier call if it was of the same archive."""
    found = archive.stat()
    mark = md5(f"{found.st_size} {found.st_mtime_ns}".encode(), usedforsecurity=False).hexdigest()[:8]
    staging = folder / f".{file.file}.{mark}"
    for other in folder.glob(f".{file.file}.????????"):
        if other != staging:
            shutil.rmtree(other, ignore_errors=True)
    (staging / "files").mkdir(parents=True, exist_ok=True)
    return staging


def _extract(archive: Path, staging: Path, file: PublishedFile, reserve_bytes: int, progress: Progress) -> Unpacked:
    """Write the files that have a place to ``staging``, under the paths they get."""
    packed, done, seen = archive.stat().st_size, 0, set()
    with damage_told(archive):
        for member in members(archive):
            target = next(filter(None, (place.target(member.parts) for place in file.places)), None)
            if target is None:
                continue
            if target in seen:
                raise SedlabError(f"{archive}: holds {target} twice. Get the archive from its publisher again.")
            seen.add(target)
            path = staging / target
            if not (path.is_file() and path.stat().st_size == member.size):
                _check_space(staging, member.size, reserve_bytes)
                _write(member, path)
            done += member.size
            # How much it becomes is known only of zip archives; sound hardly shrinks.
            progress(done, max(done, packed), f"unpacking {file.file}")
    for place in file.places:
        if not place.optional and not any(path.startswith(f"{place.to}/") for path in seen):
            what = f"{place.under}/{place.only}" if place.under else place.only
            raise SedlabError(f"{archive}: holds no {what}. It is another archive: get it from its publisher again.")
    if not seen:
        raise SedlabError(f"{archive}: holds nothing of what is expected. Get it from its publisher again.")
    folders = tuple(one for one in file.folders if any(path.startswith(f"{one}/") for path in seen))
    tables = tuple(sorted(path for path in seen if path.endswith(_TABLES)))
    return Unpacked(size=packed, files=len(seen), bytes=done, folders=folders, tables=tables)


def _write(member: Member, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part"[-255:])
    size = 0
    with member.open() as source, part.open("wb") as target:
        while chunk := source.read(_CHUNK_BYTES):
            target.write(chunk)
            size += len(chunk)
            if size > member.size:
                break
    if size != member.size:
        raise EOFError(f"{size} of {member.size} bytes of {member.parts[-1]}")
    part.replace(path)


def _check_space(folder: Path, size: int, reserve_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + reserve_bytes:
        raise OSError(errno.ENOSPC, f"{size / 1e9:.2f} GB to unpack, {free / 1e9:.2f} GB free")


def _move(staging: Path, root: Path) -> tuple[str, ...]:
    """Rename everything into its place, of which an earlier call may have done a part; return the tables that stay."""
    kept = []
    for source in _files(staging):
        name = source.relative_to(staging).as_posix()
        target = root / name
        if _stays(source, target, root):
            kept.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.replace(target)
        except OSError:  # a folder of the root may be a link to another disk
            link_or_copy(source, target)
    return tuple(kept)


def _files(folder: Path) -> Sequence[Path]:
    return sorted(Path(where) / name for where, _, names in os.walk(folder) for name in names)


def _stays(source: Path, target: Path, root: Path) -> bool:
    """Return whether a table is there that somebody has changed: it is theirs. What was half-written is not."""
    if target.suffix not in _TABLES or not target.is_file() or source.stat().st_size == 0:
        return False
    there = file_sha256(target)
    substitutes = root / SUBSTITUTES
    ours = substitutes.is_file() and there in substitutes.read_text(encoding="utf-8", errors="replace")
    return not ours and there != file_sha256(source)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
