"""A run at `nano` size whose detectors are there, yet untrained: what a stage or a lesson reads, in a few seconds."""

from __future__ import annotations

import pytest
from nano_sizes import NANO_SIZES

from sedlab.config.loading import load_experiment
from sedlab.pipeline.stages import prepare_data
from sedlab.runs.run import Run, create_run
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric


@pytest.fixture(scope="session")
def nano_run(nano, tmp_path_factory) -> Run:
    """Return a run on the session's corpus; "atst" has its checkpoints of both stages of iteration 1."""
    corpus, _ = nano
    sizes = [f"data.mini.{name}={value}" for name, value in NANO_SIZES.items()]
    experiment = load_experiment("nano", [f"data.root={corpus.root}", *sizes])
    run = create_run(experiment, tmp_path_factory.mktemp("project") / "runs" / "nano")
    prepare_data(run)
    for stage, seed in (("stage1", 1), ("stage2", 2)):
        node = run.node(stage, "atst", 1).model_copy(update={"seed": seed})
        best = run.node_dir(stage, "atst", 1) / "best.pt"
        best.parent.mkdir(parents=True)
        DetectionTask(node, make_fabric(node.training.trainer)).save(best)
    return run
