"""`sedlab detect`: recordings of any kind in, events in every format out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shell
import soundfile
import torch
from golden_weights import batch, golden
from published_files import detector_state, stage_file
from typer.testing import CliRunner

import sedlab
from sedlab.checkpoints.own import save_networks
from sedlab.cli import app
from sedlab.data.audio_file import resample
from sedlab.data.audio_stream import FirstDecoding
from sedlab.data.formats.recordings import find_recordings
from sedlab.data.tsv import read_tsv
from sedlab.errors import SedlabError
from sedlab.inference import predictor
from sedlab.models.detector import Detector
from sedlab.postprocess.median import median_filter, median_lengths
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.scores.inputs import read_ground_truth, read_scores
from sedlab.scoring.scores.tables import sed_scores_eval
from sedlab.scoring.thresholds.file import Thresholds

RATE = 16_000


def music(seconds: float, seed: int = 0) -> np.ndarray:
    """Return bursts of tones in faint noise (samples,) at 16 kHz, loud to the last sample."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    audio = 0.01 * random.standard_normal(len(time))
    for onset in np.arange(0, seconds, 0.9):
        frequency, length = random.uniform(100, 6000), random.uniform(0.2, 1.2)
        audio += 0.2 * ((time >= onset) & (time < onset + length)) * np.sin(2 * np.pi * frequency * time)
    audio[-1] = 0.1
    return audio.astype(np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A small detector whose scores cross 0.5 often; its teacher hears nothing."""
    torch.manual_seed(0)
    detector = Detector(sedlab.load_experiment("nano").models["atst"]).eval()
    with torch.no_grad():
        detector.head.events.weight.mul_(30)
        scores = detector.window_probabilities(torch.from_numpy(music(10, seed=5))[None])
        detector.head.events.bias -= torch.logit(scores, eps=1e-6).median(dim=1).values[0]
        teacher = Detector(detector.config)
        teacher.load_state_dict(detector.state_dict())
        teacher.head.events.bias -= 100
    path = tmp_path_factory.mktemp("checkpoint") / "small.pt"
    save_networks(path, {"student": detector, "teacher": teacher})
    return path


@pytest.fixture
def detect(checkpoint):
    """Return a function that runs the command in this process."""

    def run(*arguments: object):
        return CliRunner().invoke(app, ["detect", *map(str, arguments), "--checkpoint", str(checkpoint)])

    return run


def write(path: Path, samples: np.ndarray, rate: int = RATE, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)
    return path


def printed(result) -> pd.DataFrame:
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    table = pd.DataFrame(lines[1:], columns=lines[0])
    return table.astype({"onset": float, "offset": float, "confidence": float})


def test_events_are_those_of_the_python_call(tmp_path, detect, checkpoint):
    path = write(tmp_path / "a.wav", music(23))
    result = detect(path)
    assert result.exit_code == 0 and result.stderr == ""
    table = printed(result)
    expected = sedlab.load_detector(checkpoint).detect(path)
    assert len(expected) > 20
    assert list(table["event_label"]) == list(expected["label"])
    np.testing.assert_allclose(table[["onset", "offset"]], expected[["onset", "offset"]], atol=5.1e-4)
    np.testing.assert_allclose(table["confidence"], expected["confidence"], atol=5.1e-5)
    assert set(table["filename"]) == {"a.wav"}


def test_every_format_says_the_same(tmp_path, detect, checkpoint):
    path = write(tmp_path / "a.wav", music(12))
    out = tmp_path / "out"
    formats = [option for name in ("tsv", "audacity", "json", "scores") for option in ("--format", name)]
    result = detect(path, "--out", out, "--plot", *formats)
    assert result.exit_code == 0 and result.stdout == ""
    written = sorted(file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file())
    assert written == ["a.png", "a.txt", "detections.json", "events.tsv", "scores/a.tsv"]

    expected = sedlab.load_detector(checkpoint).detect(path)
    truth = read_ground_truth(out / "events.tsv")
    assert not truth.soft
    assert list(truth.events["label"]) == list(expected["label"])
    assert list(sed_scores_eval().io.read_ground_truth_events(out / "events.tsv")) == ["a"]
    assert (out / "events.tsv").read_text().splitlines()[0] == "filename\tonset\toffset\tevent_label"

    labels = read_tsv(out / "a.txt", ("onset", "offset", "label"), numbers=("onset", "offset"), header=False)
    pd.testing.assert_frame_equal(labels, expected[["onset", "offset", "label"]], atol=1e-6)

    document = json.loads((out / "detections.json").read_text())
    assert document["postprocess"] == "median" and document["thresholds"]["Speech"] == 0.5
    (recording,) = document["recordings"]
    assert recording["filename"] == "a.wav" and recording["duration"] == 12
    pd.testing.assert_frame_equal(pd.DataFrame(recording["events"]), expected, atol=1e-6)

    assert (out / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("seconds", [0.1, 10, 35])
def test_scores_are_the_network_s_to_the_last_digit(tmp_path, detect, checkpoint, seconds):
    path = write(tmp_path / "a.wav", music(seconds), subtype="FLOAT")
    assert detect(path, "--out", tmp_path / "out", "--format", "scores").exit_code == 0
    detector = sedlab.load_detector(checkpoint)
    expected = detector.predict_file(path)
    table = sed_scores_eval().io.read_sed_scores(tmp_path / "out" / "scores")["a"]
    assert list(table.columns) == ["onset", "offset", *detector.classes]
    assert abs(len(table) - seconds / 0.064) < 1
    np.testing.assert_array_equal(table.iloc[:, 2:].to_numpy(np.float32), expected.probabilities)
    np.testing.assert_allclose(table["offset"], expected.frame_times[1:], atol=1e-9)
    ours = read_scores(tmp_path / "out" / "scores").tables["a"]
    np.testing.assert_allclose(ours.to_numpy(), table.to_numpy(), atol=1e-9)


def test_scores_are_post_processed_on_request(tmp_path, detect, checkpoint):
    path = write(tmp_path / "a.wav", music(12))
    raw = sedlab.load_detector(checkpoint).predict_file(path)
    for name, expected in (
        ("none", raw.probabilities),
        ("median", median_filter(raw.probabilities, median_lengths(raw.classes))),
    ):
        assert detect(path, "--out", tmp_path, "--format", "scores", "--postprocess", name).exit_code == 0
        table = read_scores(tmp_path / "scores").tables["a"]
        np.testing.assert_allclose(table.to_numpy()[:, 2:], expected, atol=1e-7)


def test_tuned_boxes_are_applied(tmp_path, detect, checkpoint):
    path = write(tmp_path / "a.wav", music(12))
    params = CsebbsParams({"Speech": CsebbsSetting(0.32, 0.2), "Dog": CsebbsSetting(0.64, relative=2.0)})
    Postprocess.of(params).write(tmp_path / "boxes.json")
    result = detect(path, "--postprocess", tmp_path / "boxes.json", "--classes", "Speech,Dog", "--threshold", 0.4)
    assert result.exit_code == 0, result.stderr
    scores = sedlab.load_detector(checkpoint).predict_file(path)
    events = scores.events(thresholds=0.4, postprocess=params.detect)
    events = events[events["label"].isin(["Speech", "Dog"])]
    table = printed(result)
    assert len(events) and list(table["event_label"]) == list(events["label"])
    np.testing.assert_allclose(table["onset"], events["onset"], atol=5.1e-4)
    Postprocess.of(CsebbsParams({"Whale": CsebbsSetting(0.32)})).write(tmp_path / "foreign.json")
    result = detect(path, "--postprocess", tmp_path / "foreign.json")
    assert isinstance(result.exception, SedlabError) and "'Whale'" in str(result.exception)


def test_thresholds_are_set_class_by_class_and_later_ones_win(tmp_path, detect):
    path = write(tmp_path / "a.wav", music(12))
    everything = printed(detect(path, "--threshold", 0))
    assert set(everything["event_label"]) == set(sedlab.labels.CLASSES)
    (tmp_path / "thresholds.json").write_text('{"Dog": 0, "Cat": 0}')
    table = printed(detect(path, "--threshold", 1, "--threshold", tmp_path / "thresholds.json", "--threshold", "Cat=1"))
    assert table["event_label"].unique().tolist() == ["Dog"]
    assert printed(detect(path, "--threshold", 0, "--classes", "Cat,Speech"))["event_label"].nunique() == 2


@pytest.mark.parametrize("name", ["chosen.json", "chosen.yaml"])
def test_thresholds_saved_from_the_player_bring_their_post_processing(tmp_path, detect, name):
    path = write(tmp_path / "a.wav", music(12))
    params = CsebbsParams({"Speech": CsebbsSetting(0.32, 0.2), "Dog": CsebbsSetting(0.64, relative=2.0)})
    Thresholds({"Speech": 0.45, "Dog": 0.4}, 1.0, Postprocess.of(params)).write(tmp_path / name)
    Postprocess.of(params).write(tmp_path / "boxes.json")
    saved = detect(path, "--thresholds", tmp_path / name, "--out", tmp_path / "out", "--format", "json")
    assert saved.exit_code == 0, saved.stderr
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert document["postprocess"] == str(tmp_path / name) and document["thresholds"]["Cat"] == 1.0
    alike = ["--threshold", 1, "--threshold", "Speech=0.45", "--threshold", "Dog=0.4"]
    by_hand = printed(detect(path, "--postprocess", tmp_path / "boxes.json", *alike))
    assert len(by_hand)
    pd.testing.assert_frame_equal(printed(detect(path, "--thresholds", tmp_path / name)), by_hand)
    # What is said on the command line wins.
    without = printed(detect(path, "--thresholds", tmp_path / name, "--postprocess", "none", "--threshold", "Dog=1"))
    pd.testing.assert_frame_equal(
        without, printed(detect(path, "--postprocess", "none", "--threshold", 1, "--threshold", "Speech=0.45"))
    )


def test_the_thresholds_in_a_document_can_be_used_again(tmp_path, detect):
    path = write(tmp_path / "a.wav", music(12))
    first = detect(path, "--out", tmp_path / "out", "--format", "json", "--threshold", "Speech=0.7")
    assert first.exit_code == 0
    again = printed(detect(path, "--threshold", tmp_path / "out" / "detections.json"))
    pd.testing.assert_frame_equal(again, printed(detect(path, "--threshold", "Speech=0.7")))


def test_the_teacher_is_used_on_request(tmp_path, detect):
    path = write(tmp_path / "a.wav", music(12))
    assert len(printed(detect(path))) > 0
    assert len(printed(detect(path, "--network", "teacher"))) == 0


@pytest.mark.parametrize(
    ("name", "rate", "channels"), [("a.ogg", 8000, 2), ("a.flac", 44100, 1), ("a.mp3", 22050, 1), ("a.WAV", 48000, 6)]
)
def test_any_format_rate_and_number_of_channels(tmp_path, detect, checkpoint, name, rate, channels):
    audio = resample(music(12), RATE, rate)
    path = write(tmp_path / "in" / name, np.repeat(audio[:, None], channels, axis=1), rate)
    result = detect(tmp_path / "in")
    assert result.exit_code == 0, result.stderr
    table = printed(result)
    assert set(table["filename"]) == {name}
    assert len(table) == len(sedlab.load_detector(checkpoint).detect(path)) > 0


def test_silence_that_follows_changes_nothing(tmp_path, detect):
    audio = music(35)
    short = detect(write(tmp_path / "short" / "a.wav", audio))
    long = detect(write(tmp_path / "long" / "a.wav", np.append(audio, np.zeros(25 * RATE, dtype=np.float32))))
    assert short.stdout == long.stdout and len(printed(short)) > 20


def test_what_cannot_be_read_is_reported_and_the_rest_finishes(tmp_path, detect):
    folder, out = tmp_path / "in", tmp_path / "out"
    good = write(folder / "good.wav", music(11))
    write(folder / "later.wav", music(3, seed=1))
    write(folder / "deep" / "silent.wav", np.zeros(5 * RATE))
    (folder / "cut.wav").write_bytes(good.read_bytes()[:100_000])
    (folder / "text.wav").write_text("this is no sound")
    (folder / "._good.wav").write_text("left behind by a file manager")
    (folder / "empty.flac").touch()
    result = detect(folder, tmp_path / "missing.wav", "--out", out, "--format", "tsv", "--format", "json")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 5 and all(line.startswith(("failed: ", "note: ")) for line in lines)
    for name, reason in (
        ("cut.wav", "claims 11 s; the 3.123625 s found are read"),
        ("silent.wav", "is silent"),
        ("text.wav", "not a readable sound file"),
        ("empty.flac", "is empty"),
        ("missing.wav", "no such sound file"),
    ):
        (line,) = [line for line in lines if name in line]
        assert reason in line
    assert isinstance(result.exception, SedlabError) and "4 of 7 recordings" in str(result.exception)
    recordings = json.loads((out / "detections.json").read_text())["recordings"]
    assert {entry["filename"] for entry in recordings if "error" not in entry} == {"cut.wav", "good.wav", "later.wav"}
    assert read_tsv(out / "events.tsv", ["filename"])["filename"].unique().tolist() == [
        "cut.wav",
        "good.wav",
        "later.wav",
    ]


def test_recordings_of_one_name_stay_apart(tmp_path, detect):
    for number, name in enumerate(("x/a.wav", "y/a.wav", "y/a.flac")):
        write(tmp_path / "in" / name, music(3, seed=number))
    out = tmp_path / "out"
    assert detect(tmp_path / "in", "--out", out, "--format", "audacity").exit_code == 0
    texts = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.txt")}
    assert set(texts) == {"x/a_wav.txt", "y/a_wav.txt", "y/a_flac.txt"}
    assert len(set(texts.values())) == 3


def test_names_of_recordings(tmp_path):
    for name in ("x/a.wav", "y/a.wav", "y/b.wav"):
        write(tmp_path / name, music(0.1))

    def names(*inputs):
        return [(r.filename, r.stem) for r in find_recordings([tmp_path / name for name in inputs])]

    assert names("x/a.wav", "y/b.wav") == [("a.wav", "a"), ("b.wav", "b")]
    assert names("x/a.wav", "y/a.wav") == [("x/a.wav", "x/a"), ("y/a.wav", "y/a")]
    assert names("y", "y/a.wav", "x/../y/b.wav") == [("a.wav", "a"), ("b.wav", "b")]
    assert names(".") == [("x/a.wav", "x/a"), ("y/a.wav", "y/a"), ("y/b.wav", "y/b")]


def test_folders_are_searched_for_every_format_and_link(tmp_path, detect):
    folder, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    for name in ("a.AIFF", "b.Au", "c.opus", "d.caf", "deep/e.W64"):
        kind = {"opus": "OGG"}.get(name[-4:].lower(), name.rpartition(".")[2].upper())
        write(folder / name, music(1), format=kind, subtype="OPUS" if kind == "OGG" else None)
    sound = write(elsewhere / "far.wav", music(1))
    (folder / "one.wav").symlink_to(sound)
    (folder / "two.wav").symlink_to(sound)
    (folder / "broken.wav").symlink_to("nowhere.wav")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "again").symlink_to(elsewhere)
    (folder / "deep" / "loop").symlink_to(folder)
    for name in ("._one.wav", ".git/g.wav", "notes.txt", "more.TXT", "README"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no sound")
    (folder / "my call.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    result = detect(folder, "--out", tmp_path / "out", "--format", "json")
    recordings = json.loads((tmp_path / "out" / "detections.json").read_text())["recordings"]
    assert [entry["filename"] for entry in recordings if "error" not in entry] == [
        *("a.AIFF", "again/far.wav", "b.Au", "c.opus", "d.caf", "deep/e.W64", "one.wav", "two.wav")
    ]
    note, failed = result.stderr.splitlines()
    assert result.exit_code == 1 and failed.startswith(f"failed: {folder / 'broken.wav'}: no such sound file")
    assert note.startswith(f"note: {folder}: left out 4 files of other kinds: 2 .txt, ")
    assert note.endswith(f"ffmpeg -i '{folder / 'my call.m4a'}' '{folder / 'my call.wav'}'")


def test_a_folder_with_calls_only_says_how_to_convert_them(tmp_path, detect):
    (tmp_path / "call.amr").write_bytes(b"#!AMR\n" + bytes(100))
    result = detect(tmp_path)
    assert isinstance(result.exception, SedlabError)
    assert "holds no sound files, only 1 .amr. call.amr is AMR" in str(result.exception)
    assert str(result.exception).endswith(f"ffmpeg -i {tmp_path / 'call.amr'} {tmp_path / 'call.wav'}")


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3"])
def test_names_that_are_not_utf_8_come_out_as_text(tmp_path, detect, kind):
    (tmp_path / "in").mkdir()
    for name in (b"caf\xe9.", b"bad\xff."):
        write(tmp_path / f"x.{kind}", music(2)).rename(tmp_path / "in" / os.fsdecode(name + kind.encode()))
    next((tmp_path / "in").glob("bad*")).write_bytes(b"no sound")
    formats = [option for name in ("tsv", "audacity", "json", "scores") for option in ("--format", name)]
    result = detect(tmp_path / "in", "--out", tmp_path / "out", "--plot", *formats)
    assert result.exit_code == 1 and rf"bad\xff.{kind}: not a readable sound file" in result.stderr
    assert read_tsv(tmp_path / "out" / "events.tsv", ["filename"])["filename"].unique().tolist() == [rf"caf\xe9.{kind}"]
    document = (tmp_path / "out" / "detections.json").read_text(encoding="utf-8")
    assert {entry["filename"] for entry in json.loads(document)["recordings"]} == {
        rf"caf\xe9.{kind}",
        rf"bad\xff.{kind}",
    }
    assert "udc" not in document
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("caf*")}
    assert written == {r"caf\xe9.txt", r"caf\xe9.png", r"scores/caf\xe9.tsv"}
    assert rf"caf\xe9.{kind}" in detect(tmp_path / "in").stdout


def test_no_defect_ends_a_batch(tmp_path, detect, monkeypatch):
    for number in range(3):
        write(tmp_path / "in" / f"{number}.wav", music(2, seed=number))
    (tmp_path / "out" / "2.txt").mkdir(parents=True)  # in the way of a label track

    def fail(path):
        if path.name == "1.wav":
            raise MemoryError("two\nlines")
        return FirstDecoding(path)

    monkeypatch.setattr(predictor, "FirstDecoding", fail)
    result = detect(tmp_path / "in", "--out", tmp_path / "out", "--format", "tsv", "--format", "audacity")
    assert "2 of 3 recordings could not be analysed" in str(result.exception)
    first, second = result.stderr.splitlines()
    assert first.startswith(f"failed: {tmp_path / 'in' / '1.wav'}: MemoryError (two lines).")
    assert second.startswith("failed: ") and "2.txt" in second
    assert set(read_tsv(tmp_path / "out" / "events.tsv", ["filename"])["filename"]) == {"0.wav"}


def test_names_with_line_breaks_tabs_and_quotes_come_back(tmp_path, detect):
    names = ["new\nline.wav", "tab\tname.wav", 'quo"te.wav', " lead.wav", "[b]{x}.wav"]
    for name in names:
        write(tmp_path / "in" / name, music(1))
    (tmp_path / "in" / "bad\nname.wav").write_bytes(b"no sound")
    result = detect(tmp_path / "in", "--out", tmp_path / "out", "--format", "tsv", "--plot")
    (failed,) = result.stderr.splitlines()  # and no word of matplotlib about characters that its font lacks
    assert "bad name.wav: not a readable" in failed
    assert set(read_tsv(tmp_path / "out" / "events.tsv", ["filename"])["filename"]) == set(names)


def test_a_name_of_5000_characters_is_one_recording_that_fails(tmp_path, detect):
    good = write(tmp_path / "a.wav", music(1))
    result = detect("y" * 5000 + ".wav", good)
    assert "1 of 2 recordings" in str(result.exception) and "a.wav" in result.stdout


def test_one_name_by_a_relative_and_an_absolute_path(tmp_path, monkeypatch):
    for name in ("x/a.wav", "y/a.wav"):
        write(tmp_path / name, music(0.1))
    monkeypatch.chdir(tmp_path)
    found = find_recordings([Path("x/a.wav"), tmp_path / "y" / "a.wav"])
    assert [recording.filename for recording in found] == ["x/a.wav", "y/a.wav"]


def test_stereo_out_of_phase_is_heard(tmp_path, detect):
    audio = music(3)
    mono = printed(detect(write(tmp_path / "mono" / "a.wav", audio)))
    result = detect(write(tmp_path / "stereo" / "a.wav", np.column_stack((audio, -audio))))
    assert result.exit_code == 0 and len(mono) > 3
    pd.testing.assert_frame_equal(printed(result), mono)
    assert result.stderr.startswith("note: ") and "channels cancel each other" in result.stderr


def test_an_earlier_output_is_replaced(tmp_path, detect):
    path = write(tmp_path / "a.wav", music(5))
    (tmp_path / "events.tsv").write_text("old")
    assert detect(path, "--out", tmp_path).exit_code == 0
    assert "old" not in (tmp_path / "events.tsv").read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("{}", "at least 1 item"),
        ('{"Speech": 1.5}', "thresholds.json: thresholds.Speech: Input should be less than or equal to 1"),
        (
            '{"thresholds": {"Speach": 0.5}}',
            "thresholds.json: the network has no class 'Speach'. Did you mean 'Speech'",
        ),
        ('{"format": "sedlab-median-1"}', "thresholds.json: holds post-processing, not thresholds"),
    ],
)
def test_a_file_without_thresholds_is_one_line(tmp_path, detect, content, message):
    path = write(tmp_path / "a.wav", music(1))
    (tmp_path / "thresholds.json").write_text(content)
    result = detect(path, "--threshold", tmp_path / "thresholds.json")
    assert result.exit_code == 1 and isinstance(result.exception, SedlabError)
    assert message in str(result.exception) and "\n" not in str(result.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "Speach=0.3"], "Did you mean 'Speech'"),
        (["--threshold", "Speech=1.5"], "1.5 is not a probability"),
        (["--threshold", "half"], "'half' is no number"),
        (["--threshold", "missing.json"], "missing.json: no such file"),
        (["--thresholds", "missing.yaml"], "missing.yaml: no such file"),
        (["--classes", "Dogg"], "Did you mean 'Dog'"),
        (["--classes", ""], "--classes: names no class. Name one, or leave the option out"),
        (["--classes", " , "], "--classes: names no class"),
        (["--postprocess", "medan"], "Did you mean 'median'"),
        (["--network", "teacher", "--checkpoint", "missing.pt"], "missing.pt"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, detect, checkpoint, options, message):
    path = write(tmp_path / "a.wav", music(1))
    arguments = options if "--checkpoint" in options else [*options, "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(app, ["detect", str(path), *arguments])
    assert result.exit_code == 1 and isinstance(result.exception, SedlabError)
    assert message in str(result.exception) and "\n" not in str(result.exception)


def test_a_folder_without_sound_is_refused(tmp_path, detect):
    result = detect(tmp_path)
    assert isinstance(result.exception, SedlabError) and "holds no sound files" in str(result.exception)


@pytest.mark.parametrize("options", [["--format", "scores"], ["--plot"], ["--out", "x", "--format", "csv"]])
def test_wrong_usage_is_status_2(tmp_path, detect, options):
    path = write(tmp_path / "a.wav", music(1))
    assert detect(path, *options).exit_code == 2


@pytest.mark.slow
def test_in_a_pipe_the_table_stands_alone(tmp_path, checkpoint):
    good, bad = write(tmp_path / "a.wav", music(5)), tmp_path / "b.wav"
    bad.write_text("no sound")
    done = shell.sedlab("detect", bad, good, "--checkpoint", checkpoint)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "filename\tonset\toffset\tevent_label\tconfidence"
    assert len(lines) > 1 and all(line.startswith("a.wav\t") and line.count("\t") == 4 for line in lines[1:])
    failed, error = done.stderr.splitlines()
    assert failed.startswith(f"failed: {bad}: not a readable sound file")
    assert error.startswith("error: 1 of 2 recordings could not be analysed")


@pytest.mark.slow
@pytest.mark.parametrize("arch", ["passt", "beats", "atst"])
def test_a_published_checkpoint_gives_the_published_scores(tmp_path, arch):
    state = detector_state(arch, full=True)
    checkpoint = tmp_path / "stage2.ckpt"
    torch.save(stage_file(arch, state, state), checkpoint)
    for number, waveform in enumerate(batch(10)):
        write(tmp_path / f"clip{number}.wav", waveform, subtype="FLOAT")
    clips = [str(tmp_path / f"clip{number}.wav") for number in (0, 1)]
    arguments = ["--checkpoint", str(checkpoint), "--out", str(tmp_path), "--format", "scores"]
    result = CliRunner().invoke(app, ["detect", *clips, *arguments])
    checkpoint.unlink()
    assert result.exit_code == 0, result.stderr
    scores = [table.to_numpy()[:, 2:].T for table in sed_scores_eval().io.read_sed_scores(tmp_path / "scores").values()]
    expected = golden(f"{arch}_detector")
    # Clip 0 is the louder one, so it also gives ATST's batch its level.
    np.testing.assert_allclose(scores[0], expected["strong"][0], atol=3e-5, rtol=0)
    np.testing.assert_allclose(scores[1][:, ::3], expected["clip1_alone.strong"][0], atol=3e-5, rtol=0)
