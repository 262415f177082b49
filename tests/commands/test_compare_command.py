"""`sedlab compare` on score folders and ground-truth tables written here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.errors import SedlabError

SECONDS = np.arange(10.0)


def write_scores(folder: Path, truth: dict[str, np.ndarray], classes: tuple[str, ...], skill: float) -> Path:
    """Write one TSV a clip: ten rows of a second; the scores follow the truth (seconds, classes) by ``skill``."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for clip_id, active in truth.items():
        scores = 1 / (1 + np.exp(1.0 - skill * active - rng.normal(0, 1, active.shape)))
        table = pd.DataFrame(scores, columns=list(classes))
        table.insert(0, "offset", SECONDS + 1)
        table.insert(0, "onset", SECONDS)
        table.to_csv(folder / f"{clip_id}.tsv", sep="\t", index=False)
    return folder


def draw_truth(clip_ids: list[str], num_classes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {clip_id: rng.random((10, num_classes)) < 0.3 for clip_id in clip_ids}


def write_truth(path: Path, truth: dict[str, np.ndarray], classes: tuple[str, ...], **columns: float) -> Path:
    rows = [
        {"filename": f"{clip_id}.wav", "onset": s, "offset": s + 1.0, "event_label": classes[c], **columns}
        for clip_id, active in truth.items()
        for s, c in np.argwhere(active)
    ]
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
    return path


@pytest.fixture
def desed(tmp_path) -> dict[str, Path]:
    """Two systems, the second far better, on 20 clips with dogs and cats."""
    classes = ("Cat", "Dog")
    truth = draw_truth([f"clip{k}" for k in range(20)], 2)
    durations = tmp_path / "durations.tsv"
    pd.DataFrame({"filename": [f"{clip_id}.wav" for clip_id in truth], "duration": 10.0}).to_csv(
        durations, sep="\t", index=False
    )
    return {
        "a": write_scores(tmp_path / "weak", truth, classes, 1.0),
        "b": write_scores(tmp_path / "strong", truth, classes, 8.0),
        "truth": write_truth(tmp_path / "truth.tsv", truth, classes),
        "durations": durations,
    }


def run(files: dict[str, Path], *options: object):
    arguments = ["compare", files["a"], files["b"], "--ground-truth", files["truth"], *options]
    if "durations" in files:
        arguments += ["--durations", files["durations"]]
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)


def test_better_system_is_found_and_written(desed, tmp_path):
    done = run(desed, "--intervals", 60, "--csv", tmp_path / "out.csv", "--plot", tmp_path / "out.png")
    assert done.exit_code == 0, done.exception
    table = pd.read_csv(tmp_path / "out.csv")
    assert set(table["metric"]) == {"psds1", "psds2", "collar_f1", "intersection_f1"}
    # PSDS2 tolerates so much that chance level is high.
    overall = table[(table["label"] == "all") & (table["metric"] != "psds2")]
    assert (overall["low"] > 0).all() and (overall["p"] < 0.05).all()
    assert "60 resamples of 20 clips with an event" in done.output
    assert (tmp_path / "out.png").stat().st_size > 5000


def test_the_same_seed_gives_the_same_table(desed, tmp_path):
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        run(desed, "--intervals", 20, "--metric", "psds1", "--seed", seed, "--csv", tmp_path / name)
    one, two, three = ((tmp_path / name).read_text() for name in ("one", "two", "three"))
    assert one == two != three


def test_windows_of_recordings_are_compared_by_mpauc(tmp_path):
    classes = ("car", "footsteps")
    names = [f"street_{r:02d}-{500 * k:06d}-{500 * k + 1000:06d}" for r in range(6) for k in range(3)]
    truth = draw_truth(names, 2)
    files = {
        "a": write_scores(tmp_path / "weak", truth, classes, 0.5),
        "b": write_scores(tmp_path / "strong", truth, classes, 6.0),
        "truth": write_truth(tmp_path / "truth.tsv", truth, classes, confidence=0.9),
    }
    done = run(files, "--intervals", 40, "--classes", "car,footsteps", "--csv", tmp_path / "out.csv")
    assert done.exit_code == 0, done.exception
    assert "40 resamples of 6 recordings" in done.output
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table["label"]) == ["all", "car", "footsteps"] and (table["difference"] > 0).all()


def test_rare_class_is_counted_in_a_warning(desed):
    truth = pd.read_csv(desed["truth"], sep="\t")
    keep = (truth["event_label"] == "Dog") | (truth["filename"] == "clip0.wav")
    extra = {"filename": "clip0.wav", "onset": 0.0, "offset": 1.0, "event_label": "Cat"}
    pd.concat([truth[keep], pd.DataFrame([extra])]).to_csv(desed["truth"], sep="\t", index=False)
    done = run(desed, "--intervals", 30, "--metric", "intersection_f1", "--common-clips")
    assert done.exit_code == 0, done.exception
    assert "resamples lack a class and leave it out (Cat in " in done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metric", "psds3"], "--metric psds3: unknown. Did you mean 'psds"),
        (["--metric", "psds1,mpauc"], "--metric psds1,mpauc: mpAUC is of segments, the others are of events"),
        (["--metric", "mpauc"], "is not <recording>-<start>-<end>"),
        (["--classes", "Dgo"], "Did you mean 'Dog'"),
    ],
)
def test_wrong_options_are_explained(desed, options, message):
    done = run(desed, "--intervals", 5, *options)
    assert isinstance(done.exception, SedlabError) and message in str(done.exception)


def test_clips_that_one_system_lacks_are_refused_or_left_out(desed):
    (desed["b"] / "clip3.tsv").unlink()
    refused = run(desed, "--intervals", 5)
    assert isinstance(refused.exception, SedlabError) and "--common-clips" in str(refused.exception)
    done = run(desed, "--intervals", 5, "--metric", "psds1", "--common-clips")
    assert "5 resamples of 19 clips" in done.output
    assert "warning: 1 clip without scores is left out." in done.stderr


def test_durations_are_asked_for(desed):
    del desed["durations"]
    assert "Add --durations" in str(run(desed, "--intervals", 5).exception)
