"""Watching a run that another process works on."""

from __future__ import annotations

import time
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.runs.locks import is_running, nodes_at_work
from sedlab.runs.progress import read_progress

_LOOK_SECONDS = 0.5


def watch(run_folder: str | Path, *, every_seconds: float = 5.0) -> None:
    """Print how far each node at work in a run is, every few seconds, until nothing works there any more.

    Raises
    ------
    SedlabError
        When there is no such run.
    """
    folder = Path(run_folder)
    if not (folder / "config.yaml").is_file():
        raise SedlabError(f"{folder}: no such run folder. Name one that `sedlab run` has made, such as runs/mini.")
    told: dict[str, tuple[str, float]] = {}
    while is_running(folder):
        states, now = read_progress(folder), time.monotonic()
        for node, holder in nodes_at_work(folder).items():
            state = states.get(node)
            line = f"{node}: {state.what} {state.done} of {state.total}" if state else f"{node}: starting"
            before, when = told.get(node, ("", -every_seconds))
            if line != before and now - when >= every_seconds:
                print(f"{line} ({holder})", flush=True)
                told[node] = (line, now)
        time.sleep(_LOOK_SECONDS)
    print(f"{folder}: nothing is at work")
