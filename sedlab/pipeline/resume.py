"""What a training leaves in a run, and when one that was begun may go on: while it reads what it has read so far.

`train_node` continues from `last.pt`. That is right after an interruption, and wrong when a configuration or an input
has changed since; a finished training would then even be taken for the new one's result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sedlab.data.corpora.fingerprint import changed_parts
from sedlab.errors import warn_once
from sedlab.files import write_text
from sedlab.pipeline.due.reading import Reading, read_note, write_note
from sedlab.runs.manifest import read_manifest, results_text

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
        "hardware": result.hardware,
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
        hardware=results.get("hardware", {}),
    )


def start_over_if_inputs_changed(folder: Path, inputs: Sequence[Path], reading: Reading | None = None) -> bool:
    """Remove the training state in ``folder`` unless it was begun with these inputs; return whether it was removed.

    ``reading`` is what the training reads of the corpus; without it, what the corpus holds is not asked. Says in a line
    what has changed when it was begun on other data.
    """
    # The corpus elsewhere is the same corpus, and its place in a configuration no change.
    before = read_note(folder) if reading and reading.parts else None
    if before:
        same = before.inputs == _own_digest(inputs, reading, before.data_root)
        changed = changed_parts(before.parts, reading.parts)
    else:
        file = folder / DIGEST
        same = file.is_file() and file.read_text(encoding="utf-8").strip() == inputs_digest(inputs)
        changed = []
    if changed and (folder / "last.pt").exists():
        warn_once(f"{folder / 'last.pt'}: was begun on other data, so the training starts over: {', '.join(changed)}.")
    removed = False
    if changed or not same:
        removed = any((folder / name).exists() for name in _STATE)
        for name in _STATE:
            (folder / name).unlink(missing_ok=True)
    if before or not same:
        write_text(folder / DIGEST, inputs_digest(inputs) + "\n")
    if reading and reading.parts:
        write_note(folder, _own_digest(inputs, reading, reading.data_root), reading)
    return removed


def _own_digest(inputs: Iterable[Path], reading: Reading, data_root: str) -> str:
    """Return the digest of all inputs with the corpus at ``data_root``, less what is told of it: its parts say more."""
    own = [path for path in inputs if path.parts[-2:] != ("data", "manifest.json")]
    return inputs_digest(own, reading.configured(data_root))


def inputs_digest(inputs: Iterable[Path], configured: Mapping[Path, bytes] = MappingProxyType({})) -> str:
    """Return the SHA-256 of the contents of all inputs, in order; those ``configured`` as given."""
    total = hashlib.sha256()
    for path in inputs:
        if path.name == "manifest.json":
            # It says when a node ran; what it says about the data is all that matters here.
            total.update(results_text(read_manifest(path)).encode())
        elif path in configured:
            total.update(hashlib.sha256(configured[path]).digest())
        else:
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
