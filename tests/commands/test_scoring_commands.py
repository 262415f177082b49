"""What `evaluate`, `tune`, `compare` and `errors` say alike: odd times, clips left out, what is too large."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.median import MedianParams
from sedlab.scoring.scores.file import ScoreFile, write_score_file

REAL = Path(__file__).parents[1] / "material" / "dcase2023_baseline"
SCORES, TRUTH = REAL / "baseline2_run1_scores", REAL / "metadata" / "ground_truth.tsv"
DURATIONS = REAL / "metadata" / "audio_durations.tsv"


def run(command: str, *arguments: object) -> tuple[int, str, str]:
    """Return exit status, output and errors of a command."""
    done = CliRunner(env={"COLUMNS": "300"}).invoke(app, [command, *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr if done.exception is None or done.stderr else str(done.exception)


@pytest.fixture
def calls(tmp_path):
    """Each command with two score folders of which the second lacks half of the clips, and few resamples."""
    half = tmp_path / "half"
    half.mkdir()
    for file in sorted(SCORES.glob("*.tsv"))[:10]:
        shutil.copy(file, half)
    return {
        "evaluate": ("evaluate", half, "--metric", "psds1"),
        "tune": ("tune", half, "--out", tmp_path / "tuned.json", "--method", "median"),
        "compare": ("compare", SCORES, half, "--metric", "collar_f1", "--intervals", 5),
        "errors": ("errors", half, "--out", tmp_path / "errors"),
    }


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, sep="\t", index=False)
    return path


@pytest.mark.parametrize("command", ["evaluate", "tune", "compare", "errors"])
def test_every_command_refuses_odd_times_and_counts_the_clips_it_leaves_out(tmp_path, calls, command):
    truth = pd.read_csv(TRUTH, sep="\t")
    milliseconds = truth.assign(onset=truth["onset"] * 1000, offset=truth["offset"] * 1000)
    late = truth.assign(offset=truth["offset"] + 3)
    for odd, cause in ((milliseconds, "may be milliseconds"), (late, "may be shifted")):
        path = write(tmp_path / "odd.tsv", odd)
        status, _, told = run(*calls[command], "--ground-truth", path, "--durations", DURATIONS, "--common-clips")
        assert status == 1 and cause in told and str(path) in told, (command, told)
        assert len(told.strip().splitlines()) == 1
    status, _, told = run(*calls[command], "--ground-truth", TRUTH, "--durations", DURATIONS, "--common-clips")
    assert status == 0 and "warning: 682 clips without scores are left out." in told, told


def test_classes_without_event_are_not_tuned_and_the_file_says_nothing_of_them(tmp_path):
    truth = pd.read_csv(TRUTH, sep="\t")
    path = write(tmp_path / "truth.tsv", truth[~truth["event_label"].isin(["Cat", "Frying"])])
    how = ("--ground-truth", path, "--durations", DURATIONS, "--common-clips")
    for method, otherwise in (("csebbs", "a step of 0.5 s"), ("median", "the published length")):
        out = tmp_path / f"{method}.json"
        status, printed, told = run(
            "tune", SCORES, *how, "--out", out, "--method", method, "--plot", tmp_path / "p.png"
        )
        assert status == 0 and "no event of Cat, Frying: not tuned, used will be" in told and otherwise in told, told
        assert re.search(r"Cat\W+not tuned", printed)
        content = json.loads(out.read_text())
        assert len(content["classes"]) == 8 and content["provenance"]["not_tuned"] == ["Cat", "Frying"]
        assert not {"Cat", "Frying"} & {*content["classes"], *content["provenance"]["value"]}
        status, printed, _ = run(
            "evaluate",
            SCORES,
            "--ground-truth",
            TRUTH,
            "--durations",
            DURATIONS,
            "--common-clips",
            "--postprocess",
            out,
            "--metric",
            "psds1",
        )
        assert status == 0 and "Cat" in printed


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("evaluate", ("--json", "SCORES"), "is read, and would be replaced"),
        ("evaluate", ("--csv", "./TRUTH"), "is read, and would be replaced"),
        ("evaluate", ("--postprocess", "TUNED", "--json", "TUNED"), "is read, and would be replaced"),
        ("evaluate", ("--json", "NEW", "--csv", "./NEW"), "two outputs would be written to this file"),
        ("evaluate", ("--json", "LOOP", "--metric", "collar_f1"), "loop.json: cannot be "),
        ("evaluate", ("--intervals", 10**7), "less than or equal to 100000"),
        ("evaluate", ("--durations", "SHORT"), "short.tsv: no duration of 1 of 4 clips (first: x0)"),
        ("evaluate", ("--postprocess", "TUNED"), "tuned.json: was tuned for class 'Whistle', of which"),
        ("tune", ("--out", "SCORES"), "is read, and would be replaced"),
        ("tune", ("--out", "NEW", "--durations", "SHORT"), "short.tsv: no duration of 1 of 4 clips (first: x0)"),
        ("tune", ("--out", "NEW", "--plot", "NEW"), "two outputs would be written to this file"),
        ("tune", ("--out", "NEW", "--plot", "DURATIONS"), "is read, and would be replaced"),
    ],
)
def test_refusals_name_the_file_and_leave_every_input_as_it_was(tmp_path, many, command, options, message):
    scores, _, truth, _, durations = many
    write(tmp_path / "short.tsv", pd.read_csv(durations, sep="\t").iloc[1:])
    Postprocess.of(MedianParams({"Whistle": 0.5})).write(tmp_path / "tuned.json")
    places = {"SCORES": scores, "TRUTH": truth, "DURATIONS": durations, "NEW": tmp_path / "new.json"}
    places |= {
        "./TRUTH": truth.parent / "." / truth.name,
        "./NEW": tmp_path / ".." / tmp_path.name / "new.json",
        "LOOP": tmp_path / "loop.json",
        "SHORT": tmp_path / "short.tsv",
        "TUNED": tmp_path / "tuned.json",
    }
    places["LOOP"].symlink_to("loop.json")
    before = [path.read_bytes() for path in (scores, truth, durations)]
    how = [places.get(option, option) for option in options]
    status, _, told = run(command, *many, *how)
    assert status in (1, 2) and message in told, told
    assert [path.read_bytes() for path in (scores, truth, durations)] == before and not (tmp_path / "new.json").exists()


@pytest.fixture
def many(tmp_path):
    """Scores of four clips in 101 classes, an event a class."""
    rng = np.random.default_rng(0)
    classes, clip_ids = tuple(f"c{k:03d}" for k in range(101)), [f"x{k}" for k in range(4)]
    logits = rng.normal(0, 2, (4, 20, 101)).astype(np.float32)
    write_score_file(tmp_path / "scores.hdf5", ScoreFile(clip_ids, logits, classes, np.arange(21) * 0.5))
    rows = [(f"x{k % 4}.wav", 1.0, 4.0, label) for k, label in enumerate(classes)]
    truth = write(tmp_path / "t.tsv", pd.DataFrame(rows, columns=["filename", "onset", "offset", "event_label"]))
    durations = write(tmp_path / "d.tsv", pd.DataFrame({"filename": [f"{c}.wav" for c in clip_ids], "duration": 10.0}))
    return (tmp_path / "scores.hdf5", "--ground-truth", truth, "--durations", durations)


def test_psds2_of_many_classes_is_left_out_and_computed_as_the_line_says(tmp_path, many):
    status, _, told = run("evaluate", *many, "--json", tmp_path / "o.json")
    metrics = json.loads((tmp_path / "o.json").read_text())["metrics"]
    assert status == 0 and "psds2" not in metrics and {"psds1", "collar_f1_best"} <= metrics.keys()
    (remedy,) = re.findall(r"psds2 is left out: .* 101 classes .*: (--metric [\w,]+)\.", told)
    status, _, told = run("evaluate", *many, *remedy.split(), "--json", tmp_path / "o.json")
    assert status == 0 and "left out" not in told
    metrics = json.loads((tmp_path / "o.json").read_text())["metrics"]
    assert list(metrics) == ["psds1", "psds2"] and metrics["psds2"]["overall"] >= 0
    hundred = ",".join(f"c{k:03d}" for k in range(100))
    status, _, told = run("evaluate", *many, "--classes", hundred, "--metrics", "psds", "--json", tmp_path / "o.json")
    assert status == 0 and "psds2" in json.loads((tmp_path / "o.json").read_text())["metrics"]


def test_scores_that_cannot_fit_into_memory_are_refused_before_they_are_read(tmp_path, many):
    path = tmp_path / "huge.hdf5"
    with h5py.File(path, "w") as file:
        file["filenames"] = np.array(["a"] * 10, dtype=object)
        # A sparse file: its bytes are there, and no disk is used for them.
        stored = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        stored.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        stored.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((10, 10**8, 447))
        h5py.h5d.create(file.id, b"strong_logits", h5py.h5t.IEEE_F32LE, space, stored)
    for command in ("evaluate", "tune"):
        out = ["--out", tmp_path / "o.json"] if command == "tune" else []
        status, _, told = run(command, path, *many[1:], *out)
        assert status == 1 and re.search(r"huge.hdf5: .*needs about [\d.]+ GiB of memory, [\d.]+ are free", told), told
        assert not (tmp_path / "o.json").exists()
