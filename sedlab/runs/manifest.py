"""The manifest of a node: written last by its stage function, so that its presence means success.

The executed notebook cannot say so: Papermill marks the cells after a dead kernel as completed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sedlab.files import read_json, write_json
from sedlab.runs.digests import Digests
from sedlab.runs.locks import node_lock
from sedlab.runs.versions import write_versions


class Manifest(BaseModel):
    """What a node did. `results` and `files` are filled while it works."""

    node: str
    parameters: dict[str, Any]
    started: str
    """UTC, ISO 8601."""
    finished: str = ""
    seconds: float = 0.0
    status: str = "running"
    versions: str | None = None
    """Digest of the run's versions.json at the time."""
    results: dict[str, Any] = {}
    """Key numbers: objective, counts, ..."""
    files: dict[str, int] = {}
    """Files written, relative to the run folder, with their sizes in bytes."""
    digests: dict[str, str] = {}
    """SHA-256 of each of them."""
    inputs: dict[str, str] = {}
    """What was in each input, as a digest."""
    corpus: dict[str, str] = {}
    """What was in each part of the corpus that was read, as a digest, see `sedlab.data.corpora.fingerprint`; empty:
    read by an earlier version, or nothing was."""
    data_root: str = ""
    """Where the configuration placed the corpus at the time."""
    check: dict[str, Any] = {}
    """What a check of the corpus found when it was prepared, see `sedlab.data.checking`. No result: to check in another
    way makes nothing out of date."""
    shared_from: str = ""
    """The run in which the work was done; empty: in this one."""


#: Results that versions before did not tell: a run that was made then, whose data are prepared again, is as finished.
_SINCE_THEN = ("exclusion",)


def results_digest(manifest: Manifest) -> str:
    """Return the digest of a manifest as an input: of what it says about results, not of when its job ran."""
    return hashlib.sha256(results_text(manifest).encode()).hexdigest()


def results_text(manifest: Manifest) -> str:
    """Return the results that count when a manifest is an input."""
    told = {name: value for name, value in manifest.results.items() if name not in _SINCE_THEN}
    return json.dumps(told, sort_keys=True)


@contextmanager
def recorded(
    run_folder: Path, path: str, node: str, parameters: dict[str, Any], inputs: Mapping[str, str] | None = None
) -> Iterator[Manifest]:
    """Run a stage and write its manifest at ``run_folder / path`` when the block ends without error.

    One process at a time may, see `node_lock`. A manifest of an earlier run is removed first. `Manifest.files` given as
    paths get their sizes and digests here.
    """
    target = run_folder / path
    manifest = Manifest(node=node, parameters=parameters, started=_now(), inputs=dict(inputs or {}))
    begin = time.monotonic()
    with node_lock(run_folder, node):
        target.unlink(missing_ok=True)
        # By the process that works: an open notebook may be of another environment than `sedlab run`.
        manifest.versions = write_versions(run_folder)
        yield manifest
        digests = Digests(run_folder)
        manifest.digests = {name: digests.of(name) for name in manifest.files}
        manifest.files = {name: (run_folder / name).stat().st_size for name in manifest.files}
        digests.save()
        manifest.seconds = round(time.monotonic() - begin, 3)
        manifest.finished, manifest.status = _now(), "complete"
        write_json(target, manifest)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises
    ------
    SedlabError
        When it is missing or not a manifest.
    """
    return read_json(path, Manifest, "The node has not finished. Delete the file if it is there and run `sedlab run`.")


def manifests(run_folder: Path) -> list[Manifest]:
    """Return the manifests of all finished nodes, in the order in which they finished."""
    found = [read_manifest(path) for path in sorted(run_folder.glob("**/manifest.json"))]
    return sorted(found, key=lambda manifest: manifest.finished)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
