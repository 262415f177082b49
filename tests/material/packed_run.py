"""A finished run with real clips, labels, scores and a real checkpoint, of trainings that did nothing; in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from standin_corpus import ONE_OF_EACH

from sedlab.checkpoints.own import save_networks
from sedlab.config.data import MiniConfig
from sedlab.config.loading import load_experiment, to_yaml
from sedlab.data.corpora.layout import SCORE_FILE
from sedlab.data.mini.writer import generate
from sedlab.data.targets import frame_times
from sedlab.labels import CLASSES
from sedlab.models.detector import Detector
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.stages import compare, find_errors, prepare_data
from sedlab.pipeline.work import Work
from sedlab.runs.run import Run, create_run
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.results import write_results
from sedlab.scoring.scores.file import ScoreFile, write_score_file

#: The experiment, in the project.
PRESET = "moved.yaml"
SIZES = ONE_OF_EACH | {"num_weak": 4, "num_devtest": 4, "num_maestro_train": 2, "maestro_seconds": 11}
_LADDER = {"psds1": "devtest", "mpauc": "maestro_dev"}
_ROW = {"iteration": 1, "model": "ensemble", "stage": "stage2", "teacher": False}
_ROW |= {"postprocess": "median", "label": "all", "value": 0.5}


def make_finished_run(project: Path, name: str = "moved", **changes) -> Run:
    """Make the run in ``project / "runs"``: one transformer, one iteration; its corpus in a folder beside, by its
    absolute path."""
    settings = ["archs=[atst]", "iterations=1", f"data.root={project / 'disk/corpus'}"]
    experiment = load_experiment("nano", settings)
    # As a real corpus: one that could be generated anew would be no loss.
    data = experiment.data.model_copy(update={"mini": None})
    experiment = experiment.model_copy(update={"name": name, "data": data, **changes})
    run = create_run(experiment, project / "runs" / name)
    (project / PRESET).write_text(to_yaml(experiment))
    generate(run.data_root, MiniConfig(**SIZES), workers=1)
    for job in graph_of(run):
        _do(run, job)
    return run


def _do(run: Run, job) -> None:
    by_kind = {"data": prepare_data, "compare": compare, "errors": find_errors}
    if job.kind in by_kind:
        by_kind[job.kind](run)
    else:
        with Work.of(run, job.kind, **job.parameters).recorded() as (manifest, _):
            manifest.results = {"of": job.name}
            for name in job.outputs:
                _write(run, job, run.path / name)
            for name in (f"{Path(job.manifest).parent}/last.pt", *job.logs):
                (run.path / name).parent.mkdir(parents=True, exist_ok=True)
                (run.path / name).write_text(f"{job.name} {name}")


def _write(run: Run, job, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".hdf5":
        write_score_file(path, _scores(run, path))
    elif path.name == "metrics.csv":
        write_results(path, [_ROW | {"metric": metric, "subset": subset} for metric, subset in _LADDER.items()])
    elif job.kind == "evaluate":
        Postprocess.of(CsebbsParams({"Speech": CsebbsSetting(0.5, 0.2)})).write(path)
    elif path.suffix == ".pt" and job.kind == "stage2":
        torch.manual_seed(0)
        detector = Detector(run.node("stage2", "atst", 1).detector)
        save_networks(path, {"student": detector, "teacher": detector})
    else:
        path.write_text(f"{job.name} {path.name}")


def _scores(run: Run, path: Path) -> ScoreFile:
    """Return scores as if the events had been heard, and some noise."""
    stem = path.stem.removesuffix(".teacher")
    part = run.corpus().subset(*(name for name in run.corpus().subsets if SCORE_FILE[name] == stem))
    names = list(part.clips["clip_id"])
    logits = np.random.default_rng(len(str(path.name))).normal(-3, 2, (len(names), len(frame_times()) - 1, 27))
    for event in part.events.dropna(subset=["onset"]).itertuples():
        frames = slice(*np.searchsorted(frame_times(), [event.onset - 0.1, event.offset]))
        logits[names.index(event.clip_id), frames, CLASSES.index(event.label)] += 5
    return ScoreFile(names, logits.astype(np.float32), CLASSES, frame_times())
