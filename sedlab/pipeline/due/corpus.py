"""Which parts of the corpus a job reads, as digests, so that a changed table makes exactly its readers due.

| job | reads |
| --- | --- |
| data | which clips there are, and their sounds |
| pre-training | labels and sounds of AudioSet |
| stages 1 and 2 | labels and sounds of the sets in their batches and of the validation sets; device responses |
| scores | which clips there are, and their sounds, of the sets that the detector scores |
| evaluate | labels of the test sets, and of the set on which event boxes are tuned |
| errors | labels of the set on which errors are named |

The others read files of the run alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sedlab.config.experiment import StageConfig
from sedlab.data.corpora.fingerprint import Fingerprint, sounds_name
from sedlab.data.corpora.layout import SCORE_FILE, SUBSETS, TEST_SUBSETS, TRAIN_SUBSETS, VAL_SUBSETS, Subset
from sedlab.errors import SedlabError
from sedlab.pipeline.graph import Job
from sedlab.pipeline.score_plan import NETWORKS, score_plan
from sedlab.progress import Progress
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run

#: Jobs that read clips: they say themselves which, so that `data`, made anew for others, makes none of them due.
READERS = ("pretrain", "stage1", "stage2", "scores")


class CorpusParts:
    """The digests of what jobs of a run read of the corpus; none where another corpus has taken its place."""

    def __init__(self, run: Run, progress: Progress | None = None) -> None:
        self._run = run
        self._found = Fingerprint(run.data_root, progress=progress)
        self._excludes = run.experiment.data.exclude_overlapping

    def of(self, job: Job) -> dict[str, str]:
        """Return the digest of each part that a job reads; an empty one for a part of a set that is not there."""
        if not self._run.data_root.is_dir() or _is_another(self._run):
            return {}
        parts = self._parts(job)
        self._found.save()
        return parts

    def named(self, parts: Iterable[str]) -> list[str]:
        """Return the names of changed parts: for a folder of clips those files, where they can be told."""
        from sedlab.data.cache import changed_sounds

        sounds: dict[str, list[str]] = {}
        for name, subset in SUBSETS.items():
            sounds.setdefault(sounds_name(subset), []).append(name)
        root = self._run.data_root
        return [name for part in parts for name in (part in sounds and changed_sounds(root, sounds[part])) or [part]]

    def _parts(self, job: Job) -> dict[str, str]:
        found = self._found
        if job.kind in ("data", "scores"):
            sets = _subsets(SUBSETS if job.kind == "data" else _scored(self._run, job))
            space = found.label_space() if job.kind == "scores" else {}
            return found.clips(sets, excludes=self._excludes) | found.sounds(sets) | space
        if job.kind == "pretrain":
            sets = _subsets(name for name, subset in SUBSETS.items() if subset.family == "audioset")
            return found.labels(sets) | found.sounds(sets)
        if job.kind in ("stage1", "stage2"):
            training = self._run.node(job.kind, job.parameters["arch"], job.parameters["iteration"]).training
            sets = _subsets([*_trained(training), *VAL_SUBSETS])
            response = training.augment.device_response
            responses = found.folder(str(response.folder)) if response.p else {}
            labels = found.labels(sets, excludes=self._excludes)
            return labels | found.sounds(sets) | found.label_space() | responses
        if job.kind == "evaluate":
            return found.labels(_subsets([*TEST_SUBSETS, score_plan(self._run).tuning_subset])) | found.label_space()
        if job.kind == "errors":
            return found.labels(_subsets([score_plan(self._run).error_subset])) | found.label_space()
        return {}


def _subsets(names: Iterable[str]) -> list[Subset]:
    wanted = set(names)
    return [subset for name, subset in SUBSETS.items() if name in wanted]


def _trained(training: StageConfig) -> Collection[str]:
    sizes = training.batch.model_dump()
    return [name for name in TRAIN_SUBSETS if sizes.get(SUBSETS[name].group)]


def _scored(run: Run, job: Job) -> Collection[str]:
    plan = score_plan(run)
    stems = {stem for network in NETWORKS for stem in plan.scored(str(job.parameters["stage"]), network)}
    return [name for name in plan.subsets if SCORE_FILE[name] in stems]


def _is_another(run: Run) -> bool:
    """Return whether the generated corpus at the data root is another than the run has prepared."""
    try:
        results = read_manifest(run.path / "data" / "manifest.json").results
    except SedlabError:
        return False
    return "corpus" in results and results["corpus"] != run.corpus_digest()
