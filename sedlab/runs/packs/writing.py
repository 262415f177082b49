"""Write a pack: the same run gives the same bytes, a run that changes meanwhile gives none."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from sedlab.data.corpora.layout import family
from sedlab.errors import SedlabError, os_problem, warn_once
from sedlab.files import atomic_path, file_sha256
from sedlab.grid import SAMPLE_RATE
from sedlab.progress import Progress, no_progress
from sedlab.runs.layout import RUNS_FOLDER
from sedlab.runs.live.submitted import queued_jobs
from sedlab.runs.locks import is_running, nodes_at_work, run_lock
from sedlab.runs.manifest import manifests
from sedlab.runs.moved.about import kept_labels
from sedlab.runs.moved.clips import clip_file
from sedlab.runs.moved.labels import label_files
from sedlab.runs.moved.left_out import PACKED_FILE, FileNote, Packed, read_packed
from sedlab.runs.packs.contents import CLIPS, LABELS, TABLES, Contents, clip_bytes
from sedlab.runs.packs.description import FORMAT, INDEX_FILE, Index, PackedRun, is_pack
from sedlab.runs.run import Run
from sedlab.runs.versions import package_version

#: Free space that stays on the disk.
RESERVE_BYTES = 200 * 1024**2
#: What hardly shrinks: numbers, sound.
_AS_IT_IS = (".hdf5", ".pt", ".flac", ".png", ".wav", ".mp3")
_CHUNK_BYTES = 1 << 20
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Written:
    """What was packed."""

    path: Path
    parts: dict[str, tuple[int, int]]
    """Part -> (files, bytes), as they are in the pack, before what compression saves."""

    @property
    def num_bytes(self) -> int:
        """Size of the file."""
        return self.path.stat().st_size


def write_pack(
    packed: Sequence[Contents], target: Path, *, reserve_bytes: int = RESERVE_BYTES, progress: Progress = no_progress
) -> Written:
    """Write what travels of some runs into one file, whole or not at all.

    Raises
    ------
    SedlabError
        When something is at work in a run or a file changes meanwhile, the disk has no room, or ``target`` is a file
        of another kind.
    """
    if target.exists() and not (target.is_file() and is_pack(target)):
        raise SedlabError(f"{target}: is there, and is no pack. Choose another name with --out.")
    with ExitStack() as stack:
        for contents in packed:
            _hold(stack, contents)
        total = sum(_size(contents) for contents in packed)
        _check_space(target, total, reserve_bytes)
        with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            done = 0

            def tell(count: int) -> None:
                nonlocal done
                done += count
                progress(min(done, total), total, f"packing {target.name}")

            writer = _Writer(archive, tell)
            runs = {contents.path.name: _write_run(writer, contents) for contents in packed}
            index = Index(format=FORMAT, sedlab=package_version("sedlab") or "", runs=runs)
            writer.put(INDEX_FILE, _json(index.model_dump(mode="json")))
    return Written(target, writer.parts)


def _hold(stack: ExitStack, contents: Contents) -> None:
    """Keep others from working in a run while it is read; SedlabError when somebody does."""
    run = contents.run
    if run is None or not os.access(run.path, os.W_OK):
        return  # who may only read cannot leave a note; a change is noticed all the same
    queued = queued_jobs(run.path)
    if queued or is_running(run.path):
        busy = ", ".join(dict.fromkeys([*queued, *nodes_at_work(run.path)])) or "sedlab run"
        raise SedlabError(
            f"{run.path}: {busy} at work, and a pack would hold half of what comes of it. Wait for it, or watch it "
            f"with: sedlab watch {RUNS_FOLDER}/{run.name}"
        )
    stack.enter_context(run_lock(run.path))


def _size(contents: Contents) -> int:
    files = sum(size for _, size in contents.files.values())
    return files + (clip_bytes(contents, contents.clips) if contents.clips else 0)


def _check_space(target: Path, size: int, reserve_bytes: int) -> None:
    folder = next(one for one in target.absolute().parents if one.is_dir())
    free = shutil.disk_usage(folder).free
    if free < size + reserve_bytes:
        raise SedlabError(
            f"{folder}: {size / 1e9:.2f} GB to pack, {free / 1e9:.2f} GB free. Free space, choose another --out, or "
            "leave something out (--scores test, --clips none, --checkpoints none)."
        )


def _write_run(writer: _Writer, contents: Contents) -> PackedRun:
    path, notes, known = contents.path, {}, _known_digests(contents.path)
    left = {name: note for name, note in read_packed(path).left_out.items() if name in contents.gone}
    left |= {
        name: FileNote(bytes=size, sha256=known.get(name) or file_sha256(path / name))
        for name, (_, size) in contents.stays.items()
    }
    made = {} if contents.run is None else _made(contents, contents.run, left)
    for name in sorted({*contents.files, *made}):
        member = f"{RUNS_FOLDER}/{path.name}/{name}"
        if name in made:
            part, content = made[name]
            notes[name] = writer.put(member, content(), part)
            continue
        part, size = contents.files[name]
        notes[name] = writer.copy(member, path / name, size, part)
        if name in known and notes[name].sha256 != known[name]:
            warn_once(f"{path / name}: not what its job wrote; packed as it is. See sedlab run PRESET --verify.")
    return PackedRun(files=notes, left_out=left)


def _made(contents: Contents, run: Run, left: dict[str, FileNote]) -> dict[str, tuple[str, Callable[[], bytes]]]:
    """Return the files that a pack has beside those of the run folder: path -> (part, what makes its content)."""
    made: dict[str, tuple[str, Callable[[], bytes]]] = {}
    for name, content in _labels(run).items():
        made[name] = LABELS, lambda content=content: content
    for key in contents.clips:
        made[clip_file(*key)] = CLIPS, lambda key=key: _flac(run, *key)
    made[PACKED_FILE] = TABLES, lambda: _json(_packed(contents, left).model_dump(mode="json"))
    return made


class _Writer:
    """Puts members into an archive, and counts them."""

    def __init__(self, archive: zipfile.ZipFile, tell: Callable[[int], None]) -> None:
        self._archive, self._tell = archive, tell
        self.parts: dict[str, tuple[int, int]] = {}

    def put(self, member: str, content: bytes, part: str = TABLES) -> FileNote:
        """Put bytes."""
        return self._write(member, io.BytesIO(content), len(content), part)

    def copy(self, member: str, source: Path, size: int, part: str) -> FileNote:
        """Put a file; SedlabError when it changes meanwhile."""
        try:
            before = source.stat()
            with source.open("rb") as file:
                note = self._write(member, file, size, part)
            after = source.stat()
        except FileNotFoundError:
            raise SedlabError(f"{source}: has gone while it was packed. Pack again when nothing is at work.") from None
        except OSError as error:
            raise SedlabError(os_problem(error, source)) from error
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        if not same or note.bytes != size:
            raise SedlabError(f"{source}: has changed while it was packed. Pack again when nothing is at work.")
        return note

    def _write(self, member: str, source: IO[bytes], size: int, part: str) -> FileNote:
        entry = zipfile.ZipInfo(member, _EARLIEST)  # no times: the same run gives the same bytes
        entry.create_system, entry.external_attr, entry.file_size = 3, 0o644 << 16, size
        is_stored = member.endswith(_AS_IT_IS)
        entry.compress_type = zipfile.ZIP_STORED if is_stored else zipfile.ZIP_DEFLATED
        digest, count = hashlib.sha256(), 0
        with self._archive.open(entry, "w") as target:
            # A file that grows as fast as it is read would have no end.
            while count <= size and (chunk := source.read(_CHUNK_BYTES)):
                target.write(chunk)
                digest.update(chunk)
                count += len(chunk)
                self._tell(len(chunk))
        files, before = self.parts.get(part, (0, 0))
        self.parts[part] = files + 1, before + count
        return FileNote(bytes=count, sha256=digest.hexdigest())


def _labels(run: Run) -> dict[str, bytes]:
    """Return the labels that the run keeps, as they are now where the corpus is here."""
    if not run.is_apart and run.data_root.is_dir():
        return label_files(run.corpus(), run.corpus_digest())
    if not run.is_apart:
        warn_once(
            f"{run.data_root}: not here, so labels do not come along: where the run is opened, clips have no list."
        )
    return {name: (run.path / name).read_bytes() for name in kept_labels(run.path)}


def _packed(contents: Contents, left: dict[str, FileNote]) -> Packed:
    counts: dict[str, tuple[int, int]] = {}
    if contents.clips or contents.silent:
        have: dict[str, int] = {}
        for subset, _ in contents.clips:
            have[subset] = have.get(subset, 0) + 1
        sizes = contents.run.corpus().clips["subset"].value_counts()
        detected = [name for name in contents.run.corpus().subsets if family(name) != "audioset"]
        counts = {name: (have.get(name, 0), int(sizes[name])) for name in detected}
    return Packed(left_out=left, subsets=counts)


def _flac(run: Run, subset: str, clip_id: str) -> bytes:
    cache = run.cache()
    samples = np.empty(cache.num_samples(subset, clip_id), dtype="<i2")
    cache.read_stored(subset, clip_id, out=samples)
    file = io.BytesIO()
    soundfile.write(file, samples.astype(np.int16), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _known_digests(folder: Path) -> dict[str, str]:
    """Return the digests that the jobs of a run recorded of what they wrote."""
    return {name: digest for manifest in manifests(folder) for name, digest in manifest.digests.items()}


def _json(tree: object) -> bytes:
    return (json.dumps(tree, indent=1) + "\n").encode()
