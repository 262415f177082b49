"""Cut recordings into the clips of the corpus: 16 kHz, mono, 16 bits; several recordings at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedlab.data.audio_file import to_pcm16
from sedlab.data.audio_stream import AudioStream, open_audio
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.formats.names import on_disk
from sedlab.data.importing.record import CutRecording
from sedlab.data.importing.windows import Event, Window, evaluation_windows, training_windows, window_name
from sedlab.data.preparation.conversion import write_wav
from sedlab.grid import SAMPLE_RATE
from sedlab.system.parallel import in_parallel

#: Decoding and filters work beside each other; each holds a few seconds of sound.
NUM_THREADS = 4


@dataclass(frozen=True)
class ToCut:
    """A recording, and what it becomes clips of."""

    subset: str
    recording: str
    """Its path below the folder."""
    source: Path
    name: str
    """What its clips are called."""
    events: tuple[Event, ...]
    """Clips for validation and tests end between them."""
    hop: float
    """Seconds between clips for training."""
    until: float = float("inf")
    """Seconds that were annotated; what follows is left out."""

    def windows(self, num_samples: int) -> list[Window]:
        """Return (start, end) of the clips of a recording of so many samples at 16 kHz."""
        annotated = num_samples if self.until == float("inf") else min(num_samples, round(self.until * SAMPLE_RATE))
        if SUBSETS[self.subset].split == "train":
            return training_windows(annotated, self.hop)
        return evaluation_windows(annotated, self.events)

    def clips(self, num_samples: int) -> tuple[tuple[str, int, int], ...]:
        """Return (file name, start, end) of the clips."""
        windows = self.windows(num_samples)
        whole = windows == [(0, num_samples)]
        return tuple((window_name(self.name, window, whole=whole), *window) for window in windows)


def cut_all(root: Path, recordings: Sequence[ToCut], done: Callable[[CutRecording], None]) -> None:
    """Cut recordings, and call ``done`` in this thread with what became of each, as soon as it is there.

    Raises
    ------
    SedlabError
        For a damaged recording, once those that were begun are finished.
    """
    for _, result in in_parallel(lambda recording: cut(root, recording), recordings, workers=NUM_THREADS):
        done(result)


def cut(root: Path, recording: ToCut) -> CutRecording:
    """Write the clips of one recording, each whole or not at all; return what was cut."""
    stream = open_audio(recording.source)
    found = on_disk(recording.source).stat()
    clips = recording.clips(stream.num_samples)
    folder = root / SUBSETS[recording.subset].audio
    for (name, *_), samples in zip(clips, _pieces(stream, [(start, end) for _, start, end in clips]), strict=True):
        write_wav(folder / name, to_pcm16(samples))
    return CutRecording(
        recording.subset,
        recording.recording,
        recording.source,
        found.st_size,
        found.st_mtime_ns,
        stream.num_samples,
        clips,
    )


def _pieces(stream: AudioStream, windows: Sequence[Window]) -> Iterator[np.ndarray]:
    """Yield the samples of each window, in order of their starts; no more is held than one window and a block."""
    held, begin = np.zeros(0, dtype=np.float32), 0
    waiting = list(windows)
    for block in stream.blocks():
        held = np.concatenate((held, block))
        while waiting and waiting[0][1] <= begin + len(held):
            start, end = waiting.pop(0)
            yield held[start - begin : end - begin]
            # Windows that overlap begin in what is held.
            keep_from = waiting[0][0] if waiting else begin + len(held)
            drop = max(0, min(keep_from - begin, len(held)))
            held, begin = held[drop:], begin + drop
        if not waiting:
            return
