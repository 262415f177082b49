"""Clips that travel with a run: a FLAC file each in `corpus/clips/SET/`, read where the waveform cache would be.

They hold the samples of the cache, 16 bits at 16 kHz, without loss: what is heard, drawn and detected is the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import soundfile

from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SAMPLES, FULL_SCALE, SAMPLE_RATE

#: In the run folder.
CLIPS_FOLDER = "corpus/clips"
#: What clip names may hold that file systems of laptops, and archives, may not.
_SAFE = " !#$&'()+,-.;=@[]^_`{}~"
_LONGEST_NAME = 180


def clip_file(subset: str, clip_id: str) -> str:
    """Return where a clip that travels with a run lies, relative to the run."""
    name = quote(clip_id, safe=_SAFE, errors="surrogatepass")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(clip_id.encode(errors='surrogatepass')).hexdigest()[:12]}"
    return f"{CLIPS_FOLDER}/{subset}/{name}.flac"


class MovedClips:
    """The clips that travel with a run, by (subset, clip_id); in the place of a `WaveformCache`."""

    def __init__(self, run_folder: Path) -> None:
        self._run_folder = run_folder

    def __contains__(self, key: tuple[str, str]) -> bool:
        return (self._run_folder / clip_file(*key)).is_file()

    def __len__(self) -> int:
        return sum(1 for _ in (self._run_folder / CLIPS_FOLDER).glob("*/*.flac"))

    def num_samples(self, subset: str, clip_id: str) -> int:
        """Return the length of a clip in samples at 16 kHz."""
        return len(self._read(subset, clip_id))

    def read(
        self, subset: str, clip_id: str, *, onset_sample: int = 0, num_samples: int | None = CLIP_SAMPLES
    ) -> np.ndarray:
        """Return samples of a clip, float32 in [-1, 1], as `WaveformCache.read` does."""
        samples = self._read(subset, clip_id)
        wanted = max(len(samples) - onset_sample, 0) if num_samples is None else num_samples
        stored = np.empty(wanted, dtype="<i2")
        _put(samples, stored, onset_sample)
        return np.multiply(stored, np.float32(1 / FULL_SCALE))

    def read_stored(self, subset: str, clip_id: str, *, out: np.ndarray, onset_sample: int = 0) -> None:
        """Write samples of a clip into ``out`` (samples,) int16, zeros beyond its end."""
        _put(self._read(subset, clip_id), out, onset_sample)

    def _read(self, subset: str, clip_id: str) -> np.ndarray:
        path = self._run_folder / clip_file(subset, clip_id)
        if not path.is_file():
            raise SedlabError(
                f"{self._run_folder}: the sound of clip {clip_id!r} of {subset} is not here. Pack it where clips are "
                "(sedlab pack RUN --clips all), or put the corpus in its place."
            )
        try:
            samples, rate = soundfile.read(path, dtype="int16")
        except (soundfile.LibsndfileError, OSError) as error:
            raise SedlabError(f"{path}: cannot be read ({error}). Open the pack again, in another folder.") from error
        if rate != SAMPLE_RATE or samples.ndim != 1:
            raise SedlabError(f"{path}: not a clip that a pack brought. Open the pack again, in another folder.")
        return samples


def _put(samples: np.ndarray, out: np.ndarray, onset_sample: int) -> None:
    part = samples[onset_sample : onset_sample + len(out)]
    out[: len(part)] = part
    out[len(part) :] = 0
