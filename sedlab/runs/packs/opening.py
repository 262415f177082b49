"""Open a pack: checked before and while it is unpacked, in its place as a whole or not at all.

A pack is a file that anybody may have written: `sedlab.data.acquisition.archive` has the rules. What it holds is then
compared with what it says of itself, name by name and digest by digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from sedlab.data.acquisition.archive import Member, damage_told, members
from sedlab.errors import SedlabError, first_problem
from sedlab.files import file_sha256
from sedlab.progress import Progress, no_progress
from sedlab.runs.layout import CONFIG_FILE, RUNS_FOLDER
from sedlab.runs.moved.about import FOLDER as LABELS_FOLDER
from sedlab.runs.moved.left_out import PACKED_FILE, is_packed
from sedlab.runs.packs.description import FORMAT, INDEX_FILE, Index, PackedRun
from sedlab.runs.packs.writing import RESERVE_BYTES
from sedlab.runs.run import Run, open_run

_ADVICE = "Get it again from who packed the run"
_AGAIN = "Copy it again from where it was packed"
_MOST_INDEX_BYTES = 256 * 1024**2
_CHUNK_BYTES = 1 << 20


def open_pack(
    path: Path, folder: Path, *, reserve_bytes: int = RESERVE_BYTES, progress: Progress = no_progress
) -> list[Run]:
    """Put the runs of a pack into ``folder / "runs"`` and return them; those that are there already stay.

    Raises
    ------
    SedlabError
        When the file is no pack, one of a later version, damaged or harmful; when another run has the name of one of
        its runs, or the disk has no room. Nothing is put in its place then.
    """
    index = read_index(path)
    places = {name: (folder / RUNS_FOLDER / name).absolute() for name in index.runs}
    new = {name: place for name, place in places.items() if not _is_open(place, index.runs[name], path)}
    if new:
        _unpack(path, index, new, folder, reserve_bytes, progress)
    return [open_run(place) for place in places.values() if (place / CONFIG_FILE).is_file()]


def read_index(path: Path) -> Index:
    """Return what a pack says of itself; SedlabError when it is none, one of a later version, damaged or harmful."""
    if not path.exists():
        raise SedlabError(f"{path}: no such file. Name a pack, or a run folder.")
    # All names are looked at before the first file is read.
    names = {"/".join(member.parts) for member in members(path, advice=_ADVICE, again=_AGAIN)}
    if INDEX_FILE not in names or not zipfile.is_zipfile(path):
        raise SedlabError(f"{path}: is no pack of sedlab (it holds no {INDEX_FILE}). Make one with: sedlab pack RUN")
    with damage_told(path, again=_AGAIN), zipfile.ZipFile(path) as archive:
        if archive.getinfo(INDEX_FILE).file_size > _MOST_INDEX_BYTES:
            raise SedlabError(f"{path}: its {INDEX_FILE} is too large to be one. {_ADVICE}.")
        content = archive.read(INDEX_FILE)
    try:
        index = Index.model_validate_json(content)
    except ValidationError as error:
        later = _format_of(content)
        if later is not None and later > FORMAT:
            raise _of_later_version(path, later) from None
        raise SedlabError(f"{path}: {INDEX_FILE}: {first_problem(error)} {_ADVICE}.") from None
    if index.format != FORMAT:
        raise _of_later_version(path, index.format)
    told = {f"{RUNS_FOLDER}/{name}/{file}" for name, run in index.runs.items() for file in run.files}
    if different := sorted(told.symmetric_difference(names - {INDEX_FILE})):
        what = "lacks" if different[0] in told else "holds, and does not tell of,"
        raise SedlabError(f"{path}: {what} {different[0]}. {_ADVICE}.")
    if not any(CONFIG_FILE in run.files for run in index.runs.values()):
        raise SedlabError(f"{path}: holds no run (none of its folders has a {CONFIG_FILE}). {_ADVICE}.")
    return index


def _of_later_version(path: Path, found: int) -> SedlabError:
    return SedlabError(f"{path}: packed by a later version of sedlab (format {found}, not {FORMAT}). Upgrade sedlab.")


def _format_of(content: bytes) -> int | None:
    with suppress(ValueError, RecursionError):
        found = json.loads(content)
        if isinstance(found, dict) and isinstance(found.get("format"), int):
            return int(found["format"])
    return None


def _is_open(place: Path, run: PackedRun, pack: Path) -> bool:
    """Return whether a run of the pack is in its place already; SedlabError when something else is there."""
    if not place.exists():
        return False
    # The run itself, where it was packed, has more and notes nothing of that.
    files = [name for name in run.files if is_packed(place) or not name.startswith((PACKED_FILE, f"{LABELS_FOLDER}/"))]
    # What people decide, or `sedlab run` notes, may have changed since; what was done, and with what, has not.
    telling = [name for name in files if name in (CONFIG_FILE, PACKED_FILE) or Path(name).name == "manifest.json"]
    same = all((place / name).is_file() and file_sha256(place / name) == run.files[name].sha256 for name in telling)
    if not same or not all((place / name).is_file() for name in files):
        raise SedlabError(
            f"{place}: is there, and is not what {pack} holds. Choose another folder with --to, or move it away."
        )
    return True


def _unpack(
    path: Path, index: Index, places: Mapping[str, Path], folder: Path, reserve_bytes: int, progress: Progress
) -> None:
    runs = folder.absolute() / RUNS_FOLDER
    staging = runs / f".{path.name[:40]}.{socket.gethostname()}.{os.getpid()}.opening"
    made = [runs, *(above for above in runs.parents if not above.exists())]
    try:
        runs.mkdir(parents=True, exist_ok=True)
        _sweep(runs)
        _check_space(path, index, runs, reserve_bytes)
        staging.mkdir()
        _extract(path, index, places, staging, progress)
        moved: list[Path] = []
        try:
            for name, place in places.items():
                (staging / name).rename(place)
                moved.append(place)
        except OSError:
            for place in moved:
                place.rename(staging / place.name)
            raise
    except OSError as error:
        raise SedlabError(
            f"{path}: cannot be opened in {folder} ({error.strerror or error}). Free space, or choose another folder "
            "with --to."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):  # unless there is something in it
            for empty in made:
                empty.rmdir()


def _extract(path: Path, index: Index, places: Mapping[str, Path], staging: Path, progress: Progress) -> None:
    total, done, seen = index.num_bytes, 0, set()
    with damage_told(path, again=_AGAIN):
        for member in members(path, advice=_ADVICE, again=_AGAIN):
            if member.parts == (INDEX_FILE,):
                continue
            _, name, *inside = member.parts
            file = "/".join(inside)
            if (name, file) in seen:
                raise SedlabError(f"{path}: holds {'/'.join(member.parts)} twice. {_ADVICE}.")
            seen.add((name, file))
            if name not in places:
                continue
            note = index.runs[name].files[file]
            digest, size = _write(member, staging / name / file, note.bytes)
            if (size, digest) != (note.bytes, note.sha256):
                raise SedlabError(f"{path}: {'/'.join(member.parts)} is not what was packed. {_AGAIN}.")
            done += size
            progress(done, total, f"opening {path.name}")


def _write(member: Member, target: Path, most: int) -> tuple[str, int]:
    """Write a file; return its digest and size, of one that is longer than ``most`` bytes that of its beginning."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with member.open() as source, target.open("wb") as file:
        while size <= most and (chunk := source.read(_CHUNK_BYTES)):
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _check_space(path: Path, index: Index, folder: Path, reserve_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < index.num_bytes + reserve_bytes:
        raise SedlabError(
            f"{path}: becomes {index.num_bytes / 1e9:.2f} GB, and {folder} has {free / 1e9:.2f} GB free. Free space, "
            "or choose another folder with --to."
        )


def _sweep(runs: Path) -> None:
    """Remove what a killed opening on this machine has left."""
    import psutil

    for left in runs.glob(f".*.{socket.gethostname()}.*.opening"):
        pid = left.name.rsplit(".", 2)[1]
        # In a container that was started again, this process may have the number of the killed one.
        if pid.isdigit() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(left, ignore_errors=True)
