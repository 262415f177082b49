"""Write the mini corpus: the same folders, names and tables as the real corpora, whole or not at all."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from sedlab.config.data import MiniConfig
from sedlab.data.layout import MAESTRO_DURATIONS, SUBSETS
from sedlab.data.mini.catalogue import SOUNDS
from sedlab.data.mini.difficulty import AUDIOSET, DEVTEST, PUBLIC, REAL, SYNTH
from sedlab.data.mini.recording import SCENES, maestro_recording
from sedlab.data.mini.soundscape import Clip, Event, audioset_clip, desed_clip
from sedlab.data.mini.sources import SAMPLE_RATE
from sedlab.errors import SedlabError
from sedlab.files import write_json

Progress = Callable[[int, int, str], None]

MARKER = "mini.json"
#: Raised whenever the same configuration would give other files.
GENERATOR_VERSION = 1
UNLABELED_TABLE = "metadata/train/unlabel_in_domain.tsv"
MAESTRO_ORIGINAL = "MAESTRO_original/maestro_dev"

_ID_ALPHABET = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
_SETTINGS = {
    "synth_train": SYNTH,
    "strong_train": REAL,
    "weak_train": REAL,
    "unlabeled_train": REAL,
    "synth_val": SYNTH,
    "devtest": DEVTEST,
    "eval_public": PUBLIC,
    "audioset_train": AUDIOSET,
    "audioset_eval": AUDIOSET,
}
_MAESTRO_PARTS = ("train", "validation")
# Every subset draws from streams of its own; the numbers must never change.
_STREAMS = {name: number for number, name in enumerate([*_SETTINGS, "maestro_train", "maestro_validation"])}


def generate(root: Path, config: MiniConfig, progress: Progress | None = None, workers: int = 2) -> None:
    """Generate the mini corpus at ``root``, unless it is there already.

    The files depend on ``config`` alone, not on the number of ``workers``. They are made in a folder beside ``root``
    that takes its place at the end. A corpus of another configuration is replaced.

    Parameters
    ----------
    progress : callable or None
        Called with (done, total, what) as clips are finished.
    workers : int
        Processes to use; 1 works in this one.

    Raises
    ------
    SedlabError
        If ``root`` holds something this function did not write, or cannot be written to.
    """
    root = Path(root)
    if _is_generated(root, config):
        return
    progress = progress or (lambda done, total, what: None)
    tasks = _tasks(config)
    try:
        with _replacement(root, config) as folder:
            items = []
            for item in _render_all(folder, tasks, workers):
                items.append(item)
                progress(len(items), len(tasks) + 1, item.task.subset)
            _write_tables(folder, items)
            _write_maestro(folder, [item for item in items if item.task.scene], config)
            write_json(folder / MARKER, _marker(config))
    except OSError as error:
        raise SedlabError(f"{root}: cannot be written ({error}). Free space or choose another folder.") from error
    progress(len(tasks) + 1, len(tasks) + 1, "done")


@dataclass(frozen=True)
class _Task:
    """One file to make: a clip, or the ``index``-th recording of a MAESTRO part when ``scene`` is given."""

    subset: str
    index: int
    seed: int
    scene: str = ""
    name: str = ""
    seconds: float = 0.0
    num_annotators: int = 0


@dataclass(frozen=True)
class _Item:
    """What was made: the file's name, its duration in seconds, its events."""

    task: _Task
    filename: str
    duration: float
    events: tuple[Event, ...]


def _tasks(config: MiniConfig) -> list[_Task]:
    sizes = {
        "synth_train": config.num_synth_train,
        "strong_train": config.num_strong_train,
        "weak_train": config.num_weak,
        "unlabeled_train": config.num_unlabeled,
        "synth_val": config.num_synth_val,
        "devtest": config.num_devtest,
        "eval_public": config.num_public,
        "audioset_train": config.num_audioset_train,
        "audioset_eval": config.num_audioset_eval,
    }
    # Recordings first: they take longest.
    tasks = []
    numbers = dict.fromkeys(SCENES, 0)
    for part, count in zip(_MAESTRO_PARTS, (config.num_maestro_train, config.num_maestro_dev), strict=True):
        for index in range(count):
            scene = list(SCENES)[index % len(SCENES)]
            tasks.append(
                _Task(
                    subset=f"maestro_{part}",
                    index=index,
                    seed=config.seed,
                    scene=scene,
                    name=f"{scene}_{numbers[scene]:02d}",
                    seconds=float(config.maestro_seconds),
                    num_annotators=config.num_annotators,
                )
            )
            numbers[scene] += 1
    tasks += [_Task(subset, index, config.seed) for subset, size in sizes.items() for index in range(size)]
    return tasks


def _render_all(folder: Path, tasks: list[_Task], workers: int) -> Iterator[_Item]:
    if workers <= 1:
        yield from (_render(folder, task) for task in tasks)
        return
    # Spawned, not forked: a fork of a process with threads (a notebook, torch) may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(_render, [folder] * len(tasks), tasks, chunksize=4)


def _render(folder: Path, task: _Task) -> _Item:
    """Make one file. Its randomness depends on seed, subset and index only."""
    rng = np.random.default_rng([task.seed, _STREAMS[task.subset], task.index])
    if task.scene:
        return _render_recording(folder, task, rng)
    difficulty = _SETTINGS[task.subset]
    make = audioset_clip if task.subset.startswith("audioset") else desed_clip
    clip = make(rng, task.index, difficulty)
    filename = _filename(rng, task, clip)
    _write_wav(folder / SUBSETS[task.subset].audio / filename, clip.waveform)
    return _Item(task, filename, clip.duration, clip.events)


def _render_recording(folder: Path, task: _Task, rng: Generator) -> _Item:
    recording = maestro_recording(rng, task.scene, seconds=task.seconds, num_annotators=task.num_annotators)
    original = folder / MAESTRO_ORIGINAL
    _write_wav(original / "development_audio" / f"{task.name}.wav", recording.waveform)
    lines = [f"{onset:.1f}\t{offset:.1f}\t{label}\t{c:.4f}\n" for onset, offset, label, c in recording.labels]
    _write_text(original / "development_annotation" / f"{task.name}.txt", "".join(lines))
    return _Item(task, f"{task.name}.wav", len(recording.waveform) / SAMPLE_RATE, ())


def _filename(rng: Generator, task: _Task, clip: Clip) -> str:
    if task.subset.startswith("synth"):
        return f"{task.index}.wav"
    video = "".join(rng.choice(_ID_ALPHABET, 11))
    start = int(rng.integers(0, 40)) * 10
    if task.subset == "eval_public":
        return f"{video}_{start}_{start + 10}.wav"
    if task.subset.startswith("audioset"):
        return f"{video}_{start * 1000}.wav"
    return f"Y{video}_{start:.3f}_{start + clip.duration:.3f}.wav"


def _write_tables(folder: Path, items: list[_Item]) -> None:
    for subset in _SETTINGS:
        own = sorted((item for item in items if item.task.subset == subset), key=lambda item: item.task.index)
        layout = SUBSETS[subset]
        if layout.durations:
            # One decimal, as the baseline writes them: the criterion divides by the sum of these numbers.
            rows = [(item.filename, f"{item.duration:.1f}") for item in sorted(own, key=lambda item: item.filename)]
            _write_tsv(folder / layout.durations, ("filename", "duration"), rows)
        if layout.label_kind == "none":
            _write_tsv(folder / UNLABELED_TABLE, ("filename",), [(item.filename,) for item in own])
        elif layout.label_kind == "weak":
            rows = [(item.filename, ",".join(sorted({event.label for event in item.events}))) for item in own]
            _write_tsv(folder / layout.table, ("filename", "event_labels"), rows)
        elif layout.family == "audioset":
            columns = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
            rows = [
                (
                    item.filename.removesuffix(".wav"),
                    f"{event.onset:.3f}",
                    f"{event.offset:.3f}",
                    SOUNDS[event.label].mid,
                )
                for item in own
                for event in item.events
            ]
            _write_tsv(folder / layout.table, columns, rows)
        else:
            _write_tsv(folder / layout.table, ("filename", "onset", "offset", "event_label"), _strong_rows(own))


def _strong_rows(items: list[_Item]) -> list[tuple[str, ...]]:
    rows = []
    for item in items:
        rows += [(item.filename, f"{e.onset:.3f}", f"{e.offset:.3f}", e.label) for e in item.events]
        if not item.events:
            # As in the DESED validation table: a clip without events keeps one empty row.
            rows.append((item.filename, "", "", ""))
    return rows


def _write_maestro(folder: Path, items: list[_Item], config: MiniConfig) -> None:
    from sedlab.data.maestro import cut_recordings

    original = folder / MAESTRO_ORIGINAL
    durations = [(item.task.name, str(item.duration)) for item in items]
    _write_tsv(folder / MAESTRO_DURATIONS, ("filename", "duration"), sorted(durations))
    hops = (config.maestro_hop_train, config.maestro_hop_dev)
    for part, subset, hop in zip(_MAESTRO_PARTS, ("maestro_train", "maestro_dev"), hops, strict=True):
        names = [item.task.name for item in items if item.task.subset == f"maestro_{part}"]
        header = "train" if part == "train" else "val"
        _write_tsv(original / f"{part}_split.csv", (header,), [(f"{name}.txt",) for name in names])
        cut_recordings(
            {name: original / "development_audio" / f"{name}.wav" for name in names},
            {name: original / "development_annotation" / f"{name}.txt" for name in names},
            folder / SUBSETS[subset].audio,
            folder / SUBSETS[subset].table,
            hop_seconds=hop,
        )


def _marker(config: MiniConfig) -> dict:
    return {"generator_version": GENERATOR_VERSION, "config": config.model_dump(mode="json")}


def _is_generated(root: Path, config: MiniConfig) -> bool:
    """Return whether ``root`` holds this very corpus; raise if it holds something that is not ours to replace."""
    marker = root / MARKER
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    if not marker.is_file():
        raise SedlabError(
            f"{root}: exists and was not made by the mini generator (no {MARKER} in it). Choose another folder, or "
            "move this one away."
        )
    try:
        return json.loads(marker.read_text(encoding="utf-8")) == _marker(config)
    except ValueError:
        return False


@contextmanager
def _replacement(root: Path, config: MiniConfig) -> Iterator[Path]:
    """Yield an empty folder beside ``root`` that takes its place if the block ends without error."""
    root.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{root.name}.", suffix=".part", dir=root.parent))
    try:
        yield folder
        # mkdtemp makes folders private; give this one the permissions mkdir would.
        os.umask(mask := os.umask(0))
        folder.chmod(0o777 & ~mask)
        # Another process may have finished the same corpus meanwhile; its files are as good as ours.
        if _is_generated(root, config):
            return
        old = folder.with_suffix(".old")
        if root.exists():
            root.rename(old)
        folder.rename(root)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_wav(path: Path, waveform: np.ndarray) -> None:
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, waveform, SAMPLE_RATE, subtype="PCM_16")


def _write_tsv(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    _write_text(path, "".join("\t".join(row) + "\n" for row in [columns, *rows]))


def _write_text(path: Path, text: str) -> None:
    # No temporary name for each file: the whole folder has one.
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
