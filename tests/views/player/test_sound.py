"""The sound of a player as a file."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from sedlab.views.player.sound import wav_bytes


def test_sound_is_a_wav_file_of_the_same_samples(waveform):
    samples, rate = soundfile.read(io.BytesIO(wav_bytes(2 * waveform, 16000)), dtype="float32")

    assert rate == 16000
    np.testing.assert_allclose(samples, np.clip(2 * waveform, -1, 1), atol=1e-4)
    assert wav_bytes(np.zeros(0), 16000) == b""
