"""Whether the files of a run are still what its jobs wrote: sizes, which cost nothing, and contents, on request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.files import file_sha256
from sedlab.progress import Progress
from sedlab.runs.manifest import Manifest, read_manifest

_REMEDY = "Unless you changed it, delete it and run again: it is then made anew."


@dataclass(frozen=True)
class Verified:
    """What came of reading every file again."""

    files: int
    """Files whose contents were compared."""
    unknown: int
    """Files of jobs of an earlier version, which recorded no contents."""
    damaged: tuple[str, ...]
    """A line for each file that is not what was written."""


def changed_sizes(run_folder: Path) -> list[str]:
    """Return a line for each file that has another size than its job recorded."""
    lines = []
    for manifest, name, path in _written(run_folder):
        if path.is_file() and (found := path.stat().st_size) != manifest.files[name]:
            lines.append(
                f"{path}: {found:,} bytes, not the {manifest.files[name]:,} that {manifest.node} wrote. {_REMEDY}"
            )
    return lines


def verify(run_folder: Path, progress: Progress | None = None) -> Verified:
    """Read every file that the jobs of a run wrote and compare it with what they recorded.

    A file that is not there is not damaged: it is made again by the next run.
    """
    files, unknown, damaged = 0, 0, []
    written = [entry for entry in _written(run_folder) if entry[2].is_file()]
    for index, (manifest, name, path) in enumerate(written):
        try:
            if name not in manifest.digests:
                unknown += 1
            elif file_sha256(path) != manifest.digests[name]:
                damaged.append(f"{path}: not what {manifest.node} wrote. {_REMEDY}")
        except SedlabError as error:
            damaged.append(str(error))
        files += name in manifest.digests
        if progress is not None:
            progress(index + 1, len(written), "files")
    for path in _manifest_files(run_folder):
        try:
            read_manifest(path)
        except SedlabError as error:
            damaged.append(str(error))
    return Verified(files, unknown, tuple(damaged))


def _written(run_folder: Path) -> Iterator[tuple[Manifest, str, Path]]:
    for file in _manifest_files(run_folder):
        try:
            manifest = read_manifest(file)
        except SedlabError:
            continue  # its job is due
        for name in manifest.files:
            yield manifest, name, run_folder / name


def _manifest_files(run_folder: Path) -> list[Path]:
    return sorted(run_folder.glob("**/manifest.json"))
