"""`sedlab errors` on score tables and ground truth written here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.errors import SedlabError

CLASSES = ("Cat", "Dog")
TIMES = np.arange(0, 10.01, 0.1)
EVENTS = [("a", 1.0, 3.0, "Dog"), ("a", 6.0, 7.0, "Cat"), ("b", 2.0, 5.0, "Cat")]


def write_scores(folder: Path, heard: list[tuple]) -> Path:
    """One TSV a clip with rows of 0.1 s: 0.9 where something was heard, 0.1 elsewhere."""
    folder.mkdir()
    for clip_id in ("a", "b"):
        scores = np.full((len(TIMES) - 1, 2), 0.1)
        for clip, onset, offset, label in heard:
            if clip == clip_id:
                scores[round(onset * 10) : round(offset * 10), CLASSES.index(label)] = 0.9
        table = pd.DataFrame({"onset": TIMES[:-1], "offset": TIMES[1:], "Cat": scores[:, 0], "Dog": scores[:, 1]})
        table.to_csv(folder / f"{clip_id}.tsv", sep="\t", index=False)
    return folder


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    truth = pd.DataFrame(EVENTS, columns=["filename", "onset", "offset", "event_label"])
    truth.assign(filename=truth["filename"] + ".wav").to_csv(tmp_path / "truth.tsv", sep="\t", index=False)
    durations = pd.DataFrame({"filename": ["a.wav", "b.wav"], "duration": 10.0})
    durations.to_csv(tmp_path / "durations.tsv", sep="\t", index=False)
    late = [("a", 1.5, 3.0, "Dog"), ("a", 6.0, 7.0, "Dog"), ("b", 2.0, 5.0, "Cat"), ("b", 8.0, 9.0, "Dog")]
    return {
        "right": write_scores(tmp_path / "right", EVENTS),
        "wrong": write_scores(tmp_path / "wrong", late),
        "truth": tmp_path / "truth.tsv",
        "durations": tmp_path / "durations.tsv",
        "out": tmp_path / "errors",
    }


def errors(files: dict[str, Path], scores: str, *options: object):
    arguments = ["errors", files[scores], "--ground-truth", files["truth"], "--out", files["out"], *options]
    return CliRunner().invoke(app, [*map(str, arguments), "--postprocess", "none"])


def test_errors_are_named_counted_and_written(files):
    done = errors(files, "wrong", "--durations", files["durations"])
    assert done.exit_code == 0, done.output
    # A dog that is a cat, a dog at nothing: 2 in 20 s.
    assert "false detections (false alarm, cross-class, duplicate): 2, 360.0 an hour" in done.output
    cases = pd.read_csv(files["out"] / "cases.csv").set_index(["side", "clip_id", "onset"])["outcome"]
    assert cases["event"].tolist() == ["onset late", "cross-class", "correct"]
    table = pd.read_csv(files["out"] / "events.csv").set_index("label")
    assert table.loc["all", ["total", "correct", "onset late", "cross-class"]].tolist() == [3, 1, 1, 1]
    names = {path.name for path in files["out"].iterdir()}
    assert {"detections.csv", "clips.csv", "confusions.csv", "kinds.png", "confusions.png", "boundaries.png"} <= names
    assert not any("changes" in name for name in names)


def test_changes_against_earlier_scores(files):
    done = errors(files, "right", "--against", files["wrong"])
    assert done.exit_code == 0, done.output
    table = pd.read_csv(files["out"] / "changes_by_class.csv").set_index("label")
    assert table.loc["all", ["fixed", "broken", "gone", "new", "net"]].tolist() == [2, 0, 2, 0, 4]
    assert (files["out"] / "changes.png").stat().st_size > 1000


def test_saved_thresholds_decide_what_is_detected(files, tmp_path):
    (tmp_path / "chosen.yaml").write_text(
        "{format: sedlab-thresholds-1, thresholds: {Dog: 0.95}, postprocess: none}", encoding="utf-8"
    )
    done = errors(files, "right", "--thresholds", tmp_path / "chosen.yaml")
    assert done.exit_code == 0 and "threshold 0.5 (Dog 0.95)" in " ".join(done.output.split())
    cases = pd.read_csv(files["out"] / "cases.csv")
    assert cases[cases["side"] == "event"].set_index("label")["outcome"].to_dict() == {
        "Dog": "missed",
        "Cat": "correct",
    }
    done = errors(files, "right", "--thresholds", tmp_path / "chosen.yaml", "--threshold", 0.4)
    assert isinstance(done.exception, SedlabError) and "Give one" in str(done.exception)


def test_the_threshold_decides_what_is_detected(files):
    done = errors(files, "right", "--threshold", 0.95)
    assert done.exit_code == 0, done.output
    assert set(pd.read_csv(files["out"] / "cases.csv")["outcome"]) == {"missed"}


def test_a_clip_without_duration_is_named(files):
    files["durations"].write_text("filename\tduration\na.wav\t10.0\n")
    done = errors(files, "right", "--durations", files["durations"])
    assert isinstance(done.exception, SedlabError) and "no duration of 1 of 2 clips (first: b)" in str(done.exception)


def test_scores_of_other_clips_are_refused(files):
    (files["wrong"] / "b.tsv").unlink()
    done = errors(files, "right", "--against", files["wrong"])
    assert isinstance(done.exception, SedlabError) and "--common-clips" in str(done.exception)
    done = errors(files, "right", "--against", files["wrong"], "--common-clips")
    assert done.exit_code == 0
    assert "warning: 1 clip without scores is left out." in done.stderr
