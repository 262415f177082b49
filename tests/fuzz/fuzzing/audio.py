"""Recordings: header fields of each format, damage, odd sounds, odd names."""

from __future__ import annotations

import os
import struct
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np

from fuzzing.case import Case, Ideas
from fuzzing.commands import detecting
from fuzzing.material import Material

IDEAS = Ideas()
RATE = 16_000
HEADER = 44
FORMATS = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "mp3": "MP3", "aiff": "AIFF", "au": "AU", "w64": "W64",
    "caf": "CAF", "opus": "OGG"}  # fmt: skip


def _noise(random: Random, size: int = RATE, channels: int = 1) -> np.ndarray:
    shape = (size,) if channels == 1 else (size, channels)
    return np.random.default_rng(random.randrange(2**32)).normal(0, 0.1, shape).astype(np.float32)


def _encoded(samples: np.ndarray, rate: int = RATE, suffix: str = "wav", **options) -> bytes:
    import soundfile

    if suffix == "opus":
        options["subtype"] = "OPUS"
    file = BytesIO()
    soundfile.write(file, samples, rate, format=FORMATS[suffix], **options)
    return file.getvalue()


def _wav(
    random: Random, *, tag=1, channels=1, rate=RATE, block=None, bits=16, riff=None, size=None, extra=b""
) -> bytes:
    """Return a WAV file of one second whose header fields are as given."""
    sound = (_noise(random) * 32767).astype("<i2").tobytes()
    block = channels * bits // 8 if block is None else block
    head = struct.pack("<HHIIHH", tag, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    size = len(sound) if size is None else size
    riff = 36 + len(sound) + len(extra) if riff is None else riff
    return (
        b"RIFF"
        + struct.pack("<I", riff & 0xFFFFFFFF)
        + b"WAVE"
        + extra
        + b"fmt "
        + struct.pack("<I", 16)
        + head
        + b"data"
        + struct.pack("<I", size & 0xFFFFFFFF)
        + sound
    )


@IDEAS.good
def another_format(random: Random, folder: Path) -> str:
    suffix = random.choice(list(FORMATS))
    rate = random.choice([8000, 16000, 24000, 48000])
    (folder / f"a.{suffix}").write_bytes(_encoded(_noise(random, rate), rate, suffix))
    return f"a.{suffix}"


@IDEAS.good
def another_rate_and_more_channels(random: Random, folder: Path) -> str:
    rate = random.choice([1000, 8000, 11025, 22050, 44100, 96000, 192000])
    channels = random.choice([1, 2, 3, 8])
    subtype = random.choice(["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "PCM_U8", "ULAW"])
    (folder / "a.wav").write_bytes(_encoded(_noise(random, rate // 2, channels), rate, subtype=subtype))
    return "a.wav"


@IDEAS.good
def a_length_of_pipes(random: Random, folder: Path) -> str:
    size = random.choice([0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFE, 0, 0x80000000, 0x7FFF0000, 2**31 - 1])
    riff = random.choice([0xFFFFFFFF, size + 36, 0, 0x7FFFF024])
    (folder / "a.wav").write_bytes(_wav(random, size=size, riff=riff))
    return "a.wav"


@IDEAS.good
def a_recorder_that_was_killed(random: Random, folder: Path) -> str:
    more = random.choice([1, 2, 1000, 500_000])
    (folder / "a.wav").write_bytes(_wav(random, size=2 * RATE + more, riff=2 * RATE + more + 36))
    return "a.wav"


@IDEAS.good
def more_behind_the_sound(random: Random, folder: Path) -> str:
    tail = random.choice([b"LIST" + struct.pack("<I", 4) + b"INFO", random.randbytes(random.choice([1, 7, 300])),
        b"\0" * 2000, b"ID3\x04\0\0\0\0\0\0"])  # fmt: skip
    (folder / "a.wav").write_bytes(_wav(random) + tail)
    return "a.wav"


@IDEAS.good
def more_before_the_sound(random: Random, folder: Path) -> str:
    extra = b"JUNK" + struct.pack("<I", 28) + bytes(28) + b"bext" + struct.pack("<I", 602) + bytes(602)
    (folder / "a.wav").write_bytes(_wav(random, extra=extra))
    return "a.wav"


@IDEAS.good
def stereo_out_of_phase(random: Random, folder: Path) -> str:
    samples = _noise(random)
    (folder / "a.wav").write_bytes(_encoded(np.stack([samples, -samples], axis=1)))
    return "a.wav"


@IDEAS.either
def silence(random: Random, folder: Path) -> str:
    (folder / "a.wav").write_bytes(_encoded(np.full(random.choice([1, 2, 100, RATE]), random.choice([0.0, 1.0, -1.0]))))
    return "a.wav"


@IDEAS.bad
def a_rate_that_cannot_be(random: Random, folder: Path) -> str:
    rate = random.choice([0, 1, 2, 10, 999, 1_000_001, 2**31 - 1, 2**31, 2**32 - 1, 500_000_000])
    (folder / "a.wav").write_bytes(_wav(random, rate=rate))
    return "a.wav"


@IDEAS.either
def other_header_fields(random: Random, folder: Path) -> str:
    fields = {
        "tag": [0, 2, 3, 6, 0x11, 0x55, 0x161, 0xFFFE, 0xFFFF],
        "channels": [0, 2, 255, 1024, 65535],
        "block": [0, 1, 3, 4, 65535],
        "bits": [0, 1, 7, 8, 24, 32, 64, 65535],
        "riff": [0, 1, 36, 0x7FFFFFFF],
        "size": [1, 3, 43, 0x7FFFFFF0],
    }
    chosen = random.sample(sorted(fields), random.choice([1, 1, 2]))
    (folder / "a.wav").write_bytes(_wav(random, **{name: random.choice(fields[name]) for name in chosen}))
    return "a.wav"


@IDEAS.either
def samples_that_are_no_numbers(random: Random, folder: Path) -> str:
    samples = _noise(random)
    samples[random.choice([slice(0, 1), slice(None), slice(100, 200)])] = random.choice(
        [np.nan, np.inf, 1e30, -3e38, 1e-40]
    )
    (folder / "a.wav").write_bytes(_encoded(samples, subtype="FLOAT"))
    return "a.wav"


@IDEAS.either
def cut_off(random: Random, folder: Path) -> str:
    suffix = random.choice(list(FORMATS))
    content = _encoded(_noise(random), suffix=suffix)
    (folder / f"a.{suffix}").write_bytes(
        content[: random.choice([random.randrange(60), random.randrange(len(content))])]
    )
    return f"a.{suffix}"


@IDEAS.either
def changed_bytes(random: Random, folder: Path) -> str:
    suffix = random.choice(list(FORMATS))
    content = bytearray(_encoded(_noise(random), suffix=suffix))
    for _ in range(random.choice([1, 3, 10])):
        content[random.randrange(random.choice([64, 512, len(content)])) % len(content)] = random.randrange(256)
    (folder / f"a.{suffix}").write_bytes(content)
    return f"a.{suffix}"


@IDEAS.bad
def no_sound(random: Random, folder: Path) -> str:
    name = f"a.{random.choice(list(FORMATS))}"
    content = [b"", b"RIFF", b"RIFF\x24\0\0\0WAVE", b"fLaC", b"OggS", b"<html>404</html>", random.randbytes(3000),
        b"\0" * 5000, b"ID3",
               b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", b"PK\x03\x04",
               b"Content-Type: text\n"]  # fmt: skip
    (folder / name).write_bytes(random.choice(content))
    return name


@IDEAS.bad
def sound_of_telephones(random: Random, folder: Path) -> str:
    name = random.choice(["a.m4a", "a.webm", "a.3gp", "a.amr", "a.wma", "a.mp4", "a.wav"])
    content = [
        b"\0\0\0\x1cftypM4A \0\0\0\0M4A mp42isom",
        b"\x1aE\xdf\xa3\x9fB\x86\x81\x01webm",
        b"#!AMR\n",
        b"0&\xb2u\x8ef\xcf\x11",
    ]
    (folder / name).write_bytes(random.choice(content) + random.randbytes(500))
    return name


@IDEAS.bad
def no_file(random: Random, folder: Path) -> str:
    what = random.randrange(4)
    if what == 0:
        (folder / "a.wav").symlink_to(random.choice(["nothing.wav", "a.wav"]))
    elif what == 1:
        (folder / "empty").mkdir()
        return "empty"
    elif what == 2:
        return random.choice(["a.wav", "x" * 300 + ".wav", "a" * 5000, "no/such/folder", "a.wav/b.wav", " ",
            "~/a.wav", "[/b].wav", "{a}.wav"])  # fmt: skip
    else:
        (folder / "f" / "b.wav").mkdir(parents=True)
        return "f"
    return "a.wav"


@IDEAS.good
def a_folder_with_other_things(random: Random, folder: Path) -> str:
    place = folder / "f"
    (place / "deep" / "er").mkdir(parents=True)
    (place / "deep" / "er" / "b.WAV").write_bytes(_wav(random))
    (place / "._b.wav").write_bytes(random.randbytes(60))
    (place / "notes.txt").write_text("x")
    (place / "c.wav").mkdir()
    return "f"


@IDEAS.good
def a_folder_with_links(random: Random, folder: Path) -> str:
    place = folder / "f"
    place.mkdir()
    (place / "a.wav").write_bytes(_wav(random))
    (place / "b.wav").symlink_to("a.wav")
    (folder / "other").mkdir()
    (folder / "other" / "c.wav").write_bytes(_wav(random))
    (place / "linked").symlink_to("../other")
    if random.random() < 0.5:
        (place / "again").symlink_to(".")
    return "f"


@IDEAS.either
def a_folder_with_a_pipe(random: Random, folder: Path) -> str:
    (folder / "f").mkdir()
    os.mkfifo(folder / "f" / "b.wav")
    if random.random() < 0.5:
        (folder / "f" / "c.wav").symlink_to("nothing")
    return "f"


@IDEAS.good
def an_odd_name(random: Random, folder: Path) -> str:
    suffix = random.choice(["wav", "flac", "ogg"])
    stem = random.choice([b"h\xf6rspiel", b"\xff\xfe", "é".encode(), b"a b", b"[b]", b"{a}", b"[red]x", b"a\tb",
        b"'\"", "\u202ex".encode(),
                          b"x" * 200, "音".encode(), b"a%20b", b"a,b", b"=1+1", b"a\nb", b"..a", b"$HOME", b"a;b",
                          b"{0}", b"a#b"])  # fmt: skip
    name = os.fsdecode(stem + b"." + suffix.encode())
    (folder / name).write_bytes(_encoded(_noise(random), suffix=suffix))
    return name


def audio_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Give `sedlab detect` an odd recording, alone or beside a good one."""
    material.take(folder, "atst.pt")
    idea = IDEAS.at(index)
    given = idea.change(random, folder)
    audio = [given]
    if random.random() < 0.3:
        material.take(folder, "sound.wav")
        audio.append("sound.wav")
    arguments, outputs = detecting(random, *audio)
    names = (Path(given).name[:40], "recordings", "a.", "f")
    return Case(arguments, idea.name, idea.bad, outputs, kept=outputs, names=names)
