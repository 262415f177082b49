"""The report of a whole run and of half a run: self-contained, complete, and honest about what is missing."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from sedlab.config.loading import load_experiment
from sedlab.data.tables import CLIP_COLUMNS, EVENT_COLUMNS, Corpus
from sedlab.data.targets import frame_times
from sedlab.labels import CLASSES, DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.pipeline.report import SECTIONS, write_report
from sedlab.pipeline.run_folder import Run, create_run
from sedlab.scoring.results import write_results
from sedlab.scoring.score_file import ScoreFile, write_score_file

NUM_CLIPS = 4


class SmallRun(Run):
    """A run whose corpus is a few clips of noise in memory."""

    def corpus(self):
        clips, events = [], []
        for subset, group, split, classes in (
            ("devtest", "strong", "test", DESED_CLASSES),
            ("maestro_dev", "maestro", "test", MAESTRO_EVAL_CLASSES),
            ("strong_train", "strong", "train", DESED_CLASSES),
        ):
            kind = "soft" if group == "maestro" else "strong"
            for index in range(NUM_CLIPS):
                name = f"{subset}_{index}"
                clips.append((subset, name, f"{name}.wav", 10.0, group, split, kind, name, 0.0))
                events += [(subset, name, 1.0, 4.0, classes[index], 1.0), (subset, name, 5.0, 8.0, classes[-1], 0.9)]
        return Corpus(
            pd.DataFrame(clips, columns=CLIP_COLUMNS), pd.DataFrame(events, columns=EVENT_COLUMNS), root=self.path
        )

    def cache(self):
        return self

    def read(self, subset, clip_id, num_samples=None):
        return np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32)


class Links(HTMLParser):
    """Collects what a page refers to, and the ids it defines."""

    def __init__(self):
        super().__init__()
        self.targets, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src", "xlink:href"):
                self.targets.append(value)
            if name == "id":
                self.ids.append(value)


def small_run(folder):
    created = create_run(load_experiment("mini"), folder / "runs" / "small")
    return SmallRun(created.path, created.experiment)


@pytest.fixture
def empty_run(tmp_path):
    return small_run(tmp_path)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a run that has everything."""
    return write_report(complete_run(tmp_path_factory.mktemp("complete")))


def complete_run(folder):
    random, run = np.random.default_rng(1), small_run(folder)
    rows = []
    for iteration in (1, 2):
        for model in (*run.experiment.archs, "ensemble"):
            folder = (
                run.pseudo_labels_dir(iteration) if model == "ensemble" else run.scores_dir(iteration, "stage2", model)
            )
            for subset, stem in (("devtest", "devtest"), ("maestro_dev", "maestro_real_dev"), ("strong_train",) * 2):
                names = [f"{subset}_{index}" for index in range(NUM_CLIPS)]
                logits = random.normal(-1, 2, (NUM_CLIPS, 156, len(CLASSES))).astype(np.float32)
                write_score_file(folder / f"{stem}.hdf5", ScoreFile(names, logits, CLASSES, frame_times()))
            for stage in ("stage1", "stage2") if model != "ensemble" else ("stage2",):
                for metric, subset, label in (
                    ("psds1", "devtest", "all"),
                    ("mpauc", "maestro_dev", "all"),
                    ("psds1", "devtest", "Dog"),
                    ("mpauc", "maestro_dev", "car"),
                ):
                    row = {"iteration": iteration, "model": model, "stage": stage, "teacher": False}
                    row |= {"postprocess": "median", "subset": subset, "metric": metric, "label": label}
                    rows.append({**row, "value": 0.25 + iteration / 100})
    write_results(run.results, rows)
    for node in run.experiment.nodes():
        folder = run.node_dir(node.stage, node.arch, node.iteration)
        folder.mkdir(parents=True)
        steps = range(6)
        pd.DataFrame({"step": steps, "epoch": 0, "lr": 1e-3, "loss/total": 1.0, "val/objective": 0.5}).to_csv(
            folder / "history.csv", index=False
        )
        manifest = {"node": node.name, "parameters": {}, "started": "2026-01-01T10:00:00.000+00:00", "seconds": 61.5}
        manifest |= {"finished": "2026-01-01T10:01:01.500+00:00", "status": "complete"}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        run.notebook(node.name).parent.mkdir(exist_ok=True)
        run.notebook(node.name).with_suffix(".html").write_text("<html></html>")
    return run


def parsed(path):
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def test_report_of_a_complete_run_has_every_section(report):
    text = report.read_text(encoding="utf-8")
    assert "Not there yet" not in text
    for name in SECTIONS:
        assert f"<h2>{name}</h2>" in text
    # The ladder's values, a spectrogram, a sound, curves, the configuration, the wall times.
    assert ">0.270<" in text
    assert "data:image/png;base64," in text and "data:audio/mpeg;base64," in text
    assert text.count("<svg ") >= 8
    assert "ema_decay" in text and "61.5" in text


def test_report_loads_nothing_and_its_links_lead_somewhere(report):
    links = parsed(report)
    for target in links.targets:
        if target.startswith("#"):
            assert target[1:] in links.ids
        elif not target.startswith("data:"):
            assert (report.parent / target).is_file()
    # XML names and licences inside figures are names, not addresses that anything fetches.
    style = "".join(re.findall(r"<style.*?</style>", report.read_text(encoding="utf-8"), flags=re.S))
    assert "url(http" not in style and "@import" not in style


def test_figures_on_the_page_do_not_share_ids(report):
    ids = parsed(report).ids
    assert len(ids) == len(set(ids))


def test_report_of_an_empty_run_says_what_is_missing(empty_run):
    text = write_report(empty_run).read_text(encoding="utf-8")
    assert text.count("Not there yet") >= 6
    assert "sedlab run" in text
    assert "<h2>Configuration</h2>" in text and "ema_decay" in text


def test_report_names_no_folder_of_this_machine(empty_run, tmp_path):
    assert str(tmp_path) not in write_report(empty_run).read_text(encoding="utf-8")


def test_a_damaged_results_table_is_named_and_does_not_cost_the_rest(empty_run):
    empty_run.results.write_text("not,a,table\n1,2,3\n")
    text = write_report(empty_run).read_text(encoding="utf-8")
    assert "lacks column" in text
    assert "<h2>Configuration</h2>" in text and "ema_decay" in text
