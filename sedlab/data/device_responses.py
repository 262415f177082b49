"""Impulse responses of recording devices, as the augmentation of waveforms needs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sedlab.data.audio_file import AUDIO_SUFFIXES, read_audio, resample
from sedlab.errors import SedlabError
from sedlab.grid import SAMPLE_RATE

_REMEDY = (
    "Download them with `sedlab weights download dirs` and unpack the archive to this folder, "
    "or set augment.device_response.p to 0."
)


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
    # Names with a leading dot are what archives made on a Mac bring along: no sound in them.
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")
    )
    if not paths:
        raise SedlabError(f"{folder}: holds no sound file, so no device impulse response. {_REMEDY}")
    return [resample(*read_audio(path), SAMPLE_RATE) for path in paths]
