"""Sound files as recorders, pipes, phones and archives leave them: what is there is read, and what is odd is said."""

from __future__ import annotations

import io
import os
import shlex
import struct
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedlab.data.acquisition.cutting import find_ffmpeg
from sedlab.data.audio_file import read_audio, read_header, resample
from sedlab.data.audio_stream import open_audio
from sedlab.data.formats.suffixes import AUDIO_SUFFIXES, FORMAT_SUFFIXES, is_audio_name
from sedlab.errors import SedlabError

RATE = 16_000
SOUND = np.random.default_rng(0).integers(-8000, 8000, 2 * RATE).astype(np.int16)
LITTLE, BIG = SOUND.astype("<i2").tobytes(), SOUND.astype(">i2").tobytes()
NUM_BYTES = len(LITTLE)
#: Placeholders of programs that write to a pipe or were killed, an own header counted in, an odd number, an old number.
PLACEHOLDERS = (0, 2**32 - 1, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, NUM_BYTES + 2, NUM_BYTES + 44, NUM_BYTES + 7, 4096)


def wav(
    length: int, body: bytes = LITTLE, *, rate: int = RATE, channels: int = 1, form: int = 1, riff: int = 0
) -> bytes:
    frame = 2 * channels
    fmt = struct.pack("<HHIIHH", form, channels, rate, rate * frame % 2**32, frame, 16)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + struct.pack("<I", 16) + fmt + chunk(b"data", length, body)


def chunk(name: bytes, length: int, body: bytes, order: str = "<I") -> bytes:
    return name + struct.pack(order, length) + body


def aiff(length: int, frames: int = 0) -> bytes:
    common = struct.pack(">hLh", 1, frames, 16) + bytes.fromhex("400cfa00000000000000")
    chunks = chunk(b"COMM", 18, common, ">I") + chunk(b"SSND", length % 2**32, bytes(8) + BIG, ">I")
    return b"FORM" + struct.pack(">I", 0) + b"AIFF" + chunks


def au(length: int) -> bytes:
    return b".snd" + struct.pack(">IIIII", 24, length, 3, RATE, 1) + BIG


def rifx(length: int) -> bytes:
    fmt = struct.pack(">HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    return b"RIFX\0\0\0\0WAVE" + chunk(b"fmt ", 16, fmt, ">I") + chunk(b"data", length, BIG, ">I")


def rf64(length: int, in_data: int = 2**32 - 1) -> bytes:
    fmt = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    ds64 = struct.pack("<QQQI", length % 2**64, length % 2**64, 0, 0)
    chunks = chunk(b"ds64", 28, ds64) + chunk(b"fmt ", 16, fmt) + chunk(b"data", in_data, LITTLE)
    return b"RF64" + struct.pack("<I", 2**32 - 1) + b"WAVE" + chunks


def encoded(kind: str, subtype: str | None = None) -> bytes:
    data = io.BytesIO()
    soundfile.write(data, SOUND, RATE, format=kind, subtype=subtype)
    return data.getvalue()


def with_length(kind: str, place: int, order: str, length: int) -> bytes:
    """Return a file of libsndfile with another number ``place`` bytes after the name of its sound chunk."""
    content = bytearray(encoded(kind))
    start = content.index(b"data") + place
    content[start : start + 8] = struct.pack(order, length % 2**64)
    return bytes(content)


def flac(total: int) -> bytes:
    content = bytearray(encoded("FLAC"))
    content[21] = content[21] & 0xF0 | total >> 32
    content[22:26] = struct.pack(">I", total % 2**32)
    return bytes(content)


LONG = (0, 2**64 - 1, 2**63 - 1, NUM_BYTES + 40)
ODD_LENGTHS = {
    **{f"{length:#x}.wav": wav(length) for length in PLACEHOLDERS},
    **{f"{length:#x}.rifx.wav": rifx(length) for length in PLACEHOLDERS},
    **{f"{length:#x}.aiff": aiff(length + 8) for length in PLACEHOLDERS},
    **{f"{length:#x}.au": au(length) for length in PLACEHOLDERS},
    **{f"{length:#x}.rf64": rf64(length) for length in LONG},
    "data0.rf64": rf64(0, 0),
    **{f"{length:#x}.caf": with_length("CAF", 4, ">Q", length) for length in LONG},
    **{f"{length:#x}.w64": with_length("W64", 16, "<Q", length) for length in LONG},
    "0.flac": flac(0),
    "most.flac": flac(2**36 - 1),
    "odd.wav": wav(0x7FFFF000, LITTLE + b"\1"),
    "stereo.wav": wav(0x7FFFF000, np.repeat(SOUND, 2).astype("<i2").tobytes(), channels=2),
}


def test_a_length_that_is_no_length_costs_no_sample(tmp_path):
    for name, content in ODD_LENGTHS.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.warns(UserWarning, match="found are read") as caught:
            samples, rate = read_audio(path)
        assert (
            len(caught) == 1
            and str(caught[0].message).startswith(f"{path}: ")
            and "; the 2 s" in str(caught[0].message)
        )
        assert (name, rate) == (name, RATE)
        np.testing.assert_array_equal(samples, SOUND / np.float32(32768), err_msg=name)
        assert read_header(path).duration == 2, name
        with pytest.warns(UserWarning, match="found are read"):
            np.testing.assert_array_equal(np.concatenate(list(open_audio(path).blocks())), samples, err_msg=name)


@pytest.mark.parametrize("length", [0x7FFFF000, 0x7FFFFFFF, 0, 2**32 - 1, 3 * 2**30])
def test_a_placeholder_does_not_end_a_recording_of_3_gigabytes(tmp_path, length):
    path = tmp_path / "long.wav"
    path.write_bytes(wav(length, b""))
    with path.open("r+b") as file:
        file.truncate(44 + 3 * 2**30)  # takes no space
    assert read_header(path).num_frames == 3 * 2**29
    path.unlink()


def test_a_length_that_is_right_is_no_matter(tmp_path):
    info = chunk(b"LIST", 4, b"INFO")
    files = {
        "plain.wav": wav(NUM_BYTES),
        "list.wav": wav(NUM_BYTES, LITTLE + info),
        "short.wav": wav(200, LITTLE[:200] + chunk(b"LIST", 4000, bytes(4000))),
        "rf64.rf64": rf64(NUM_BYTES),
        "aiff.aiff": aiff(NUM_BYTES + 8, len(SOUND)),
        "au.au": au(NUM_BYTES),
        **{f"full.{kind}": encoded(kind) for kind in ("FLAC", "OGG", "MP3", "W64", "CAF", "VOC", "NIST")},
        **{f"{kind}.wav": encoded("WAV", kind) for kind in ("ULAW", "IMA_ADPCM", "GSM610", "FLOAT", "PCM_24")},
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            seconds = len(read_audio(tmp_path / name)[0]) / RATE
            assert open_audio(tmp_path / name).duration == seconds, name
        assert seconds == pytest.approx(100 / RATE if name == "short.wav" else 2, abs=0.05), name


@pytest.mark.parametrize(
    "content",
    [
        wav(0, b""),
        wav(2**32 - 1, b""),
        wav(0, chunk(b"LIST", 4, b"INFO")),
        wav(NUM_BYTES)[:43],
        au(0)[:24],
        rf64(0)[:60],
        aiff(0)[:30],
    ],
)
def test_a_file_without_any_sound_is_an_error(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    for read in (read_header, read_audio, open_audio):
        with pytest.raises(SedlabError, match=r"a\.wav: (holds no samples|truncated).* again, or move it elsewhere"):
            read(tmp_path / "a.wav")


def test_what_is_left_of_a_recording_is_read_and_a_broken_clip_of_a_corpus_is_refused(tmp_path):
    halves = {kind: encoded(kind) for kind in ("WAV", "RF64", "W64", "AIFF", "AU", "CAF")}
    halves |= {f"{kind}.wav": encoded("WAV", kind) for kind in ("ULAW", "IMA_ADPCM", "GSM610", "PCM_24")}
    halves |= {"OGG": encoded("OGG"), "opus.ogg": encoded("OGG", "OPUS"), "MP3": encoded("MP3")}
    for name, content in halves.items():
        path = tmp_path / name
        path.write_bytes(content[: len(content) * 6 // 10])
        with pytest.warns(UserWarning, match=r"(claims (2|1\.9|2\.)\d* s|its end is missing); the .* s found are read"):
            assert 0.5 < open_audio(path).duration < 1.5, name
        if name in ("OGG", "opus.ogg", "MP3"):  # how much is missing, nobody can say
            continue
        for read in (read_header, read_audio):
            with pytest.raises(SedlabError, match=r"truncated, .* bytes of audio are there\. Copy") as error:
                read(path)
            assert "delete" not in str(error.value)


def test_a_flac_file_of_a_killed_recorder_is_read_to_its_last_whole_frame(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac(0)[:-5000])
    with pytest.warns(UserWarning, match="does not say how long it is"):
        samples, _ = read_audio(path)
    assert 1 < len(samples) / RATE < 2
    np.testing.assert_array_equal(samples, SOUND[: len(samples)] / np.float32(32768))


@pytest.mark.parametrize("rate", [0, 1, 999, 1_000_001, 2**31 - 1, 2**32 - 1])
def test_absurd_rates_are_refused_at_once(tmp_path, rate):
    (tmp_path / "a.wav").write_bytes(wav(NUM_BYTES, rate=rate))
    for read in (read_header, read_audio, open_audio):
        with pytest.raises(SedlabError, match=rf"a\.wav: has a sample rate of {rate} Hz"):
            read(tmp_path / "a.wav")
    (tmp_path / "a.au").write_bytes(b".snd" + struct.pack(">IIIII", 24, 2000, 3, rate, 1) + BIG[:2000])
    with pytest.raises(SedlabError, match=r"a\.au: "):
        open_audio(tmp_path / "a.au")


@pytest.mark.parametrize(("rate", "seconds"), [(1_000, 2), (999_983, 0.2)])
def test_odd_rates_are_resampled_in_no_time(rate, seconds):
    time = np.arange(round(rate * seconds)) / rate
    resampled = resample(np.sin(2 * np.pi * 100 * time).astype(np.float32), rate, RATE)
    assert len(resampled) == pytest.approx(seconds * RATE, abs=1)
    expected = np.sin(2 * np.pi * 100 * np.arange(len(resampled)) / RATE)
    np.testing.assert_allclose(resampled[600:-600], expected[600:-600], atol=3e-3)


def write_stereo(path: Path, left: np.ndarray, right: np.ndarray) -> None:
    soundfile.write(path, np.column_stack((left, right)), RATE, subtype="FLOAT")


def test_channels_that_cancel_each_other_are_heard(tmp_path):
    path, random = tmp_path / "a.wav", np.random.default_rng(0)
    sound = 0.1 * random.standard_normal(2 * RATE)
    noise = 0.002 * random.standard_normal((2, 2 * RATE))
    for left, right, channel in (
        (sound, -sound, 1),
        (sound, -1.1 * sound, 2),
        (sound + noise[0], -sound + noise[1], None),
        (sound + 0.3, -sound + 0.2, None),  # each with its own offset
    ):
        write_stereo(path, left, right)
        with pytest.warns(UserWarning, match=r"a\.wav: its channels cancel each other.* channel [12] alone is read"):
            audio = open_audio(path)
        assert channel in (None, audio.channel + 1) and audio.sound_length == len(sound)
        np.testing.assert_array_equal(np.concatenate(list(audio.blocks())), np.float32((left, right)[audio.channel]))
        with pytest.warns(UserWarning, match="channels cancel each other") as caught:
            samples, _ = read_audio(path)
        assert "silent" not in str(caught[0].message)
        np.testing.assert_allclose(samples, (left + right) / 2, atol=1e-6)  # as published


def test_other_stereo_is_averaged_without_a_word(tmp_path):
    random = np.random.default_rng(0)
    left, right = 0.1 * random.standard_normal((2, RATE))
    nothing = np.zeros(RATE)
    for channels in ((left, left), (left, right), (left, nothing), (nothing, nothing), (left, -0.3 * left)):
        write_stereo(tmp_path / "a.wav", *channels)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert open_audio(tmp_path / "a.wav").channel is None
            read_audio(tmp_path / "a.wav")
    soundfile.write(tmp_path / "a.wav", np.outer(left, np.eye(8)[3]), RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_audio(tmp_path / "a.wav").channel is None


FOREIGN = {
    "call.m4a": (b"\0\0\0\x20ftypM4A ", "MP4, M4A or 3GP"),
    "clip.3gp": (b"\0\0\0\x18ftyp3gp4", "MP4, M4A or 3GP"),
    "film.mp4": (b"\0\0\0\x18ftypisom", "MP4, M4A or 3GP"),
    "my call.wav": (b"\0\0\0\x20ftypM4A ", "MP4, M4A or 3GP"),
    "browser.webm": (b"\x1a\x45\xdf\xa3\x9f", "WebM"),
    "memo.amr": (b"#!AMR\n", "AMR"),
    "radio.aac": (b"\xff\xf1\x50\x80", "AAC"),
    "tagged.aac": (b"ID3\3\0\0\0\0\0\x0a" + bytes(10) + b"\xff\xf1\x50\x80", "AAC"),
    "old.wma": (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "WMA"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_a_phone_records_is_to_be_converted(tmp_path, name):
    head, kind = FOREIGN[name]
    path = tmp_path / name
    path.write_bytes(head + bytes(2000))
    for read in (read_header, read_audio, open_audio):
        with pytest.raises(SedlabError, match="Convert it with ffmpeg") as error:
            read(path)
    message = str(error.value)
    assert message.startswith(f"{path}: is ") and kind in message and "again" not in message
    words = shlex.split(message.partition("with ffmpeg: ")[2])
    assert words[:3] == ["ffmpeg", "-i", str(path)] and words[3].endswith(".wav") and words[3] != str(path)


@pytest.mark.parametrize(
    "content",
    [wav(NUM_BYTES, form=0x161), b"OggS\0\2" + bytes(20) + b"\1\x50Speex   1.2" + bytes(3000)],
    ids=["WMA in WAV", "Speex"],
)
def test_a_coding_that_libsndfile_does_not_know_is_to_be_converted(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(SedlabError, match=r"a\.wav: coded in a way.*ffmpeg -i \S*a\.wav \S*a_converted\.wav$"):
        read_audio(tmp_path / "a.wav")


@pytest.fixture
def ffmpeg(tmp_path, monkeypatch):
    """Have `ffmpeg` on the path: that of this machine, or that of the package imageio-ffmpeg."""
    try:
        program = find_ffmpeg()
    except SedlabError as error:
        if os.environ.get("SEDLAB_REQUIRE_ALL") == "1":
            pytest.fail(str(error))
        pytest.skip("needs ffmpeg")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ffmpeg").symlink_to(program)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("ffmpeg")
def test_the_conversion_works(tmp_path):
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    path = tmp_path / "it's mine.m4a"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", path], check=True)
    with pytest.raises(SedlabError) as error:
        read_audio(path)
    subprocess.run(str(error.value).partition("with ffmpeg: ")[2], shell=True, check=True)
    assert read_header(path.with_suffix(".wav")).duration == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "Git LFS.*git lfs pull"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
    ],
)
def test_a_file_that_only_has_the_name_of_a_sound_is_called_what_it_is(tmp_path, content, remedy):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(SedlabError, match=remedy):
        read_audio(tmp_path / "a.wav")


def test_what_is_no_file_is_refused_before_anybody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    for name in ("pipe.wav", "folder.wav", "loop.wav", "absent.wav", "x" * 300 + ".wav", "nul\0.wav", "/proc/self/mem"):
        for read in (read_header, read_audio, open_audio):
            with pytest.raises(SedlabError, match=r"(no file but|no such sound file|cannot be read)"):
                read(tmp_path / name)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_names_need_not_be_utf_8(tmp_path, kind):
    path = tmp_path / os.fsdecode(b"caf\xe9." + kind.encode())
    path.write_bytes(encoded(kind.upper()))
    assert read_header(path).duration == pytest.approx(2, abs=0.05)
    assert len(read_audio(path)[0]) == open_audio(path).length
    path.write_bytes(b"no sound")
    with pytest.raises(SedlabError, match="not a readable sound file"):
        read_audio(path)


def test_every_format_of_libsndfile_has_its_suffixes(tmp_path):
    formats = soundfile.available_formats().keys()
    assert formats - FORMAT_SUFFIXES.keys() == {"RAW", "SD2", "MAT4", "MAT5"}
    for kind, suffixes in FORMAT_SUFFIXES.items():
        if kind == "SDS":  # libsndfile's own SDS files end with zeros
            continue
        path = tmp_path / f"a{suffixes[-1]}"
        path.write_bytes(encoded(kind))
        assert read_header(path).num_frames == pytest.approx(len(SOUND), abs=500), kind
    assert all(is_audio_name(f"a.b{suffix.upper()}") for suffix in AUDIO_SUFFIXES)
    assert not any(map(is_audio_name, ("._a.wav", ".a.wav", "a.wav.txt", "wav", "a.m4a")))
