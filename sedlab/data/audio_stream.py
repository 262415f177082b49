"""Sound files of any length as blocks at 16 kHz, in the memory of a few seconds.

The blocks, joined, are the samples that `audio_file.read_audio` and `audio_file.resample` give for the whole file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedlab.data.audio_file import FILTER_REACH, rate_ratio, resample
from sedlab.data.formats.channels import ChannelBalance, mean_of_channels
from sedlab.data.formats.opening import open_sound
from sedlab.errors import SedlabWarning
from sedlab.grid import SAMPLE_RATE

BLOCK_SECONDS = 4
#: Half a step of 16-bit audio: a sample below it is digital silence.
SILENCE = 2.0**-16


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
    channel: int | None = None
    """The one to read; None for the mean of all."""

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
        """Yield the file as mono blocks (samples,) float32 at 16 kHz, a few seconds each.

        Raises
        ------
        SedlabError
            For a file that can no longer be decoded.
        """
        return resample_blocks(_decode(self.path, self.channel), self.sample_rate, SAMPLE_RATE)


def open_audio(path: str | Path) -> AudioStream:
    """Decode a sound file of any format that libsndfile reads, and return what was found.

    Channels are averaged, unless they cancel each other, as when one is inverted: then the loudest is taken.

    Warns
    -----
    SedlabWarning
        When the header says another length than is found, and when the channels cancel each other.

    Raises
    ------
    SedlabError
        For a file that is missing, unreadable, damaged, without samples, or with samples that are not finite.
    """
    path = Path(path)
    balance = ChannelBalance()
    sound_ends = np.zeros(1, dtype=int)
    with open_sound(path, quiet=True) as sound:
        for samples in sound.blocks(BLOCK_SECONDS):
            ends = [sound_length(column) for column in (balance.mix(samples), *samples.T)]
            before = sound.num_decoded - len(samples)
            sound_ends = np.maximum(sound_ends, [before + end if end else 0 for end in ends])
        notes = [sound.note()]
    if not sound.num_decoded:
        raise sound.empty()
    channel = balance.loudest if balance.cancels else None
    if channel is not None:
        notes.append(f"{path}: its channels cancel each other, one is inverted; channel {channel + 1} alone is read.")
    for note in filter(None, notes):
        warnings.warn(note, SedlabWarning, stacklevel=2)
    end = int(sound_ends[0 if channel is None else channel + 1])
    return AudioStream(path, sound.sample_rate, sound.num_decoded, end, channel)


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


def _decode(path: Path, channel: int | None) -> Iterator[np.ndarray]:
    """Yield a file as mono blocks (samples,) float32 at its own rate."""
    with open_sound(path, quiet=True) as sound:
        for samples in sound.blocks(BLOCK_SECONDS):
            yield mean_of_channels(samples) if channel is None else samples[:, channel]
