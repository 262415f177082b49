import numpy as np
import pytest
import soundfile

from sedlab.data.audio_file import read_audio, read_header, resample
from sedlab.errors import SedlabError


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_header_agrees_with_libsndfile(tmp_path, write_wav, subtype):
    path = tmp_path / "a.wav"
    write_wav(path, 0.3, sample_rate=44_100, channels=2, subtype=subtype)
    info = soundfile.info(path)
    header = read_header(path)
    assert (header.sample_rate, header.num_frames) == (info.samplerate, info.frames)
    assert header.duration == pytest.approx(0.3)


def test_flac_is_read(tmp_path, write_wav):
    write_wav(tmp_path / "a.flac", 0.25)
    assert read_header(tmp_path / "a.flac").duration == 0.25


def test_channels_are_averaged(tmp_path, write_wav):
    samples = write_wav(tmp_path / "a.wav", 0.1, channels=2)
    waveform, sample_rate = read_audio(tmp_path / "a.wav")
    assert sample_rate == 16_000
    np.testing.assert_allclose(waveform, samples.mean(axis=1) / 32768, atol=1e-6)


@pytest.mark.parametrize("kept_bytes", [20, 43, 46, 1000])
def test_truncated_wav_is_refused_by_name(tmp_path, write_wav, kept_bytes):
    path = tmp_path / "cut.wav"
    write_wav(path, 0.1)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    for read in (read_header, read_audio):
        with pytest.raises(SedlabError, match=r"cut\.wav: truncated.*again"):
            read(path)


@pytest.mark.parametrize("content", [b"", b"no sound at all, only text", b"RIFF\x24\x00\x00\x00WAVE"])
def test_files_without_sound_are_refused_by_name(tmp_path, content):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(SedlabError, match=r"bad\.wav"):
        read_audio(path)


def test_wav_without_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(SedlabError, match="no samples"):
        read_audio(tmp_path / "none.wav")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SedlabError, match="absent: no such sound file"):
        read_audio(tmp_path / "absent")


def test_not_finite_samples_are_refused(tmp_path):
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 16_000, subtype="FLOAT")
    with pytest.raises(SedlabError, match="not finite"):
        read_audio(tmp_path / "nan.wav")


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 22_050, 8_000])
def test_resampling_keeps_a_tone_and_removes_what_does_not_fit(sample_rate):
    time = np.arange(sample_rate) / sample_rate
    tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    resampled = resample(tone, sample_rate, 16_000)
    assert resampled.dtype == np.float32
    assert len(resampled) == 16_000
    expected = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    np.testing.assert_allclose(resampled[500:-500], expected[500:-500], atol=2e-3)
    if sample_rate > 20_000:
        too_high = np.sin(2 * np.pi * 9000 * time)
        assert np.abs(resample(too_high, sample_rate, 16_000)[500:-500]).max() < 1e-3


def test_same_rate_is_left_alone():
    waveform = np.random.default_rng(0).standard_normal(100).astype(np.float32)
    assert resample(waveform, 16_000, 16_000) is waveform
