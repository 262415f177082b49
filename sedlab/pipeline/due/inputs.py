"""What the jobs of a run read and wrote, as digests, and whether that is what their manifests recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sedlab.config.experiment import Experiment, Node
from sedlab.data.corpora.fingerprint import changed_parts
from sedlab.data.corpora.layout import SCORE_FILE
from sedlab.data.review.corrections import corrections_digest
from sedlab.errors import SedlabError
from sedlab.pipeline.due.corpus import READERS, CorpusParts
from sedlab.pipeline.due.reading import begun_on
from sedlab.pipeline.graph import Job
from sedlab.pipeline.outside_files import corrected_splits, corrections_read
from sedlab.pipeline.score_plan import ScorePlan, score_plan
from sedlab.runs.digests import Digests
from sedlab.runs.layout import CONFIG_FILE, config_file, config_files
from sedlab.runs.manifest import Manifest, read_manifest, results_digest
from sedlab.runs.moved.left_out import left_out
from sedlab.runs.run import Run

#: Begins the reason of a job that read parts of the corpus which are others now.
CHANGED_CORPUS = "Changed corpus"
DATA_MANIFEST = "data/manifest.json"


class Inputs:
    """What the jobs of a run read, as digests.

    ``made`` are the digests of files that are as good as there, whatever the run folder has in their place.
    """

    def __init__(self, run: Run, digests: Digests, made: Mapping[str, str] = MappingProxyType({})) -> None:
        self._run, self._digests, self._made = run, digests, made
        self._files = config_files(run.experiment)
        self._configs: dict[str, dict[str, str]] = {}
        self._parts: dict[str, dict[str, str]] = {}

    def of(self, job: Job, data_root: str = "") -> dict[str, str]:
        """Return the digest of each input, empty for a file that is not there.

        Files outside the run are numbered, for they may lie elsewhere tomorrow. With another ``data_root`` than the
        configuration's they are those of the same run with its corpus there.
        """
        configs = self._read_configs(data_root)
        found, outside = {}, 0
        for name in job.inputs:
            key = name
            if Path(name).is_absolute():
                outside += 1
                key = f"outside {outside}"
            if name in configs:
                found[key] = hashlib.sha256(configs[name].encode()).hexdigest()
            elif name in corrections_read(self._run, job.kind):
                found[key] = corrections_digest(Path(name), corrected_splits(self._run, job.kind))
            else:
                found[key] = self._digest(name)
        return found

    def corpus(self, job: Job) -> dict[str, str]:
        """Return the digest of each part of the corpus that a job reads, see `CorpusParts`."""
        if job.name not in self._parts:
            self._parts[job.name] = self._corpus.of(job)
        return self._parts[job.name]

    def config_files(self, data_root: str) -> dict[str, str]:
        """Return the configuration files of the run with its corpus at ``data_root``, by their names."""
        return config_files(_with_root(self._run.experiment, data_root))

    def same(self, job: Job, manifest: Manifest) -> bool:
        """Return whether a job of any run read what this one would read."""
        found = self.of(job)
        if not manifest.corpus:
            return manifest.inputs == found and not self.knows_parts(job)
        if not self.corpus(job):
            return manifest.inputs == found
        here, there = ({k: v for k, v in one.items() if v} for one in (self.corpus(job), manifest.corpus))
        drop = {DATA_MANIFEST} if job.kind in READERS else set()
        return here == there and all(
            manifest.inputs.get(name) == found.get(name) for name in {*found, *manifest.inputs} - drop
        )

    def knows_parts(self, job: Job) -> bool:
        """Return whether the run's own job noted what it read of the corpus, as those of earlier versions did not."""
        try:
            return bool(read_manifest(self._run.path / job.manifest).corpus)
        except SedlabError:
            return False

    def own_reason(self, job: Job) -> str:
        """Return why a job has to run even though no other does; empty: it does not."""
        outputs = [name for name in job.outputs if name not in self._left_out]
        if missing := [name for name in outputs if not (self._run.path / name).is_file()]:
            return f"Missing output files: {few(missing)}{self._begun_on_others(job)}"
        try:
            manifest = read_manifest(self._run.path / job.manifest)
        except SedlabError:
            return f"Unreadable manifest: {job.manifest}"
        if not manifest.inputs:
            return self._newer_inputs(job)
        return self._changed_inputs(job, manifest)

    def _changed_inputs(self, job: Job, manifest: Manifest) -> str:
        parts = self.corpus(job) if manifest.corpus else {}
        # Paths do not count: the same corpus elsewhere is the same corpus.
        elsewhere = bool(parts) or (job.kind == "report" and self._run.data_root.is_dir())
        present = self.of(job, manifest.data_root if elsewhere else "")
        # Scores of a set whose clips are gone: what was made of them and of others stands.
        lost = {name for name in set(manifest.inputs) - set(present) if not self._is_of_absent_set(name)}
        if others := lost | (set(present) - set(manifest.inputs)):
            return f"Other inputs than before: {few(others)}"
        # What is not there is made by a job that is due, or are weights that nobody needs after the training.
        named = zip(job.inputs, present.items(), strict=True)
        changed = [name for name, (key, digest) in named if digest not in ("", manifest.inputs[key])]
        if parts and job.kind in READERS:
            # What it says of the clips, their parts say exactly.
            changed = [name for name in changed if name != DATA_MANIFEST]
        if changed:
            return f"Changed input files: {few(changed)}"
        others = changed_parts(manifest.corpus, parts)
        return f"{CHANGED_CORPUS}: {few(self._corpus.named(others))}" if others else ""

    def _is_of_absent_set(self, name: str) -> bool:
        """Say whether a file holds scores of a set that is not among the data."""
        stem = Path(name).stem.removesuffix(".teacher")
        return name.endswith(".hdf5") and stem in set(SCORE_FILE.values()) - set(self._plan.stems)

    @cached_property
    def _left_out(self) -> dict[str, str]:
        """The digests of files that a pack left out: as good as there."""
        return left_out(self._run.path)

    @cached_property
    def _plan(self) -> ScorePlan:
        return score_plan(self._run)

    def _begun_on_others(self, job: Job) -> str:
        """Return which parts of the corpus have changed since a training began that has not ended."""
        begun = begun_on((self._run.path / job.manifest).parent) if job.kind in READERS else None
        changed = changed_parts(begun, self.corpus(job)) if begun else []
        names = few(self._corpus.named(changed)) if changed else ""
        return f" (begun on other data, so it starts over: {names})" if changed else ""

    @cached_property
    def _corpus(self) -> CorpusParts:
        return CorpusParts(self._run)

    def _read_configs(self, data_root: str) -> dict[str, str]:
        """Return the text of each configuration file that counts, by its name."""
        if data_root not in self._configs:
            experiment = _with_root(self._run.experiment, data_root)
            nodes = {config_file(node.name): _without_paths(node) for node in experiment.nodes()}
            self._configs[data_root] = config_files(experiment) | nodes | {CONFIG_FILE: _without_paths(experiment)}
        return self._configs[data_root]

    def _newer_inputs(self, job: Job) -> str:
        """Judge by times a job of an earlier version, which recorded no digests."""
        there = [name for name in job.outputs if name not in self._left_out]
        made = min((self._run.path / name).stat().st_mtime_ns for name in there)

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
            return self._left_out.get(name, "")
        if Path(name).name != "manifest.json":
            return self._digests.of(name)
        try:
            return results_digest(read_manifest(self._run.path / name))
        except SedlabError:
            return ""  # its own job is due


def _with_root(experiment: Experiment, data_root: str) -> Experiment:
    """Return the experiment with its corpus at ``data_root``; empty: where it is."""
    if not data_root or data_root == str(experiment.data.root):
        return experiment
    return experiment.model_copy(update={"data": experiment.data.model_copy(update={"root": Path(data_root)})})


def _without_paths(config: Experiment | Node) -> str:
    """Return a configuration but for the places of files from outside, whose contents are inputs themselves."""
    tree = config.model_dump(mode="json")
    training = tree.get("pretrain") or tree.get("training") or {}
    for section, key in ((tree, "weights"), (training, "weights"), (training.get("distillation", {}), "logits")):
        section[key] = None
    if "trainer" in training:
        training["trainer"] = _as_it_was(training["trainer"])
    # Which splits are corrected shows in what is read.
    for key in ("corrections", "corrected_splits"):
        tree["data"].pop(key, None)
    return json.dumps(tree)


def _as_it_was(trainer: dict[str, Any]) -> dict[str, Any]:
    """Return what a trainer's options were called before there was "auto": a run that was made then is still finished.

    What is chosen for "auto" depends on the machine, and whether a run is finished must not.
    """
    news = {"graphs": "auto", "fast_layers": "auto", "micro_batches_together": 1}
    kept = {name: value for name, value in trainer.items() if name not in news or value != news[name]}
    former = {"precision": "32-true", "compile": False}
    return kept | {name: value for name, value in former.items() if trainer[name] == "auto"}


def few(names: Iterable[str]) -> str:
    """Return the first of some names, and how many more there are."""
    first, *more = sorted(names)
    return f"{first} and {len(more)} more" if more else first
