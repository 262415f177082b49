"""What the jobs of a run read and wrote, as digests, and whether that is what their manifests recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from sedlab.config.experiment import Experiment, Node
from sedlab.data.review.corrections import corrections_digest
from sedlab.errors import SedlabError
from sedlab.pipeline.graph import Job
from sedlab.pipeline.outside_files import corrected_splits, corrections_read
from sedlab.runs.digests import Digests
from sedlab.runs.manifest import Manifest, read_manifest
from sedlab.runs.run import CONFIG_FILE, Run, config_file, config_files


class Inputs:
    """What the jobs of a run read, as digests.

    ``made`` are the digests of files that are as good as there, whatever the run folder has in their place.
    """

    def __init__(self, run: Run, digests: Digests, made: Mapping[str, str] = MappingProxyType({})) -> None:
        self._run, self._digests, self._made = run, digests, made
        self._files = config_files(run.experiment)
        nodes = {config_file(node.name): _without_paths(node) for node in run.experiment.nodes()}
        self._configs = self._files | nodes | {CONFIG_FILE: _without_paths(run.experiment)}

    def of(self, job: Job) -> dict[str, str]:
        """Return the digest of each input, empty for a file that is not there.

        Files outside the run are numbered, for they may lie elsewhere tomorrow.
        """
        found, outside = {}, 0
        for name in job.inputs:
            key = name
            if Path(name).is_absolute():
                outside += 1
                key = f"outside {outside}"
            if name in self._configs:
                found[key] = hashlib.sha256(self._configs[name].encode()).hexdigest()
            elif name in corrections_read(self._run, job.kind):
                found[key] = corrections_digest(Path(name), corrected_splits(self._run, job.kind))
            else:
                found[key] = self._digest(name)
        return found

    def own_reason(self, job: Job) -> str:
        """Return why a job has to run even though no other does; empty: it does not."""
        outputs = [self._run.path / name for name in job.outputs]
        if missing := [name for name, path in zip(job.outputs, outputs, strict=True) if not path.is_file()]:
            return f"Missing output files: {few(missing)}"
        try:
            manifest = read_manifest(self._run.path / job.manifest)
        except SedlabError:
            return f"Unreadable manifest: {job.manifest}"
        if not manifest.inputs:
            return self._newer_inputs(job)
        return self._changed_inputs(job, manifest)

    def _changed_inputs(self, job: Job, manifest: Manifest) -> str:
        present = self.of(job)
        if others := set(manifest.inputs) ^ set(present):
            return f"Other inputs than before: {few(others)}"
        # What is not there is made by a job that is due, or are weights that nobody needs after the training.
        named = zip(job.inputs, present.items(), strict=True)
        changed = [name for name, (key, digest) in named if digest not in ("", manifest.inputs[key])]
        return f"Changed input files: {few(changed)}" if changed else ""

    def _newer_inputs(self, job: Job) -> str:
        """Judge by times a job of an earlier version, which recorded no digests."""
        made = min((self._run.path / name).stat().st_mtime_ns for name in job.outputs)

        def is_newer(name: str) -> bool:
            path = self._run.path / name
            if not path.is_file():
                return name in self._files
            differs = name in self._files and path.read_text(encoding="utf-8") != self._files[name]
            return differs or path.stat().st_mtime_ns > made

        newer = [name for name in job.inputs if is_newer(name)]
        return f"Newer input files: {few(newer)}" if newer else ""

    def _digest(self, name: str) -> str:
        if name in self._made:
            return self._made[name]
        if not (self._run.path / name).is_file():
            return ""
        if Path(name).name != "manifest.json":
            return self._digests.of(name)
        try:
            return results_digest(read_manifest(self._run.path / name))
        except SedlabError:
            return ""  # its own job is due


def results_digest(manifest: Manifest) -> str:
    """Return the digest of a manifest as an input: of what it says about results, not of when its job ran."""
    return hashlib.sha256(json.dumps(manifest.results, sort_keys=True).encode()).hexdigest()


def _without_paths(config: Experiment | Node) -> str:
    """Return a configuration but for the places of files from outside, whose contents are inputs themselves."""
    tree = config.model_dump(mode="json")
    training = tree.get("pretrain") or tree.get("training") or {}
    for section, key in ((tree, "weights"), (training, "weights"), (training.get("distillation", {}), "logits")):
        section[key] = None
    # Which splits are corrected shows in what is read.
    for key in ("corrections", "corrected_splits"):
        tree["data"].pop(key, None)
    return json.dumps(tree)


def few(names: Iterable[str]) -> str:
    """Return the first of some names, and how many more there are."""
    first, *more = sorted(names)
    return f"{first} and {len(more)} more" if more else first
