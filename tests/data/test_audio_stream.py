"""Blocks of a sound file are the whole file, whatever its rate, length, channels and format."""

import os

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.data.audio_file import read_audio, read_header, resample
from sedlab.data.audio_stream import BLOCK_SECONDS, open_audio, resample_blocks, resampled_length, sound_length
from sedlab.errors import SedlabError


def whole(path):
    return resample(*read_audio(path), 16_000)


def joined(path):
    return np.concatenate(list(open_audio(path).blocks()))


def write_sound(path, seconds, sample_rate, channels=1, **options):
    """Write noise in pieces: libsndfile's Vorbis encoder overflows its stack on a long array."""
    random = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", sample_rate, channels, **options) as file:
        remaining = round(seconds * sample_rate)
        while remaining > 0:
            file.write(0.2 * random.standard_normal((min(remaining, sample_rate), channels)).clip(-4, 4))
            remaining -= sample_rate


@given(
    sample_rate=st.sampled_from([8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 8_001]),
    length=st.integers(1, 40_000),
    pieces=st.lists(st.integers(1, 20_000), min_size=1, max_size=6),
)
@settings(max_examples=60)
def test_resampling_in_blocks_is_resampling_the_whole(sample_rate, length, pieces):
    waveform = np.random.default_rng(length).standard_normal(length).astype(np.float32)
    borders = np.cumsum(pieces)
    blocks = np.split(waveform, borders[borders < length])
    resampled = np.concatenate(list(resample_blocks(blocks, sample_rate, 16_000)))
    expected = resample(waveform, sample_rate, 16_000)
    assert len(resampled) == len(expected) == resampled_length(length, sample_rate)
    assert resampled.dtype == np.float32
    np.testing.assert_allclose(resampled, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "sample_rate", "channels", "options"),
    [
        ("a.wav", 44_100, 2, {"subtype": "PCM_24"}),
        ("a.wav", 16_000, 1, {"subtype": "PCM_U8"}),
        ("a.wav", 96_000, 6, {"subtype": "FLOAT"}),
        ("a.flac", 22_050, 1, {}),
        ("a.ogg", 48_000, 2, {}),
        ("opus.ogg", 48_000, 1, {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", 44_100, 2, {"bitrate_mode": "VARIABLE", "compression_level": 0.5}),
        ("a.mp3", 8_000, 1, {"bitrate_mode": "CONSTANT"}),
    ],
)
def test_blocks_of_a_file_are_its_samples(tmp_path, name, sample_rate, channels, options):
    path = tmp_path / name
    write_sound(path, 2.5 * BLOCK_SECONDS + 0.0123, sample_rate, channels, **options)
    blocks = list(open_audio(path).blocks())
    assert max(map(len, blocks)) <= (BLOCK_SECONDS + 1) * 16_000
    np.testing.assert_allclose(np.concatenate(blocks), whole(path), atol=1e-6)


def test_lengths_and_the_end_of_the_sound_are_counted_in_the_file(tmp_path):
    samples = np.zeros(44_100 * 9)
    samples[100:300_001] = 0.5
    soundfile.write(tmp_path / "a.wav", samples, 44_100)
    audio = open_audio(tmp_path / "a.wav")
    assert (audio.sample_rate, audio.length, audio.sound_length) == (44_100, 44_100 * 9, 300_001)
    assert (audio.duration, audio.sound_end) == (9.0, 300_001 / 44_100)
    assert (audio.num_samples, audio.num_sound_samples) == (144_000, 108_844)


@pytest.mark.parametrize(("level", "sounds"), [(2**-15, True), (2**-16, True), (2**-17, False), (0.0, False)])
def test_sound_is_what_reaches_half_a_step_of_16_bits(level, sounds):
    waveform = np.zeros(10, dtype=np.float32)
    waveform[6] = -level
    assert sound_length(waveform) == (7 if sounds else 0)


def test_one_sample_is_enough(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.array([0.5]), 44_100)
    assert open_audio(tmp_path / "a.wav").num_samples == 1
    np.testing.assert_array_equal(joined(tmp_path / "a.wav"), whole(tmp_path / "a.wav"))


@pytest.mark.parametrize(
    ("name", "kept"), [("a.wav", 0), ("a.wav", 30), ("a.flac", 0), ("a.flac", 30), ("a.flac", 50_000)]
)
def test_a_truncated_file_that_cannot_be_decoded_is_refused_by_name(tmp_path, name, kept):
    path = tmp_path / name
    write_sound(path, 5, 16_000)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SedlabError, match=rf"{name}: .*again"):
        open_audio(path)


def test_what_is_there_of_a_truncated_file_is_read_with_a_note(tmp_path):
    path = tmp_path / "a.wav"
    write_sound(path, 5, 16_000)
    expected = joined(path)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 24_000])
    with pytest.warns(UserWarning, match=r"a\.wav: its header claims 5 s; the 1\.5 s found are read"):
        np.testing.assert_array_equal(joined(path), expected[:24_000])


def test_damage_in_the_middle_is_found_when_the_file_is_opened(tmp_path):
    path = tmp_path / "a.flac"
    write_sound(path, 20, 16_000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    with pytest.raises(SedlabError, match=r"a\.flac: not a readable sound file \(.*again"):
        open_audio(path)


@pytest.mark.parametrize("content", [b"only text", b"RIFF\x24\x00\x00\x00WAVE"])
def test_a_file_without_sound_is_refused_by_name(tmp_path, content):
    (tmp_path / "bad.wav").write_bytes(content)
    with pytest.raises(SedlabError, match=r"bad\.wav"):
        open_audio(tmp_path / "bad.wav")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(SedlabError, match=r"none\.wav: holds no samples"):
        open_audio(tmp_path / "none.wav")
    with pytest.raises(SedlabError, match="absent: no such sound file"):
        open_audio(tmp_path / "absent")


def test_samples_that_are_not_finite_are_refused(tmp_path):
    samples = np.zeros(16_000 * 6)
    samples[80_000] = np.inf
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(SedlabError, match=r"a\.wav: .*not finite"):
        open_audio(tmp_path / "a.wav")


def write_mp3_without_length(path):
    """Write 30 s of variable bit rate, quiet at first, and take off the frame that holds the length."""
    random = np.random.default_rng(0)
    level = np.sin(np.arange(30 * 44_100) / 50_000) + 1
    with soundfile.SoundFile(path, "w", 44_100, 2, bitrate_mode="VARIABLE", compression_level=0.5) as file:
        file.write(0.1 * level[:, None] * random.standard_normal((len(level), 2)))
    content = path.read_bytes()
    path.write_bytes(content[content.index(b"\xff\xfb", 4) :])


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"", b""),
        (b"", b"APETAGEX" + bytes(600_000)),
        (b"", b"TAG" + bytes(125)),
        (b"", bytes(range(256)) * 3000),
        (b"ID3\4\0\0\0\0\1\0" + bytes(128), b""),
    ],
)
def test_an_mp3_file_that_does_not_say_its_length_is_read_to_its_end(tmp_path, before, behind):
    path = tmp_path / "a.mp3"
    write_mp3_without_length(path)
    path.write_bytes(before + path.read_bytes() + behind)
    audio = open_audio(path)
    assert audio.duration == pytest.approx(30, abs=0.1) and audio.sound_end == pytest.approx(30, abs=0.1)
    assert read_header(path).duration == audio.duration
    np.testing.assert_array_equal(joined(path), whole(path))


def test_an_mp3_file_of_which_only_the_beginning_would_be_read_is_refused(tmp_path):
    path = tmp_path / "a.mp3"
    write_sound(path, 8, 16_000)
    path.write_bytes(2 * path.read_bytes())  # the first frame counts those of the first half
    with pytest.raises(SedlabError, match=r"a\.mp3: only .* bytes could be decoded.*Convert.*ffmpeg -i"):
        open_audio(path)


def test_the_mp3_decoder_is_kept_quiet(tmp_path, capfd):
    path = tmp_path / "a.mp3"
    write_sound(path, 8, 16_000, 2)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])  # libmpg123 remarks on a length that is off
    with pytest.warns(UserWarning, match="claims 8 s"):
        read_audio(path)
    assert "Warning" in capfd.readouterr().err
    with pytest.warns(UserWarning, match="claims 8 s"):
        assert open_audio(path).duration < 5
    assert capfd.readouterr().err == ""
    os.write(2, b"heard again")
    assert capfd.readouterr().err == "heard again"
