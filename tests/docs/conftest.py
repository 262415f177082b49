"""A folder in which the documented commands find what they name, small: a corpus, a run, checkpoints, recordings."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from documents import CHECKOUT
from http_files import serve
from published_files import detector_state, stage_file
from standin_corpus import ONE_OF_EACH

from sedlab.checkpoints.own import save_networks
from sedlab.config.data import MiniConfig
from sedlab.config.loading import load_experiment
from sedlab.data.importing.example import write_example_recordings
from sedlab.data.mini.writer import generate
from sedlab.data.review.decisions import Decision
from sedlab.data.targets import frame_times
from sedlab.labels import CLASSES
from sedlab.models.detector import Detector
from sedlab.pipeline.stages import prepare_data
from sedlab.runs.review.store import Review
from sedlab.runs.run import Run, create_run
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.scores.file import ScoreFile, write_score_file
from sedlab.scoring.thresholds.file import Thresholds

#: The smallest corpus that has every set; the clips of `devtest` are among those of `mini`.
SIZES = ONE_OF_EACH | {
    "num_synth_train": 2,
    "num_strong_train": 2,
    "num_weak": 4,
    "num_unlabeled": 2,
    "num_synth_val": 2,
    "num_devtest": 8,
    "num_maestro_train": 5,
    "num_maestro_dev": 5,
    "maestro_seconds": 11,
    "maestro_hop_train": 5,
    "maestro_hop_dev": 5,
}


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """The folder itself, to be copied: documented commands write into theirs."""
    folder = tmp_path_factory.mktemp("documented")
    for name in ("tests", "notebooks", "benchmarks", "docs", "Makefile"):
        (folder / name).symlink_to(CHECKOUT / name)
    run = _small_run(folder)
    for iteration in (1, 2):
        write_made_up_scores(run, iteration)
    write_made_up_scores(run, 2, "synth_val")
    write_decisions_of_two(run, folder)
    Thresholds({"Speech": 0.4}, postprocess=Postprocess("median")).write(run.path / "thresholds.json")
    random = np.random.default_rng(0)
    (folder / "field_trip").mkdir()
    for name in ("concert.mp3", "field_trip/morning.wav"):
        soundfile.write(folder / name, random.normal(0, 0.1, 3 * 16_000), 16_000)
    write_example_recordings(folder, count=4, seconds=22)
    return folder


@pytest.fixture(scope="module")
def weights_server():
    """An address that has a small detector in the published layout, under every name."""
    content = io.BytesIO()
    torch.save(stage_file("atst", detector_state("atst"), detector_state("atst")), content)
    with serve(content.getvalue()) as server:
        yield server.url


@pytest.fixture
def folder(template, weights_server, tmp_path, monkeypatch) -> Path:
    """A copy of the template, as working folder."""
    copy = Path(shutil.copytree(template, tmp_path / "sedlab", symlinks=True))
    monkeypatch.chdir(copy)
    monkeypatch.setenv("SEDLAB_WEIGHTS_MIRROR", weights_server)
    return copy


def _small_run(folder: Path) -> Run:
    experiment = load_experiment("nano")
    data = experiment.data.model_copy(update={"root": Path("data/mini"), "mini": MiniConfig(**SIZES)})
    run = create_run(experiment.model_copy(update={"name": "mini", "data": data}), folder / "runs" / "mini")
    generate(run.data_root, data.mini, workers=1)
    prepare_data(run)
    torch.manual_seed(0)
    detector = Detector(run.node("stage2", "atst", 2).detector)
    checkpoint = run.node_dir("stage2", "atst", 2) / "best.pt"
    checkpoint.parent.mkdir(parents=True)
    save_networks(checkpoint, {"student": detector, "teacher": detector})
    # The run that a tutorial trains on recordings of one's own.
    own = folder / "runs/first/iteration1/stage2/atst/best.pt"
    own.parent.mkdir(parents=True)
    own.symlink_to(checkpoint)
    return run


def write_decisions_of_two(run: Run, folder: Path) -> None:
    """Let ann and ben decide about an event: in the run, and each in a file."""
    event = run.corpus().subset("strong_train").events.iloc[0]
    times = (event["onset"], event["offset"], event["label"])
    for name, reviewer, decision in (("a", "ann", "right"), ("b", "ben", "wrong")):
        made = Decision("strong_train", event["clip_id"], *times, "reference", decision, reviewer=reviewer)
        for path in (run.review, folder / f"{name}.tsv"):
            Review(path).add(made)


def write_made_up_scores(run: Run, iteration: int, subset: str = "devtest") -> None:
    """Write scores of the ensemble as if it had heard the events, a bit early, and some noise."""
    random = np.random.default_rng(iteration)
    part = run.corpus().subset(subset)
    names = list(part.clips["clip_id"])
    logits = random.normal(-3, 2, (len(names), len(frame_times()) - 1, len(CLASSES))).astype(np.float32)
    for event in part.events.itertuples():
        frames = slice(*np.searchsorted(frame_times(), [event.onset - 0.1, event.offset]))
        logits[names.index(event.clip_id), frames, CLASSES.index(event.label)] += 5
    path = run.pseudo_labels_dir(iteration) / f"{subset}.hdf5"
    write_score_file(path, ScoreFile(names, logits, CLASSES, frame_times()))
