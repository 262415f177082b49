"""Read sound files as mono float waveforms; damaged ones are refused with their name."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np

from sedlab.errors import SedlabError

AUDIO_SUFFIXES: tuple[str, ...] = (".wav", ".flac", ".ogg", ".mp3")

REMEDY = "Copy or download this file again, or delete it to leave the clip out."
#: How far the resampling filter reaches to either side, in samples of the lower of the two rates.
FILTER_REACH = 32
# A data chunk of unknown length, as programs write that pipe their output.
_UNKNOWN_LENGTHS = (0, 0xFFFFFFFF)
# Format tags whose data chunk is a plain array: PCM, float, extensible.
_PLAIN_FORMATS = (1, 3, 0xFFFE)


@dataclass(frozen=True)
class AudioHeader:
    """What the header of a sound file says."""

    sample_rate: int
    num_frames: int
    """Samples per channel."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_frames / self.sample_rate


def read_header(path: str | Path) -> AudioHeader:
    """Return the header of a sound file, after checking that a WAV file is as long as its header says.

    Raises
    ------
    SedlabError
        For an unreadable, empty or truncated file.
    """
    path = Path(path)
    header = _read_wav_header(path)
    if header is None:
        import soundfile

        try:
            info = soundfile.info(str(path))
        except RuntimeError as error:
            raise unreadable(path, error) from None
        header = AudioHeader(sample_rate=info.samplerate, num_frames=info.frames)
    if header.num_frames <= 0 or header.sample_rate <= 0:
        raise SedlabError(f"{path}: holds no samples. {REMEDY}")
    return header


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Return the waveform (samples,) float32 in [-1, 1] and its sample rate; channels are averaged.

    Raises
    ------
    SedlabError
        For an unreadable, empty or truncated file.
    """
    import soundfile

    path = Path(path)
    read_header(path)
    try:
        samples, sample_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except RuntimeError as error:
        raise unreadable(path, error) from None
    return mix_down(samples, path), sample_rate


def mix_down(samples: np.ndarray, path: str | Path) -> np.ndarray:
    """Return the mean (samples,) of the channels of ``samples`` (samples, channels) of a file.

    Raises
    ------
    SedlabError
        When it is not finite.
    """
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise SedlabError(f"{path}: holds samples that are not finite numbers. {REMEDY}")
    return np.ascontiguousarray(mono)


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
    divisor = gcd(sample_rate, target_rate)
    return target_rate // divisor, sample_rate // divisor


@lru_cache(maxsize=8)
def _low_pass(ratio: int) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(2 * FILTER_REACH * ratio + 1, 0.93 / ratio, window=("kaiser", 8.0)).astype(np.float32)


def _read_wav_header(path: Path) -> AudioHeader | None:
    """Return the header of a plain WAV file, None for any other format.

    libsndfile reads a WAV file with fewer bytes than announced as a shorter clip, so the bytes are counted here; it is
    also ten times as fast, and there are tens of thousands of files.
    """
    try:
        with path.open("rb") as file:
            riff = file.read(12)
            if not riff:
                raise SedlabError(f"{path}: is empty (0 bytes). {REMEDY}")
            if riff[:4] != b"RIFF" or riff[8:12] != b"WAVE":
                return None
            rate = frame_bytes = 0
            while len(chunk := file.read(8)) == 8:
                name, length = struct.unpack("<4sI", chunk)
                if name == b"data":
                    if length in _UNKNOWN_LENGTHS:
                        return None
                    start = file.tell()
                    present = file.seek(0, 2) - start
                    if present < length:
                        raise SedlabError(
                            f"{path}: truncated, {present} of {length} bytes of audio are there. {REMEDY}"
                        )
                    return AudioHeader(sample_rate=rate, num_frames=length // frame_bytes) if frame_bytes else None
                if name == b"fmt " and length >= 16:
                    fields = file.read(length + length % 2)
                    if len(fields) < 16:
                        break
                    form, _, rate, _, frame_bytes, _ = struct.unpack("<HHIIHH", fields[:16])
                    frame_bytes = frame_bytes if form in _PLAIN_FORMATS else 0
                else:
                    file.seek(length + length % 2, 1)
    except FileNotFoundError:
        raise SedlabError(f"{path}: no such sound file.") from None
    except OSError as error:
        raise SedlabError(f"{path}: cannot be read ({error.strerror}).") from None
    raise SedlabError(f"{path}: truncated, it ends before its audio begins. {REMEDY}")


def unreadable(path: Path, error: RuntimeError) -> SedlabError:
    # soundfile's errors are RuntimeErrors that repeat the path; the part that says why is in error_string.
    reason = getattr(error, "error_string", "") or str(error)
    return SedlabError(f"{path}: not a readable sound file ({reason.strip().rstrip('.')}). {REMEDY}")
