"""Read sound files as mono float waveforms; damaged ones are refused with their name."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from sedlab.data.formats.channels import ChannelBalance
from sedlab.data.formats.extent import sound_extent
from sedlab.data.formats.opening import check_sample_rate, check_whole, open_file, open_sound
from sedlab.errors import SedlabWarning
from sedlab.grid import FULL_SCALE

#: How far the resampling filter reaches to either side, in samples of the lower of the two rates.
FILTER_REACH = 32
#: The largest factor of a change of the sample rate: the filter is so many times as long. Only odd rates above it, such
#: as 999,983 Hz, need a larger one; the nearest that does not moves a sample by 0.1 ms in an hour.
_LARGEST_FACTOR = 48_000


@dataclass(frozen=True)
class AudioHeader:
    """What there is in a sound file, by its header and size."""

    sample_rate: int
    num_frames: int
    """Samples per channel."""
    channels: int = 1

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_frames / self.sample_rate


def read_header(path: str | Path) -> AudioHeader:
    """Return rate and length of a sound file.

    Of a WAV file the bytes are counted, as its header may claim too much; the headers of compressed files are believed,
    and those that say no length are decoded.

    Raises
    ------
    SedlabError
        For an unreadable, truncated or empty file, or an absurd sample rate.
    """
    path = Path(path)
    header = _read_plain_header(path)
    if header is not None:
        return header
    with open_sound(path, whole=True) as sound:
        num_frames = sum(map(len, sound.blocks())) if sound.num_frames is None else sound.num_frames
        if not num_frames:
            raise sound.empty()
        return AudioHeader(sound.sample_rate, num_frames, sound.decoder.channels)


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Return the waveform (samples,) float32 in [-1, 1] and its sample rate; channels are averaged.

    Warns
    -----
    SedlabWarning
        When the header says another length than is found, and when the channels cancel each other.

    Raises
    ------
    SedlabError
        For an unreadable, truncated, empty or damaged file.
    """
    waveform, sample_rate, notes = read_with_notes(path)
    for note in notes:
        warnings.warn(note, SedlabWarning, stacklevel=2)
    return waveform, sample_rate


def read_with_notes(path: str | Path) -> tuple[np.ndarray, int, list[str]]:
    """Return what `read_audio` does, and as sentences what that warns of; raises as it does."""
    path = Path(path)
    balance = ChannelBalance()
    with open_sound(path, whole=True) as sound:
        mono = [balance.mix(samples) for samples in sound.blocks()]
        notes = [sound.note()]
    if not mono:
        raise sound.empty()
    if balance.cancels:
        notes.append(f"{path}: its channels cancel each other, one is inverted; little is left of their mean.")
    return mono[0] if len(mono) == 1 else np.concatenate(mono), sound.sample_rate, list(filter(None, notes))


def to_pcm16(waveform: np.ndarray) -> np.ndarray:
    """Return ``waveform`` (samples,) in [-1, 1] as little-endian int16, rounded, and clipped beyond full scale."""
    scaled = np.multiply(waveform, np.float32(FULL_SCALE), dtype=np.float32)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled).astype("<i2")


def resample(waveform: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """Return ``waveform`` (samples,) at ``target_rate``, length ``ceil(samples * target / rate)``, float32.

    Polyphase filtering with a Kaiser window: flat to 0.85 of the lower Nyquist frequency, 80 dB down above it.
    """
    from scipy.signal import resample_poly

    if sample_rate == target_rate:
        return np.asarray(waveform, dtype=np.float32)
    up, down = rate_ratio(sample_rate, target_rate)
    return resample_poly(waveform, up, down, window=_low_pass(max(up, down))).astype(np.float32)


def rate_ratio(sample_rate: int, target_rate: int) -> tuple[int, int]:
    """Return the factors (up, down) of a change of the sample rate, without common divisor."""
    ratio = Fraction(target_rate, sample_rate).limit_denominator(_LARGEST_FACTOR)
    return ratio.numerator, ratio.denominator


@lru_cache(maxsize=8)
def _low_pass(ratio: int) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(2 * FILTER_REACH * ratio + 1, 0.93 / ratio, window=("kaiser", 8.0)).astype(np.float32)


def _read_plain_header(path: Path) -> AudioHeader | None:
    """Return the header of a plain WAV file with samples, None for any other.

    Without libsndfile, which takes ten times as long, and there are tens of thousands of files.
    """
    with open_file(path) as file:
        try:
            extent = sound_extent(file)
        except EOFError:
            return None
    if extent is None or extent.present < extent.frame_bytes or not extent.frame_bytes:
        return None
    check_sample_rate(extent.sample_rate, path)
    check_whole(extent, path)
    return AudioHeader(extent.sample_rate, extent.present // extent.frame_bytes, extent.channels)
