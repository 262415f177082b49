"""One optimisation step of stages of the paper preset for one transformer, at base size, on the CPU.

A program of its own, so that the peak of its memory is its own: `python paper_steps.py PROJECT ARCH ITERATION STAGES
OUT`, stages with commas between them. Stage 2 starts from stage 1, which without a step of its own is what it starts
from. In iteration 2 there are pseudo-labels, made up ones. PROJECT holds a data root (`data/dcase`) and published
weights (`data/weights`). Writes a JSON file with loss and seconds of each stage, and the peak of the memory.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.config.experiment import Experiment, Node
from sedlab.config.loading import load_experiment
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.layout import SCORE_FILE
from sedlab.data.corpora.load import load_corpus
from sedlab.data.tables import Corpus
from sedlab.data.targets import frame_times
from sedlab.labels import CLASSES
from sedlab.scoring.scores.file import ScoreFile, write_score_file
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric
from sedlab.training.node import TrainingInputs, train_node
from sedlab.weights import WEIGHTS_FOLDER, require

#: What makes a step small and a CPU's; nothing else of the preset is changed. There are two unlabelled clips, so an
#: epoch is one batch.
BATCH = {"maestro": 1, "strong": 1, "synth": 1, "weak": 1, "unlabeled": 2}
TRAINER = {"accelerator": "cpu", "precision": "32-true", "num_workers": 0}


def small_steps(*archs: str) -> Experiment:
    """Return the paper preset with small batches, one epoch and full precision, pre-training of ``archs`` included."""
    overrides = [
        f"pretrain.archs=[{', '.join(archs)}]",
        "pretrain.epochs=1",
        "pretrain.batch_size=2",
        "pretrain.samples_per_epoch=2",
    ]
    overrides += [f"stage{number}.epochs=1" for number in (1, 2)]
    overrides += [f"stage{number}.batch.{group}={size}" for number in (1, 2) for group, size in BATCH.items()]
    stages = ("stage1", "stage2", "pretrain")
    overrides += [f"{stage}.trainer.{key}={value}" for stage in stages for key, value in TRAINER.items()]
    return load_experiment("paper", overrides)


def run_steps(project: Path, arch: str, iteration: int, stages: list[str]) -> list[dict]:
    """Train the nodes of one transformer in an iteration for a step; return loss and seconds of each."""
    experiment = small_steps(*({arch} & {"passt", "atst"}))
    root = project / experiment.data.root
    corpus = load_corpus(root, experiment.data)
    cache, rows, folder = WaveformCache.build(corpus), [], project / "steps" / arch
    pseudo_labels = _pseudo_labels(corpus, folder / "pseudo_labels") if iteration > 1 else None
    # Stage 1 starts from the published weights, as it does in the preset.
    detectors = experiment.model_copy(update={"pretrain": None})
    for stage in stages:
        node = (experiment if stage == "pretrain" else detectors).node(stage, arch, iteration)
        inputs = {"pretrained": require(node.weights, project / WEIGHTS_FOLDER)} if node.weights else {}
        if stage != "pretrain":
            inputs["pseudo_labels"] = pseudo_labels
        if stage == "stage2":
            inputs["init"] = _stage1(detectors.node("stage1", arch, iteration), project, folder)
        started = time.monotonic()
        result = train_node(TrainingInputs(node, corpus, cache, folder / node.name, **inputs))
        # Gigabytes of moments, to resume from.
        result.last.unlink()
        loss = float(pd.read_csv(result.history)["loss/total"].iloc[-1])
        rows.append({"node": node.name, "steps": result.steps, "loss": loss, "seconds": time.monotonic() - started})
    shutil.rmtree(folder)
    return rows


def _stage1(node: Node, project: Path, folder: Path) -> Path:
    """Return the checkpoint of stage 1; where it was not trained, that of its networks before the first step."""
    best = folder / node.name / "best.pt"
    if not best.is_file():
        pretrained = require(node.weights, project / WEIGHTS_FOLDER)
        best.parent.mkdir(parents=True)
        DetectionTask(node, make_fabric(node.training.trainer), pretrained=pretrained).save(best)
    return best


def _pseudo_labels(corpus: Corpus, folder: Path) -> dict[str, Path]:
    """Write scores for the detector's training clips; return the file of each subset."""
    random, files = np.random.default_rng(0), {}
    for name in corpus.select(split="train").subsets:
        if not name.startswith("audioset"):
            clips = list(corpus.subset(name).clips["clip_id"])
            logits = random.normal(-3, 2, (len(clips), len(frame_times()) - 1, len(CLASSES))).astype(np.float32)
            files[name] = folder / f"{SCORE_FILE[name]}.hdf5"
            write_score_file(files[name], ScoreFile(clips, logits, CLASSES, frame_times()))
    return files


def main() -> None:
    """Run the steps and write the JSON file."""
    project, arch, iteration, stages, out = sys.argv[1:]
    rows = run_steps(Path(project), arch, int(iteration), stages.split(","))
    # Kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    Path(out).write_text(json.dumps({"arch": arch, "rows": rows, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
