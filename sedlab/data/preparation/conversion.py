"""One sound file of any rate, channels and coding as 16 kHz mono with 16-bit samples, the same bytes every time.

The samples are those of the waveform cache, which makes no difference between a copy and its original.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedlab.data.audio_file import read_with_notes, resample, to_pcm16
from sedlab.data.formats.names import on_disk
from sedlab.data.preparation.ledger import WAV_HEADER_BYTES
from sedlab.errors import SedlabError
from sedlab.files import atomic_path, link_or_copy
from sedlab.grid import SAMPLE_RATE

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


@dataclass(frozen=True)
class Converted:
    """What became of a source."""

    written: int = 0
    """Bytes of what was made; 0 when nothing was."""
    problem: str = ""
    """Why the source cannot be read."""
    notes: tuple[str, ...] = ()
    """What is odd about a source that was read, in sentences."""


def convert(source: Path, target: Path) -> Converted:
    """Write ``source`` to ``target`` as a WAV file of 16 kHz, mono, 16 bit.

    A source that is one already is linked, or copied where links are not possible. A target that already has these
    bytes keeps its time of change. Raises SedlabError when the target cannot be written; that the source cannot be read
    is told in what is returned.
    """
    if is_prepared_wav(source):
        link_or_copy(on_disk(source), target)
        return Converted(target.stat().st_size)
    try:
        samples, notes = samples_of(source)
    except SedlabError as error:
        return Converted(problem=str(error))
    return Converted(write_wav(target, samples), notes=tuple(notes))


def samples_of(source: Path) -> tuple[np.ndarray, list[str]]:
    """Return a sound file as (samples,) int16 at 16 kHz, channels averaged, and what is odd about it in sentences."""
    waveform, sample_rate, notes = read_with_notes(source)
    return to_pcm16(resample(waveform, sample_rate, SAMPLE_RATE)), notes


def write_wav(target: Path, samples: np.ndarray) -> int:
    """Write (samples,) int16 at 16 kHz, atomically, unless the file holds just that; return its bytes."""
    size = WAV_HEADER_BYTES + 2 * len(samples)
    if _holds(target, samples, size):
        return size
    with atomic_path(target) as temporary:
        # Not by libsndfile, which waits until each file is on the disk.
        temporary.write_bytes(_header(len(samples)) + samples.astype("<i2", copy=False).tobytes())
    return size


def is_prepared_wav(path: Path) -> bool:
    """Return whether a file is a whole 16 kHz mono WAV file of 16 bits with nothing but samples in it."""
    try:
        with on_disk(path).open("rb") as file:
            head = file.read(WAV_HEADER_BYTES)
            size = file.seek(0, 2)
    except OSError:
        return False
    if len(head) < WAV_HEADER_BYTES:
        return False
    return head == _header((size - WAV_HEADER_BYTES) // 2) and size > WAV_HEADER_BYTES


def _header(num_samples: int) -> bytes:
    num_bytes = 2 * num_samples
    coding = (16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    return _HEADER.pack(b"RIFF", WAV_HEADER_BYTES - 8 + num_bytes, b"WAVE", b"fmt ", *coding, b"data", num_bytes)


def _holds(path: Path, samples: np.ndarray, size: int) -> bool:
    try:
        if path.stat().st_size != size:
            return False
        content = path.read_bytes()
    except OSError:
        return False
    return content[:WAV_HEADER_BYTES] == _header(len(samples)) and content[WAV_HEADER_BYTES:] == samples.tobytes()
