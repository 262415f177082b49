"""Twenty recordings with label tracks of Audacity are imported, learnt by the smallest networks, and detected."""

from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.config.loading import load_experiment
from sedlab.data.importing.example import SOUNDS, write_example_recordings
from sedlab.pipeline import stages
from sedlab.runs.layout import score_file
from sedlab.runs.run import create_run
from sedlab.scoring.scores.file import read_score_file
from sedlab.scoring.subset import evaluate_score_file

CLASSES = tuple(sorted(SOUNDS))
#: The networks of nano; a training short enough for a test: one stage, all of it supervised.
SETTINGS = [
    *("data.mini=null", "data.root=root", "archs=[atst]", "iterations=1", "pretrain=null"),
    *("models.atst.crnn.n_fft=1024", "models.atst.crnn.hop=512", "models.atst.crnn.batchnorm_momentum=0.1"),
    "models.atst.crnn.pools=[[2, 2], [1, 2], [1, 2], [1, 2], [1, 2]]",
    *("stage1.epochs=8", "stage1.validate_every=8", "stage1.batch.strong=8", "stage1.dropout=0"),
    *("stage1.optim.lr_cnn=0.01", "stage1.optim.lr_rnn=0.01", "stage1.initial_probability=0.05"),
    *("stage1.loss.strong=0.5", "stage1.loss.self_supervised=0"),
    *(f"stage1.augment.{name}.p=0" for name in ("wavmix", "mixup", "filter")),
]


def sedlab(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def best_f1(run, corpus) -> float:
    """Intersection-based F1 at the best threshold of each class, on test recordings; class-wise median filter."""
    scores = read_score_file(run.path / score_file(1, "stage1", "atst", "own_test"))
    rows = evaluate_score_file(scores, corpus, "own_test", iteration=1, model="atst", stage="stage1")
    (row,) = (row for row in rows if (row["metric"], row["label"]) == ("intersection_f1_best", "all"))
    return row["value"]


@pytest.mark.slow
def test_an_imported_corpus_is_learnt_and_detected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_example_recordings("mine", count=20, seconds=60)
    sedlab("data", "import", "mine/recordings", "--labels", "mine/labels", "--root", "root")
    run = create_run(load_experiment("nano", SETTINGS), tmp_path / "runs" / "mine")
    stages.prepare_data(run)
    stages.train(run, "stage1", "atst", 1)
    stages.score(run, "stage1", "atst", 1)

    corpus = run.corpus()
    found = best_f1(run, corpus)
    # What a network reaches that finds events but not classes: its scores against labels that changed places.
    shuffled = []
    for turn in range(1, len(CLASSES)):
        other = dict(zip(CLASSES, CLASSES[turn:] + CLASSES[:turn], strict=True))
        shuffled.append(best_f1(run, replace(corpus, events=corpus.events.replace({"label": other}))))
    # Measured: 0.87 against at most 0.31; three shorter trainings with other seeds 0.71 to 0.79.
    assert found > max(shuffled) + 0.25, (found, shuffled)

    write_example_recordings("new", count=1, seconds=60, seed=1)
    checkpoint = run.node_dir("stage1", "atst", 1) / "best.pt"
    sedlab("detect", "new/recordings", "--checkpoint", checkpoint, "--out", "out", "--threshold", "0.3")
    events = pd.read_csv("out/events.tsv", sep="\t")
    truth = pd.read_csv("new/labels/recording 01.txt", sep="\t", names=["onset", "offset", "label"])
    assert set(events["event_label"]) <= set(CLASSES)
    middles = (truth["onset"] + truth["offset"]) / 2
    heard = [
        ((events["onset"] < middle) & (events["offset"] > middle) & (events["event_label"] == label)).any()
        for middle, label in zip(middles, truth["label"], strict=True)
    ]
    assert sum(heard) > len(truth) / 2  # chance: a fifth of them, were every event found
