"""All nodes of a run at a glance: which wait, work, are done or have failed, from the files of its folder alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from sedlab.progress import format_seconds
from sedlab.runs.live.submitted import Queued
from sedlab.runs.locks import nodes_at_work
from sedlab.runs.manifest import manifests
from sedlab.runs.progress import NodeProgress, read_progress, rows_file


class NodeGlance(NamedTuple):
    """How a node is at one time."""

    name: str
    state: Literal["waiting", "running", "done", "failed"]
    text: str
    """How far it is, how long it took, or why it failed."""
    progress: NodeProgress | None
    """Of one that is running."""
    has_curves: bool


def glance_at(
    folder: Path, expected: Sequence[str] = (), queued: Mapping[str, Queued] = MappingProxyType({})
) -> list[NodeGlance]:
    """Return how the nodes of a run are: those of its trainings, ``expected``, and whatever else has left traces.

    ``queued`` are those that a cluster has.
    """
    busy, told = nodes_at_work(folder), read_progress(folder)
    done = {manifest.node: manifest for manifest in manifests(folder)}
    logs = {path.stem: path for path in sorted((folder / "logs").glob("*.txt")) if path.stem != "scheduler"}
    found = []
    for name in dict.fromkeys([*done, *busy, *queued, *expected, *told, *logs]):
        progress, curves = told.get(name), rows_file(folder, name).is_file()
        if name in busy:
            text = str(progress) if progress else "starting"
            found.append(NodeGlance(name, "running", text, progress, curves))
        elif name in queued:
            found.append(NodeGlance(name, "waiting", str(queued[name]), None, curves))
        elif name in done:
            origin = f", in {done[name].shared_from}" if done[name].shared_from else ""
            found.append(NodeGlance(name, "done", format_seconds(done[name].seconds) + origin, None, curves))
        elif error := _last_error(logs.get(name)):
            found.append(NodeGlance(name, "failed", error, None, curves))
        else:
            text = f"{progress.what} {progress.done} of {progress.total} done" if progress else ""
            found.append(NodeGlance(name, "waiting", text, None, curves))
    return found


def _last_error(log: Path | None) -> str:
    """Return the line in which a job said why it failed; empty if it did not."""
    if log is None or not log.is_file():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.removeprefix("error: ") for line in reversed(lines) if line.startswith("error: ")), "")
