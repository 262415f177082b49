"""Sound files of any length as blocks at 16 kHz, in the memory of a few seconds.

The blocks, joined, are the samples that `audio_file.read_audio` and `audio_file.resample` give for the whole file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sedlab.data.audio_file import FILTER_REACH, REMEDY, mix_down, rate_ratio, read_header, resample, unreadable
from sedlab.errors import SedlabError
from sedlab.grid import SAMPLE_RATE

if TYPE_CHECKING:
    from soundfile import SoundFile

BLOCK_SECONDS = 4
#: Half a step of 16-bit audio: a sample below it is digital silence.
SILENCE = 2.0**-16

_STDERR = 2
_stderr_lock = Lock()


@dataclass(frozen=True)
class AudioStream:
    """A sound file that was decoded once from end to end, so that its length is certain."""

    path: Path
    sample_rate: int
    """Of the file."""
    length: int
    """Samples of the file, per channel; counted, as the headers of MP3 files only estimate it."""
    sound_length: int
    """Samples up to and with the last that sounds; 0 for a silent file."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.length / self.sample_rate

    @property
    def sound_end(self) -> float:
        """Seconds up to the last sample that sounds."""
        return self.sound_length / self.sample_rate

    @property
    def num_samples(self) -> int:
        """Samples at 16 kHz."""
        return resampled_length(self.length, self.sample_rate)

    @property
    def num_sound_samples(self) -> int:
        """Samples at 16 kHz up to the end of the sound."""
        return resampled_length(self.sound_length, self.sample_rate)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the file as mono blocks (samples,) float32 at 16 kHz, a few seconds each; channels are averaged.

        Raises
        ------
        SedlabError
            For a file that can no longer be decoded.
        """
        return resample_blocks(_decode(self.path), self.sample_rate, SAMPLE_RATE)


def open_audio(path: str | Path) -> AudioStream:
    """Decode a sound file of any format that libsndfile reads, and return what was found.

    Raises
    ------
    SedlabError
        For a file that is missing, unreadable, truncated, damaged, without samples, or with samples that are not
        finite.
    """
    path = Path(path)
    with _quiet(path):
        sample_rate = read_header(path).sample_rate
    length = sound = 0
    for block in _decode(path):
        if last := sound_length(block):
            sound = length + last
        length += len(block)
    if not length:
        raise SedlabError(f"{path}: holds no samples. {REMEDY}")
    return AudioStream(path, sample_rate, length, sound)


def sound_length(waveform: np.ndarray) -> int:
    """Return the number of samples of ``waveform`` (samples,) up to and with the last that sounds; 0 if none does."""
    sounding = np.flatnonzero(np.abs(waveform) >= SILENCE)
    return int(sounding[-1]) + 1 if len(sounding) else 0


def resampled_length(length: int, sample_rate: int) -> int:
    """Return how many samples ``length`` samples at ``sample_rate`` become at 16 kHz."""
    up, down = rate_ratio(sample_rate, SAMPLE_RATE)
    return -(-length * up // down)


def resample_blocks(blocks: Iterable[np.ndarray], sample_rate: int, target_rate: int) -> Iterator[np.ndarray]:
    """Yield a waveform given in ``blocks`` at another rate; joined, it is `audio_file.resample` of the whole."""
    if sample_rate == target_rate:
        yield from blocks
        return
    up, down = rate_ratio(sample_rate, target_rate)
    # Parts begin at multiples of `down` samples, where a sample of both rates lies, and overlap by what the filter
    # reaches: an output sample of which the filter misses input is taken from the neighbouring part.
    reach = -(-FILTER_REACH * max(up, down) // up)
    margin = -(-reach // down) * down
    skipped = margin // down * up
    pending = np.zeros(margin, dtype=np.float32)
    for block in blocks:
        pending = np.concatenate((pending, block))
        ready = max(0, len(pending) - 2 * margin) // down * down
        if ready:
            resampled = resample(pending[: ready + 2 * margin], sample_rate, target_rate)
            yield resampled[skipped : skipped + ready // down * up]
            pending = pending[ready:]
    rest = resample(pending, sample_rate, target_rate)[skipped:]
    if len(rest):
        yield rest


def _decode(path: Path) -> Iterator[np.ndarray]:
    """Yield a file as mono blocks (samples,) float32 at its own rate."""
    try:
        with path.open("rb") as data, _open_sequential(data, path) as file:
            while len(samples := _read(file, path)):
                yield mix_down(samples, path)
            if file.format == "MP3":
                _check_mp3_was_read(data, path)
    except RuntimeError as error:
        raise unreadable(path, error) from None


def _open_sequential(data: BinaryIO, path: Path) -> SoundFile:
    import soundfile

    class SequentialFile(soundfile.SoundFile):
        def seekable(self) -> bool:
            # soundfile seeks to where it is after each read, and MP3 decoding does not survive that to the digit.
            return False

    with _quiet(path):
        return SequentialFile(data)


def _read(file: SoundFile, path: Path) -> np.ndarray:
    with _quiet(path):
        return file.read(BLOCK_SECONDS * file.samplerate, dtype="float32", always_2d=True)


def _check_mp3_was_read(data: BinaryIO, path: Path) -> None:
    """Refuse an MP3 file of which libsndfile reads a part only.

    Without a header that says how long it is, it estimates the length from the first frame's bit rate and stops there.
    Tags may follow the sound, hence the tenth.
    """
    read, size = data.tell(), path.stat().st_size
    if read < 0.9 * size:
        raise SedlabError(
            f"{path}: only {read} of {size} bytes could be decoded (its length is not in its header). "
            "Convert this file to WAV or FLAC."
        )


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep what C code writes to the error stream from the terminal."""
    with _stderr_lock, Path(os.devnull).open("wb") as nowhere:
        stderr = os.dup(_STDERR)
        os.dup2(nowhere.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, _STDERR)
            os.close(stderr)


def _quiet(path: Path) -> AbstractContextManager[None]:
    # The MP3 decoder comments on every oddity of a file in the middle of a progress bar.
    return _silent_stderr() if path.suffix.lower() == ".mp3" else nullcontext()
