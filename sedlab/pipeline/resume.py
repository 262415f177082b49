"""What a training leaves in a run, and when one that was begun may go on: while it reads what it has read so far.

`train_node` continues from `last.pt`. That is right after an interruption, and wrong when a configuration or an input
has changed since; a finished training would then even be taken for the new one's result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sedlab.files import write_text
from sedlab.runs.manifest import read_manifest

if TYPE_CHECKING:
    from sedlab.training.fit import FitResult

DIGEST = "inputs.sha256"
#: What a training leaves behind to go on from.
_STATE = ("last.pt", "best_so_far.pt", "history.csv")


def fit_results(result: FitResult) -> dict[str, Any]:
    """Return what the manifest of a training says of it."""
    return {
        "objective": result.objective if abs(result.objective) < float("inf") else None,
        "steps": result.steps,
        "train_seconds": round(result.seconds, 3),
        "resumed_from": result.resumed_from,
    }


def finished_fit(folder: Path) -> FitResult:
    """Return the result of a finished training from its manifest."""
    from sedlab.training.fit import FitResult

    results = read_manifest(folder / "manifest.json").results
    objective = results["objective"]
    return FitResult(
        best=folder / "best.pt",
        last=folder / "last.pt",
        history=folder / "history.csv",
        objective=float("-inf") if objective is None else objective,
        steps=results["steps"],
        seconds=results["train_seconds"],
        resumed_from=results["resumed_from"],
    )


def start_over_if_inputs_changed(folder: Path, inputs: Iterable[Path]) -> bool:
    """Remove the training state in ``folder`` unless it was begun with these inputs; return whether it was removed."""
    digest = inputs_digest(inputs)
    note = folder / DIGEST
    if note.is_file() and note.read_text(encoding="utf-8").strip() == digest:
        return False
    removed = False
    for name in _STATE:
        removed = removed or (folder / name).exists()
        (folder / name).unlink(missing_ok=True)
    write_text(note, digest + "\n")
    return removed


def inputs_digest(inputs: Iterable[Path]) -> str:
    """Return the SHA-256 of the contents of all inputs, in order."""
    total = hashlib.sha256()
    for path in inputs:
        if path.name == "manifest.json":
            # It says when a node ran; what it says about the data is all that matters here.
            total.update(json.dumps(read_manifest(path).results, sort_keys=True).encode())
            continue
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
