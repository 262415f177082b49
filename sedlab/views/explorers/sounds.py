"""Sounds to look through, wherever they come from: files, folders, waveforms, a batch, the clips of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sedlab.errors import SedlabError
from sedlab.grid import SAMPLE_RATE
from sedlab.labels import CLASSES

if TYPE_CHECKING:
    from sedlab.data.batch import Batch


@dataclass(frozen=True, eq=False)
class LabelledSound:
    """A sound at 16 kHz."""

    waveform: np.ndarray
    """(N,) in [-1, 1]"""
    labels: np.ndarray | None = None
    """(C, 156) in [0, 1], the targets of its first 10 s; None: not annotated"""
    classes: tuple[str, ...] = CLASSES
    """The rows of the labels"""


@dataclass(frozen=True, eq=False)
class Sounds:
    """Sounds by key, loaded when they are looked at."""

    keys: tuple[str, ...]
    load: Callable[[str], LabelledSound]


def sounds_of(source: object, sample_rate: int = SAMPLE_RATE) -> Sounds:
    """Return the sounds of a file, a folder, a list of files, a waveform (N,) at ``sample_rate``, or a `Batch`.

    Raises
    ------
    SedlabError
        For anything else, and a folder without sound files. What is wrong with a file is told when it is loaded.
    """
    from sedlab.data.batch import Batch

    if isinstance(source, Sounds):
        return source
    if isinstance(source, Batch):
        return _of_batch(source)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        return _of_files(_files_in(path) if path.is_dir() else [path])
    if isinstance(source, Sequence) and source and all(isinstance(one, str | Path) for one in source):
        return _of_files([Path(one).expanduser() for one in source])
    waveform = np.asarray(source, dtype=np.float32) if hasattr(source, "__len__") else np.empty(0)
    if waveform.ndim != 1 or not waveform.size:
        raise SedlabError("there is no sound: give a file, a folder, a list of files, or one waveform (samples,).")
    sound = _at_16_khz(waveform, sample_rate)
    return Sounds(("waveform",), lambda _key: LabelledSound(sound))


def _of_files(paths: Sequence[Path]) -> Sounds:
    named = {str(path): path for path in paths}

    @lru_cache(maxsize=4)
    def load(key: str) -> LabelledSound:
        from sedlab.data.audio_file import read_audio

        return LabelledSound(_at_16_khz(*read_audio(named[key])))

    return Sounds(tuple(named), load)


def _files_in(folder: Path) -> list[Path]:
    from sedlab.data.formats.suffixes import is_audio_name

    found = sorted(path for path in folder.rglob("*") if is_audio_name(path.name) and path.is_file())
    if not found:
        raise SedlabError(f"{folder}: holds no sound files. Give another folder, or name the files.")
    return found


def _of_batch(batch: Batch) -> Sounds:
    keys = [f"{subset}/{clip_id}" for subset, clip_id in zip(batch.subsets, batch.clip_ids, strict=True)]
    places = {key: place for place, key in reversed(list(enumerate(keys)))}

    def load(key: str) -> LabelledSound:
        place, targets, weak = places[key], batch.targets, batch.rows.weak
        labels = targets.strong[place]
        if weak.start <= place < weak.stop:  # a tag fills its clip
            labels = targets.weak[place, :, None].expand_as(labels)
        return LabelledSound(batch.waveform[place].numpy(), labels.numpy(), batch.classes)

    return Sounds(tuple(dict.fromkeys(keys)), load)


def _at_16_khz(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    from sedlab.data.audio_file import resample

    return resample(np.clip(waveform, -1, 1), sample_rate, SAMPLE_RATE)
