"""The file of a run's decisions: several writers at once, and tables that read back as the corrected corpus."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from nano_run import nano_run

from sedlab.config.data import DataConfig
from sedlab.config.loading import with_settings
from sedlab.data.corpora.load import load_corpus
from sedlab.data.review.corrections import own_events, with_corrections
from sedlab.data.review.decisions import Decision
from sedlab.errors import SedlabError
from sedlab.runs.review.exporting import corrected_labels, export_tables, export_tracks
from sedlab.runs.review.store import Review, review_of
from sedlab.runs.run import Run, create_run, open_run

__all__ = ["nano_run"]

WRITER = """
import sys

from sedlab.data.review.decisions import Decision
from sedlab.runs.review.store import Review
path, who = sys.argv[1:]
for k in range(15):
    Review(path).add(Decision("devtest", f"clip{k}", 1.0, 2.0, "Dog", "reference", "right", reviewer=who))
"""


def test_two_processes_lose_nothing_and_each_takes_back_its_own(tmp_path):
    path = tmp_path / "review.tsv"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in ("ann", "ben")]
    assert [writer.wait() for writer in writers] == [0, 0]
    review = Review(path)
    assert sorted(review.table()["reviewer"]) == ["ann"] * 15 + ["ben"] * 15
    left = review.undo("ann")
    assert len(left) == 29 and list(left[left["reviewer"] == "ann"]["clip_id"]) == [f"clip{k}" for k in range(14)]
    assert len(review.undo("nobody")) == 29


def test_nothing_decided_yet_is_an_empty_table(tmp_path):
    review = Review(tmp_path / "review.tsv")
    assert review.table().empty and review.undo("ann").empty
    assert not review.path.exists()


@pytest.fixture
def run(nano_run, tmp_path):
    """A run of its own on the shared corpus."""
    path = tmp_path / "runs/reviewed"
    path.mkdir(parents=True)
    data = nano_run.experiment.data.model_copy(update={"root": nano_run.data_root})
    return Run(path, nano_run.experiment.model_copy(update={"data": data}))


def decide(run, subset, row, what, decision, **more):
    made = Decision(subset, row["clip_id"], row["onset"], row["offset"], row["label"], what, decision, **more)
    review_of(run).add(made)


def by_clip(events):
    rows = zip(events["clip_id"], events["onset"].round(3), events["offset"].round(3), events["label"], strict=True)
    return sorted(map(str, rows))


def test_an_exported_table_reads_back_as_the_corrected_corpus(run, tmp_path):
    own = own_events(run.corpus(), "strong_train")
    first, second = own.iloc[0], own.iloc[1]
    decide(run, "strong_train", first, "reference", "wrong", reviewer="ann", note="a squeak")
    moved = {"new_onset": second["onset"] + 0.01, "new_offset": second["offset"] + 0.02}
    decide(run, "strong_train", second, "reference", "moved", reviewer="ann", **moved)
    missed = pd.Series({"clip_id": first["clip_id"], "onset": 0.5, "offset": 1.25, "label": "Cat"})
    decide(run, "strong_train", missed, "missed", "right", reviewer="ben")

    path = export_tables(run, "strong_train", tmp_path / "corrected.tsv")
    by_review, by_table = (
        with_corrections(run.corpus(), DataConfig(root=run.data_root, corrections=file)) for file in (run.review, path)
    )
    assert by_clip(own_events(by_review, "strong_train")) == by_clip(own_events(by_table, "strong_train"))
    assert len(own_events(by_table, "strong_train")) == len(own)
    # In the corpus's place it is a table as any other.
    only_ben = corrected_labels(run, "strong_train", reviewer="ben")
    assert len(only_ben) == len(own) + 1
    with pytest.raises(SedlabError, match=r"no decision by eve about clips of strong_train"):
        corrected_labels(run, "strong_train", reviewer="eve")

    (track,) = export_tracks(run, "strong_train", tmp_path / "tracks", reviewer="ben")
    assert "0.500000\t1.250000\tCat\n" in track.read_text()


def test_a_variant_reads_the_corrections_from_its_project(run, monkeypatch, tmp_path):
    own = own_events(run.corpus(), "strong_train")
    decide(run, "strong_train", own.iloc[0], "reference", "wrong")
    settings = ["data.corrections=runs/reviewed/review.tsv"]
    experiment = with_settings(run.experiment, settings, "test")
    monkeypatch.chdir(tmp_path.parent)
    variant = create_run(experiment, run.path.parent / "corrected")
    assert len(own_events(variant.corpus(), "strong_train")) == len(own) - 1
    assert open_run(variant.path).experiment == experiment


def test_labels_of_clips_are_exported_as_such(run, tmp_path):
    own = own_events(run.corpus(), "weak_train")
    row = own.iloc[0]
    decide(run, "weak_train", row, "reference", "wrong")
    absent = next(
        label for label in ("Cat", "Dog", "Blender") if label not in set(own[own["clip_id"] == row["clip_id"]]["label"])
    )
    decide(run, "weak_train", pd.Series({**row, "onset": 1.0, "offset": 2.0, "label": absent}), "detection", "right")
    path = export_tables(run, "weak_train", tmp_path / "weak.tsv")
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    assert list(table.columns) == ["filename", "event_labels"]
    assert len(table) == len(run.corpus().subset("weak_train"))
    labels = table[table["filename"].str.startswith(row["clip_id"])]["event_labels"].iloc[0].split(",")
    assert absent in labels and row["label"] not in labels
    config = DataConfig(root=run.data_root, corrections=path)
    again = own_events(load_corpus(run.data_root, config), "weak_train")
    assert by_clip(again) == by_clip(corrected_labels(run, "weak_train"))
    assert np.isnan(again["onset"]).all()
