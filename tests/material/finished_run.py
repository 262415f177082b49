"""A finished run whose jobs wrote their files and nothing else; made in a second, in this process."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from tiny_project import make_experiment

from sedlab.data.cache import INDEX, WAVEFORMS
from sedlab.data.cache.index import INDEX_COLUMNS
from sedlab.data.tsv import write_tsv
from sedlab.pipeline.graph import graph_of
from sedlab.pipeline.stages import prepare_data
from sedlab.pipeline.work import Work
from sedlab.runs.run import Run, create_run, open_run


def finish(run: Run, *, with_clips: bool = False) -> None:
    """Let every job write its files and nothing else; the clips are real if asked for."""
    for job in graph_of(run):
        if job.kind == "data" and with_clips:
            prepare_data(run)
            continue
        with Work.of(run, job.kind, **job.parameters).recorded() as (manifest, _):
            manifest.results = {"of": job.name}
            for name in job.outputs:
                (run.path / name).parent.mkdir(parents=True, exist_ok=True)
                (run.path / name).write_text(f"{job.name} {name}")
    if not with_clips:
        write_empty_cache(run)


@pytest.fixture(scope="session")
def _finished_tiny(tmp_path_factory) -> Path:
    run = create_run(make_experiment(), tmp_path_factory.mktemp("finished-tiny") / "runs/tiny")
    finish(run)
    return run.project


@pytest.fixture
def finished_tiny(_finished_tiny, tmp_path) -> Run:
    """A finished run of two transformers, in a project of its own."""
    shutil.copytree(_finished_tiny, tmp_path / "project", copy_function=shutil.copyfile)
    return open_run(tmp_path / "project/runs/tiny")


def write_empty_cache(run: Run) -> None:
    """Write a waveform cache without clips."""
    run.cache_dir.mkdir(parents=True, exist_ok=True)
    (run.cache_dir / WAVEFORMS).write_bytes(b"")
    write_tsv(run.cache_dir / INDEX, pd.DataFrame(columns=INDEX_COLUMNS))
