"""One sound file of the mini corpus as a task: what to make, from which random stream, under which name."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from sedlab.config.data import MiniConfig
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.mini.difficulty import AUDIOSET, DEVTEST, PUBLIC, REAL, SYNTH, Difficulty
from sedlab.data.mini.recording import SCENES, maestro_recording
from sedlab.data.mini.rooms import device_response
from sedlab.data.mini.soundscape import Event, SynthesisedClip, audioset_clip, desed_clip
from sedlab.errors import SedlabError
from sedlab.grid import SAMPLE_RATE
from sedlab.system.environment import can_have_queues, importing_safely

MAESTRO_AUDIO = "MAESTRO_original/maestro_dev/development_audio"
MAESTRO_ANNOTATION = "MAESTRO_original/maestro_dev/development_annotation"

#: Subsets of clips: how hard each is, and which option says how large.
CLIPS: dict[str, tuple[Difficulty, str]] = {
    "synth_train": (SYNTH, "num_synth_train"),
    "strong_train": (REAL, "num_strong_train"),
    "weak_train": (REAL, "num_weak"),
    "unlabeled_train": (REAL, "num_unlabeled"),
    "synth_val": (SYNTH, "num_synth_val"),
    "devtest": (DEVTEST, "num_devtest"),
    "eval_public": (PUBLIC, "num_public"),
    "audioset_train": (AUDIOSET, "num_audioset_train"),
    "audioset_eval": (AUDIOSET, "num_audioset_eval"),
}
#: Folder of the impulse responses of recording devices.
DEVICES = "device_responses"
NUM_DEVICES = 6
#: Subsets of whole recordings; their windows are cut afterwards.
RECORDINGS = ("maestro_train", "maestro_dev")

# Every subset draws from streams of its own; a change of order would change every file.
_STREAMS = {name: number for number, name in enumerate([*CLIPS, *RECORDINGS, DEVICES])}
_ID_ALPHABET = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
# Tasks a process takes at a time.
_CHUNK = 4
#: Files that take as long to make as a process takes to start.
_WORTH_A_PROCESS = 60


@dataclass(frozen=True)
class RenderTask:
    """One file to make: the ``index``-th of its subset. A recording also has a scene and a name."""

    config: MiniConfig
    subset: str
    index: int
    scene: str = ""
    name: str = ""


@dataclass(frozen=True)
class Rendered:
    """What a task made: file name, duration in seconds, events (of a clip; a recording has its annotation file)."""

    task: RenderTask
    filename: str
    duration: float
    events: tuple[Event, ...]


def all_tasks(config: MiniConfig) -> list[RenderTask]:
    """Return the tasks of a whole corpus, the long ones first."""
    clips = [
        RenderTask(config, name, index) for name, (_, size) in CLIPS.items() for index in range(getattr(config, size))
    ]
    return _recording_tasks(config) + clips


def suitable_workers(config: MiniConfig, most: int) -> int:
    """Return how many processes, of ``most``, make a corpus soonest: each takes seconds to start."""
    return max(1, min(most, len(all_tasks(config)) // _WORTH_A_PROCESS))


def render_all(folder: Path, tasks: list[RenderTask], *, workers: int) -> Iterator[Rendered]:
    """Make the files of ``tasks`` under ``folder`` in ``workers`` processes; yield them in the order of the tasks."""
    if workers <= 1 or not can_have_queues():
        yield from (render(folder, task) for task in tasks)
        return
    # Spawned, not forked: a fork of a process with threads (a notebook, torch) may hang.
    context = multiprocessing.get_context("spawn")
    try:
        with importing_safely(), ProcessPoolExecutor(workers, mp_context=context) as pool:
            yield from pool.map(render, [folder] * len(tasks), tasks, chunksize=_CHUNK)
    except BrokenProcessPool as error:
        raise SedlabError(
            f"{folder.parent}: a process that makes sounds died, perhaps for lack of memory. Run the same command "
            "again in one process, with this before it: taskset -c 0"
        ) from error


def render(folder: Path, task: RenderTask) -> Rendered:
    """Make one file. Its randomness depends on seed, subset and index alone."""
    rng = np.random.default_rng([task.config.seed, _STREAMS[task.subset], task.index])
    if task.subset in RECORDINGS:
        return _render_recording(folder, task, rng)
    make_clip = audioset_clip if task.subset.startswith("audioset") else desed_clip
    clip = make_clip(rng, task.index, CLIPS[task.subset][0])
    filename = _filename(rng, task, clip)
    _write_wav(folder / SUBSETS[task.subset].audio / filename, clip.waveform)
    return Rendered(task, filename, clip.duration, clip.events)


def render_devices(folder: Path, seed: int) -> None:
    """Make the impulse responses of `NUM_DEVICES` recording devices."""
    for index in range(NUM_DEVICES):
        rng = np.random.default_rng([seed, _STREAMS[DEVICES], index])
        _write_wav(folder / DEVICES / f"device_{index}.wav", device_response(rng))


def _recording_tasks(config: MiniConfig) -> list[RenderTask]:
    tasks = []
    numbers = dict.fromkeys(SCENES, 0)
    for subset, count in zip(RECORDINGS, (config.num_maestro_train, config.num_maestro_dev), strict=True):
        for index, scene in zip(range(count), itertools.cycle(SCENES), strict=False):
            tasks.append(RenderTask(config, subset, index, scene, f"{scene}_{numbers[scene]:02d}"))
            numbers[scene] += 1
    return tasks


def _render_recording(folder: Path, task: RenderTask, rng: Generator) -> Rendered:
    seconds, listeners = float(task.config.maestro_seconds), task.config.num_annotators
    recording = maestro_recording(rng, task.scene, seconds=seconds, num_annotators=listeners)
    filename = f"{task.name}.wav"
    _write_wav(folder / MAESTRO_AUDIO / filename, recording.waveform)
    annotation = folder / MAESTRO_ANNOTATION / f"{task.name}.txt"
    annotation.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{onset:.1f}\t{offset:.1f}\t{label}\t{c:.4f}\n" for onset, offset, label, c in recording.labels]
    annotation.write_text("".join(rows), encoding="utf-8")
    return Rendered(task, filename, len(recording.waveform) / SAMPLE_RATE, ())


def _filename(rng: Generator, task: RenderTask, clip: SynthesisedClip) -> str:
    """Return a name in the manner of the real subset; most name a stretch of a video that does not exist."""
    if task.subset.startswith("synth"):
        return f"{task.index}.wav"
    video = "".join(rng.choice(_ID_ALPHABET, 11))
    start = int(rng.integers(0, 40)) * 10
    if task.subset == "eval_public":
        return f"{video}_{start}_{start + 10}.wav"
    if task.subset.startswith("audioset"):
        return f"{video}_{start * 1000}.wav"
    return f"Y{video}_{start:.3f}_{start + clip.duration:.3f}.wav"


def _write_wav(path: Path, waveform: np.ndarray) -> None:
    import soundfile

    # No temporary name for each file: the whole folder has one.
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        soundfile.write(path, waveform, SAMPLE_RATE, subtype="PCM_16")
    except soundfile.SoundFileError as error:
        raise SedlabError(f"{path}: cannot be written ({error}). Free space or choose another folder.") from None
