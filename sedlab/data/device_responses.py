"""Impulse responses of recording devices, as the augmentation of waveforms needs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sedlab.data.audio_file import read_audio, resample
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.errors import SedlabError
from sedlab.grid import SAMPLE_RATE

_REMEDY = "Download them with `sedlab data desed download --only devices`, or set augment.device_response.p to 0."


def read_device_responses(folder: str | Path) -> list[np.ndarray]:
    """Return the responses (samples,) of all sound files under ``folder``, sorted by path: mono, at 16 kHz.

    Levels are left as they are, as in the published system.

    Raises
    ------
    SedlabError
        When there is no such folder, no sound file in it, or a damaged one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SedlabError(f"{folder}: no such folder of device impulse responses. {_REMEDY}")
    paths = sorted(path for path in folder.rglob("*") if is_audio_name(path.name))
    if not paths:
        raise SedlabError(f"{folder}: holds no sound file, so no device impulse response. {_REMEDY}")
    return [resample(*read_audio(path), SAMPLE_RATE) for path in paths]
