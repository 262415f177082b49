"""Sound files in, mono float waveforms out; damaged files are refused with their name."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sedlab.errors import SedlabError

AUDIO_SUFFIXES: tuple[str, ...] = (".wav", ".flac", ".ogg", ".mp3")

_REMEDY = "Copy or download this file again, or delete it to leave the clip out."
# A data chunk of unknown length, as programs write that pipe their output.
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)


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
    """Return the header of a sound file, after checking that the file is as long as the header says.

    Raises
    ------
    SedlabError
        For an unreadable, empty or truncated file.
    """
    import soundfile

    path = Path(path)
    _check_riff_length(path)
    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise SedlabError(f"{path}: not a readable sound file ({_reason(error)}). {_REMEDY}") from None
    if info.frames <= 0:
        raise SedlabError(f"{path}: holds no samples. {_REMEDY}")
    return AudioHeader(sample_rate=info.samplerate, num_frames=info.frames)


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Return the waveform (samples,) float32 in [-1, 1] and its sample rate; channels are averaged.

    Raises
    ------
    SedlabError
        For an unreadable, empty or truncated file.
    """
    import soundfile

    path = Path(path)
    _check_riff_length(path)
    try:
        samples, sample_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise SedlabError(f"{path}: not a readable sound file ({_reason(error)}). {_REMEDY}") from None
    if len(samples) == 0:
        raise SedlabError(f"{path}: holds no samples. {_REMEDY}")
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise SedlabError(f"{path}: holds samples that are not finite numbers. {_REMEDY}")
    return np.ascontiguousarray(mono), sample_rate


def resample(waveform: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """Return ``waveform`` (samples,) at ``target_rate``, length ``ceil(samples * target / rate)``, float32.

    Polyphase filtering with a Kaiser window: flat to 0.85 of the lower Nyquist frequency, 80 dB down above it.
    """
    from scipy.signal import resample_poly

    if sample_rate == target_rate:
        return np.asarray(waveform, dtype=np.float32)
    divisor = int(np.gcd(sample_rate, target_rate))
    up, down = target_rate // divisor, sample_rate // divisor
    return resample_poly(waveform, up, down, window=_low_pass(max(up, down))).astype(np.float32)


@lru_cache(maxsize=8)
def _low_pass(ratio: int) -> np.ndarray:
    from scipy.signal import firwin

    return firwin(2 * 32 * ratio + 1, 0.93 / ratio, window=("kaiser", 8.0)).astype(np.float32)


def _check_riff_length(path: Path) -> None:
    """Refuse a WAV file with fewer bytes than its data chunk announces: libsndfile reads it as a shorter clip."""
    try:
        with path.open("rb") as file:
            riff = file.read(12)
            if riff[:4] != b"RIFF" or riff[8:12] != b"WAVE":
                if not riff:
                    raise SedlabError(f"{path}: is empty (0 bytes). {_REMEDY}")
                return
            size = file.seek(0, 2)
            position = 12
            while position + 8 <= size:
                file.seek(position)
                chunk, length = struct.unpack("<4sI", file.read(8))
                present = size - position - 8
                if chunk == b"data":
                    if length not in _UNKNOWN_SIZES and present < length:
                        raise SedlabError(
                            f"{path}: truncated, {present} of {length} bytes of audio are there. {_REMEDY}"
                        )
                    return
                position += 8 + length + length % 2
    except FileNotFoundError:
        raise SedlabError(f"{path}: no such sound file.") from None
    except OSError as error:
        raise SedlabError(f"{path}: cannot be read ({error.strerror}).") from None
    raise SedlabError(f"{path}: truncated, it ends before its audio begins. {_REMEDY}")


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", "") or str(error)
    return text.strip().rstrip(".")
