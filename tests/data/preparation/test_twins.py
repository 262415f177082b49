"""16 kHz copies: the same bytes whatever happens on the way."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from sedlab.data.audio_file import read_audio, resample, to_pcm16
from sedlab.data.preparation.conversion import is_prepared_wav
from sedlab.data.preparation.ledger import LEDGER
from sedlab.data.preparation.outcome import SetOutcome
from sedlab.data.preparation.twins import make_twin


def write(path, *, seconds=1.0, rate=44_100, channels=1, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(abs(hash((path.name, channels))) % 1000)
    soundfile.write(path, random.normal(0, 0.1, (round(seconds * rate), channels)), rate, **options)
    return path


def prepare(source, workers=2, **options):
    outcome = SetOutcome("set")
    make_twin(source.parent, source, source.with_name("clips_16k"), outcome, workers=workers, **options)
    return outcome


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder of 24 clips, and what a prepared twin of it holds."""
    source = tmp_path_factory.mktemp("many") / "clips"
    for k in range(24):
        write(
            source / f"Y-{k:02d}_0.000_10.000.wav",
            seconds=0.4,
            rate=(44_100, 48_000, 22_050)[k % 3],
            channels=1 + k % 2,
        )
    prepare(source, workers=1)
    return source, content(source.with_name("clips_16k"))


def linked(source, folder):
    """Return a copy of a source folder with the same sizes and times."""
    copy = folder / "clips"
    copy.mkdir(parents=True)
    for path in source.iterdir():
        os.link(path, copy / path.name)
    return copy


def test_any_rate_channels_and_coding_become_16_khz_mono_of_16_bit(tmp_path):
    source = tmp_path / "clips"
    paths = [
        write(source / "a.wav", rate=48_000, channels=2),
        write(source / "b.flac", rate=32_000),
        write(source / "c.mp3", rate=44_100),
        write(source / "d.wav", rate=16_000, subtype="FLOAT"),
        write(source / "e.ogg", rate=22_050, channels=2),
    ]
    outcome = prepare(source)
    assert (outcome.clips, outcome.made, outcome.num_damaged) == (5, 5, 0)
    for path in paths:
        twin = tmp_path / "clips_16k" / f"{path.stem}.wav"
        samples, rate = soundfile.read(twin, dtype="int16", always_2d=True)
        assert (rate, samples.shape[1], soundfile.info(twin).subtype) == (16_000, 1, "PCM_16")
        np.testing.assert_array_equal(samples[:, 0], to_pcm16(resample(*read_audio(path), 16_000)))
        assert is_prepared_wav(twin)


def test_a_source_that_is_a_twin_already_takes_no_space(tmp_path):
    path = write(tmp_path / "clips" / "a.wav", rate=16_000, subtype="PCM_16")
    prepare(tmp_path / "clips")
    assert path.samefile(tmp_path / "clips_16k" / "a.wav")


def test_bytes_do_not_depend_on_the_number_of_threads(many, tmp_path):
    source, expected = many
    copy = linked(source, tmp_path)
    prepare(copy, workers=5)
    assert content(tmp_path / "clips_16k") == expected


def test_a_second_run_writes_nothing(many):
    source, _ = many
    twin = source.with_name("clips_16k")
    before = {path: path.stat().st_mtime_ns for path in [twin, *twin.iterdir()]}
    calls = []
    outcome = prepare(source, progress=lambda *call: calls.append(call))
    assert (outcome.clips, outcome.made, calls) == (24, 0, [])
    assert {path: path.stat().st_mtime_ns for path in [twin, *twin.iterdir()]} == before
    assert outcome.hours == pytest.approx(24 * 0.4 / 3600)


class Stopped(Exception):
    pass


def test_stopped_at_ten_places_and_continued_gives_the_same_bytes(many, tmp_path):
    source, expected = many
    for trial, place in enumerate(np.random.default_rng(0).integers(0, 24, 10)):
        copy = linked(source, tmp_path / str(trial))

        def stop(done, _total, _what, place=place):
            if done >= place:
                raise Stopped

        with pytest.raises(Stopped):
            prepare(copy, progress=stop)
        # Nobody takes half of a set for all of it.
        assert not copy.with_name("clips_16k").exists()
        assert prepare(copy).made < 24
        assert content(copy.with_name("clips_16k")) == expected
        assert not copy.with_name("clips_16k.part").exists()


def test_killed_and_continued_gives_the_same_bytes(many, tmp_path):
    source, expected = many
    copy = linked(source, tmp_path)
    slow = (
        "import sys, time; from pathlib import Path; from sedlab.data.preparation import twins, conversion, outcome\n"
        "write, paths = conversion.write_wav, []\n"
        "def six(path, *rest):\n"
        "    paths.append(path)\n"
        "    return write(path, *rest) if len(paths) < 7 else time.sleep(600)\n"
        "conversion.write_wav = six\n"
        "source = Path(sys.argv[1])\n"
        "twins.make_twin(source.parent, source, source.with_name('clips_16k'), outcome.SetOutcome('set'), workers=2)\n"
    )
    part = tmp_path / "clips_16k.part"
    process = subprocess.Popen([sys.executable, "-c", slow, str(copy)])
    deadline = time.monotonic() + 300
    while not part.is_dir() or len(list(part.glob("Y*.wav"))) < 5:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    (part / ".Y-05_0.000_10.000.0123abcd.wav").write_bytes(b"half")
    with (part / LEDGER).open("a") as file:
        file.write("Y-07_0.000_10.000.wav\t88")
    prepare(copy)
    assert content(tmp_path / "clips_16k") == expected


def test_a_changed_source_is_made_again_and_no_other(many, tmp_path):
    copy = linked(many[0], tmp_path)
    prepare(copy)
    name = "Y-03_0.000_10.000.wav"
    (copy / name).unlink()
    write(copy / name, seconds=0.2)
    outcome = prepare(copy)
    assert outcome.made == 1
    assert soundfile.info(tmp_path / "clips_16k" / name).frames == 3_200


def test_a_source_copied_without_its_time_leaves_the_twin_as_it_was(many, tmp_path):
    copy = linked(many[0], tmp_path)
    prepare(copy)
    name = "Y-03_0.000_10.000.wav"
    before = (tmp_path / "clips_16k" / name).stat().st_mtime_ns
    bytes_of_it = (copy / name).read_bytes()
    (copy / name).unlink()
    (copy / name).write_bytes(bytes_of_it)
    prepare(copy)
    assert (tmp_path / "clips_16k" / name).stat().st_mtime_ns == before


def test_a_damaged_twin_is_made_again(many, tmp_path):
    copy = linked(many[0], tmp_path)
    prepare(copy)
    path = tmp_path / "clips_16k" / "Y-04_0.000_10.000.wav"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert prepare(copy).made == 1
    assert path.read_bytes() == whole


def test_twins_of_another_system_stay_unless_they_are_damaged(tmp_path):
    source, twin = tmp_path / "clips", tmp_path / "clips_16k"
    for name in "abc":
        write(source / f"{name}.wav")
        write(twin / f"{name}.wav", rate=16_000, channels=2, subtype="FLOAT")
    (twin / "b.wav").write_bytes((twin / "b.wav").read_bytes()[:-100])
    write(twin / "c.wav", rate=8_000)
    kept = (twin / "a.wav").read_bytes()
    assert prepare(source).made == 2
    assert (twin / "a.wav").read_bytes() == kept


def test_damaged_and_empty_sources_stop_nothing_and_orphans_are_told(tmp_path):
    source = tmp_path / "clips"
    for name in "abcd":
        write(source / f"{name}.wav")
    (source / "a.wav").write_bytes(b"")
    (source / "b.wav").write_bytes((source / "b.wav").read_bytes()[:-1000])
    (source / "e.wav").symlink_to("nowhere.wav")
    write(tmp_path / "clips_16k" / "gone.wav", rate=16_000)
    outcome = prepare(source)
    assert [(problem.file, problem.kind) for problem in outcome.problems] == [
        (f"clips/{name}.wav", "damaged") for name in "abe"
    ]
    assert "truncated" in outcome.problems[1].what
    assert outcome.orphans == ["gone.wav"]
    assert {path.name for path in (tmp_path / "clips_16k").iterdir()} == {LEDGER, "c.wav", "d.wav", "gone.wav"}
