"""Sound files of any length as blocks at 16 kHz, in the memory of a few seconds.

The blocks, joined, are the samples that `audio_file.read_audio` and `audio_file.resample` give for the whole file.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from sedlab.data.audio_file import FILTER_REACH, rate_ratio, resample
from sedlab.data.formats.channels import ChannelBalance, mean_of_channels
from sedlab.data.formats.opening import OpenSound, open_sound
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


class FirstDecoding:
    """A sound file while it is decoded for the first time: what is known of it so far, and its samples meanwhile.

    Channels are averaged. Whether they cancel each other, so that one alone should be read, is certain in the end.

    Parameters
    ----------
    path : path
        Of any format that libsndfile reads. It is opened when the first block is asked for.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.found: AudioStream | None = None
        """What `finish` returned."""
        self._balance = ChannelBalance()
        self._sound_ends = np.zeros(1, dtype=int)
        self._sound: OpenSound | None = None
        self._mono = self._decoded()

    @property
    def cancels(self) -> bool:
        """Whether the channels have cancelled each other so far."""
        return self._balance.cancels

    @property
    def expected_samples(self) -> int:
        """Samples at 16 kHz of the whole file: those found, before that what its header says or was decoded."""
        if self.found is not None:
            return self.found.num_samples
        if self._sound is None:
            return 0
        return resampled_length(max(self._sound.num_frames or 0, self._sound.num_decoded), self._sound.sample_rate)

    @property
    def num_sound_samples(self) -> int:
        """Samples at 16 kHz up to the last that has sounded so far; 0: none did."""
        return 0 if self._sound is None else resampled_length(int(self._sound_ends[0]), self._sound.sample_rate)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the blocks of `AudioStream.blocks`, of the mean of all channels; to be asked once; errors as `finish`.

        Who stops asking can go on with `finish`.
        """
        for first in self._mono:
            yield from resample_blocks(chain([first], self._mono), self._sound.sample_rate, SAMPLE_RATE)

    def finish(self) -> AudioStream:
        """Decode what is left and return what was found; errors and warnings as `open_audio`."""
        for _ in self._mono:
            pass
        sound, balance = self._sound, self._balance
        if not sound.num_decoded:
            raise sound.empty()
        channel, notes = balance.loudest if balance.cancels else None, [self._note]
        if channel is not None:
            inverted = "its channels cancel each other, one is inverted"
            notes.append(f"{self.path}: {inverted}; channel {channel + 1} alone is read.")
        for note in filter(None, notes):
            warnings.warn(note, SedlabWarning, stacklevel=3)
        end = int(self._sound_ends[0 if channel is None else channel + 1])
        self.found = AudioStream(self.path, sound.sample_rate, sound.num_decoded, end, channel)
        return self.found

    def _decoded(self) -> Iterator[np.ndarray]:
        """Yield mono blocks at the file's own rate, taking note of each."""
        with open_sound(self.path, quiet=True) as sound:
            self._sound = sound
            for samples in sound.blocks(BLOCK_SECONDS):
                mono = self._balance.mix(samples)
                ends = [sound_length(column) for column in (mono, *samples.T)]
                before = sound.num_decoded - len(samples)
                self._sound_ends = np.maximum(self._sound_ends, [before + end if end else 0 for end in ends])
                yield mono
            self._note = sound.note()


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
    return FirstDecoding(path).finish()


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
