"""Write the mini corpus: the same folders, names and tables as the real corpora, whole or not at all."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sedlab.config.data import MiniConfig
from sedlab.data.corpora.desed import write_durations
from sedlab.data.corpora.exclusion import write_exclusion_lists
from sedlab.data.corpora.layout import MAESTRO_DURATIONS, MINI_MARKER, SUBSETS, UNLABELED_TABLE
from sedlab.data.mini.catalogue import SOUNDS
from sedlab.data.mini.rendering import (
    CLIPS,
    MAESTRO_ANNOTATION,
    MAESTRO_AUDIO,
    RECORDINGS,
    Rendered,
    all_tasks,
    render_all,
    render_devices,
)
from sedlab.errors import SedlabError
from sedlab.files import read_json, write_json
from sedlab.progress import Progress
from sedlab.system.locking import held, holder_of

#: Raised whenever the same configuration would give other files.
GENERATOR_VERSION = 2
_SPLIT_LISTS = {"maestro_train": ("train_split.csv", "train"), "maestro_dev": ("validation_split.csv", "val")}


def generate(
    root: str | Path,
    config: MiniConfig,
    progress: Progress | None = None,
    workers: int = 2,
) -> None:
    """Generate the mini corpus at ``root``, unless it is there already.

    The files depend on ``config`` alone, not on the number of ``workers``. They are made in a folder beside ``root``
    that takes its place at the end. A corpus of another configuration is replaced.

    Parameters
    ----------
    workers : int
        Processes to use; 1 works in this one.

    Raises
    ------
    SedlabError
        If ``root`` holds something this function did not write, or cannot be written to.
    """
    # A link is followed, so that the rename at the end stays on one disk.
    root = Path(root).resolve()
    _sweep(root)
    if _is_generated(root, config):
        return
    tasks = all_tasks(config)
    made: list[Rendered] = []
    try:
        with _replacement(root, config) as folder:
            for item in render_all(folder, tasks, workers=workers):
                made.append(item)
                if progress:
                    progress(len(made), len(tasks), item.task.subset)
            _write_clip_tables(folder, made)
            write_exclusion_lists(folder)
            _cut_recordings(folder, made, config)
            render_devices(folder, config.seed)
            write_json(folder / MINI_MARKER, _marker(config))
    except OSError as error:
        raise SedlabError(f"{root}: cannot be written ({error}). Free space or choose another folder.") from error


def _write_clip_tables(folder: Path, made: Sequence[Rendered]) -> None:
    for name in CLIPS:
        subset, items = SUBSETS[name], [item for item in made if item.task.subset == name]
        if subset.durations:
            write_durations(folder, name)
        if subset.family == "audioset":
            columns = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
            rows = [
                (item.filename.removesuffix(".wav"), f"{e.onset:.3f}", f"{e.offset:.3f}", SOUNDS[e.label].mid)
                for item in items
                for e in item.events
            ]
            _write_rows(folder / subset.table, columns, rows)
        elif subset.label_kind == "strong":
            _write_rows(folder / subset.table, ("filename", "onset", "offset", "event_label"), _strong_rows(items))
        elif subset.label_kind == "weak":
            rows = [(item.filename, ",".join(sorted({event.label for event in item.events}))) for item in items]
            _write_rows(folder / subset.table, ("filename", "event_labels"), rows)
        else:
            _write_rows(folder / UNLABELED_TABLE, ("filename",), [(item.filename,) for item in items])


def _strong_rows(items: Sequence[Rendered]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for item in items:
        rows += [(item.filename, f"{e.onset:.3f}", f"{e.offset:.3f}", e.label) for e in item.events]
        if not item.events:
            # As in the DESED validation table: a clip without events keeps one empty row.
            rows.append((item.filename, "", "", ""))
    return rows


def _cut_recordings(folder: Path, made: Sequence[Rendered], config: MiniConfig) -> None:
    from sedlab.data.preparation.windows import cut_recordings

    durations = sorted((item.task.name, str(item.duration)) for item in made if item.task.subset in RECORDINGS)
    _write_rows(folder / MAESTRO_DURATIONS, ("filename", "duration"), durations)
    for subset, hop in zip(RECORDINGS, (config.maestro_hop_train, config.maestro_hop_dev), strict=True):
        names = [item.task.name for item in made if item.task.subset == subset]
        filename, header = _SPLIT_LISTS[subset]
        _write_rows((folder / MAESTRO_AUDIO).parent / filename, (header,), [(f"{name}.txt",) for name in names])
        cut_recordings(
            {name: folder / MAESTRO_AUDIO / f"{name}.wav" for name in names},
            {name: folder / MAESTRO_ANNOTATION / f"{name}.txt" for name in names},
            folder / SUBSETS[subset].audio,
            folder / SUBSETS[subset].table,
            hop_seconds=hop,
        )


def _write_rows(path: Path, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in [columns, *rows]), encoding="utf-8")


class _Marker(BaseModel):
    """What a generated corpus was made from."""

    generator_version: int
    config: dict[str, Any]
    """As it was: an option that is new, or gone, makes it another corpus."""


def _marker(config: MiniConfig) -> _Marker:
    return _Marker(generator_version=GENERATOR_VERSION, config=config.model_dump(mode="json"))


def _is_generated(root: Path, config: MiniConfig) -> bool:
    """Return whether ``root`` holds this very corpus; raise if it holds something that is not ours to replace."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    marker = root / MINI_MARKER
    if not marker.is_file():
        raise SedlabError(
            f"{root}: exists and was not made by the mini generator (no {MINI_MARKER} in it). "
            "Choose another folder, or move this one away."
        )
    try:
        return read_json(marker, _Marker, "") == _marker(config)
    except SedlabError:
        return False


@contextmanager
def _replacement(root: Path, config: MiniConfig) -> Iterator[Path]:
    """Yield an empty folder beside ``root`` that takes its place if the block ends without error."""
    root.parent.mkdir(parents=True, exist_ok=True)
    folder = root.with_name(f".{root.name}.{secrets.token_hex(4)}.part")
    lock, old = folder.with_suffix(".lock"), folder.with_suffix(".old")
    # Whoever finds the folder and nobody who holds this lock may remove both.
    with held(lock):
        folder.mkdir()
        try:
            yield folder
            # Another process may have finished the same corpus meanwhile; its files are as good as ours.
            if _is_generated(root, config):
                return
            if root.exists():
                root.rename(old)
            folder.rename(root)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _sweep(root: Path) -> None:
    """Remove what processes that were killed have left beside ``root``."""
    leftover = re.compile(rf"\.{re.escape(root.name)}\.[0-9a-f]{{8}}\.(part|old|lock)")
    found = root.parent.glob(".*") if root.parent.is_dir() else ()
    for path in [path for path in found if leftover.fullmatch(path.name)]:
        if holder_of(path.with_suffix(".lock")) is None:
            shutil.rmtree(path, ignore_errors=True)
            path.with_suffix(".lock").unlink(missing_ok=True)
