"""A run folder with a corpus of noise and made-up scores: everything a report shows, without any training."""

import json

import numpy as np
import pandas as pd
from scoring_material import make_corpus

from sedlab.config.loading import load_experiment
from sedlab.data.targets import frame_times
from sedlab.labels import CLASSES, DESED_CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.runs.errors import all_errors, write_errors
from sedlab.runs.run import Run, create_run
from sedlab.scoring.results import write_results
from sedlab.scoring.scores.file import ScoreFile, write_score_file

NUM_CLIPS = 4


class SmallRun(Run):
    """A run whose corpus is a few clips of noise in memory."""

    def corpus(self):
        clips, events = [], []
        for subset, classes in (
            ("devtest", DESED_CLASSES),
            ("maestro_dev", MAESTRO_EVAL_CLASSES),
            ("strong_train", DESED_CLASSES),
        ):
            for index in range(NUM_CLIPS):
                name = f"{subset}_{index}"
                clips.append({"subset": subset, "clip_id": name, "audio": f"{name}.wav", "recording": name})
                events += [(subset, name, 1.0, 4.0, classes[index], 1.0), (subset, name, 5.0, 8.0, classes[-1], 0.9)]
        return make_corpus(clips, events, root=self.path)

    def cache(self):
        return self

    def read(self, subset, clip_id, num_samples=None):
        return np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32)


def small_run(folder):
    created = create_run(load_experiment("mini"), folder / "runs" / "small")
    return SmallRun(created.path, created.experiment)


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
    write_errors(run, all_errors(run))
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
