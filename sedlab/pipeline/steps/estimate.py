"""About how long jobs will take: as long as the same ones took here before, or what was measured elsewhere.

An estimate is for deciding whether to wait, to a factor of two or so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sedlab.config.data import MiniConfig
from sedlab.config.experiment import Node, StageConfig
from sedlab.errors import SedlabError, count_of
from sedlab.pipeline.graph import Job
from sedlab.pipeline.subset_states import subset_states, training_clips
from sedlab.pipeline.training_cost import training_cost
from sedlab.runs.layout import CONFIG_FILE
from sedlab.runs.manifest import read_manifest
from sedlab.runs.run import Run, open_run
from sedlab.system.cards import usable_cards

#: Stage -> seconds of a training step per clip of its batch, by the width of the transformer; one thread of a virtual
#: machine (Xeon at 2.1 GHz) in November 2026. The widest, pre-training: assumed to be that of stage 2.
CPU_SECONDS = {
    "pretrain": {16: 0.008, 64: 0.012, 768: 2.6},
    "stage1": {16: 0.012, 64: 0.022, 768: 0.75},
    "stage2": {16: 0.02, 64: 0.037, 768: 2.6},
}
#: The same at the published width on an H100, mixed precision, without validation; pre-training as before.
GPU_SECONDS = {"pretrain": 1 / 300, "stage1": 1 / 600, "stage2": 1 / 300}
#: BEATs has twice the tokens of the others, and takes them in smaller batches.
_BEATS_FACTOR = 2.2
#: Seconds of starting a kernel and drawing a notebook, and of starting a process.
_NOTEBOOK_SECONDS, _PROCESS_SECONDS = 8.0, 3.0
#: Seconds of synthesising a clip of the mini corpus, and of reading one into the waveform cache.
_SYNTHESIS_SECONDS, _CACHE_SECONDS = 0.03, 0.02
#: Seconds of evaluating one clip of an iteration, with event boxes and intervals, and of naming its errors.
_EVALUATION_SECONDS = 0.03
#: How many runs are asked how long they took.
_MAX_RUNS = 5


def estimate_seconds(run: Run, jobs: Iterable[Job], cores: int) -> float:
    """Return about how many seconds these jobs will take on so many cores, each begun when what it needs is there."""
    estimate = _Estimate(run)
    return _makespan([(job, estimate.of(job)) for job in jobs], cores)


def _makespan(jobs: list[tuple[Job, float]], cores: int) -> float:
    """Return when the last job ends if each takes a free core as soon as its inputs are made, in the graph's order."""
    free, made = [0.0] * max(1, cores), {}
    for job, seconds in jobs:
        first = min(range(len(free)), key=free.__getitem__)
        start = max([free[first], *(made.get(name, 0.0) for name in job.inputs)])
        free[first] = start + seconds
        made |= dict.fromkeys(job.outputs, free[first])
    return max(free)


@dataclass(frozen=True)
class _Estimate:
    run: Run

    def of(self, job: Job) -> float:
        start = _NOTEBOOK_SECONDS if job.notebook else _PROCESS_SECONDS
        if job.kind in ("pretrain", "stage1", "stage2"):
            return start + self._training(job)
        return start + sum(self._clips.values()) * self._seconds_per_clip_of(job)

    def _seconds_per_clip_of(self, job: Job) -> float:
        if job.kind == "data":
            return _CACHE_SECONDS + (_SYNTHESIS_SECONDS if self.run.experiment.data.mini else 0.0)
        if job.kind == "scores":
            node = self.run.node("stage1", str(job.parameters["arch"]), 1)
            return self._seconds_per_clip(node) / 2  # no backward pass, but the features
        return _EVALUATION_SECONDS if job.kind in ("evaluate", "errors") else 0.0

    def _training(self, job: Job) -> float:
        node = self.run.node(job.kind, str(job.parameters["arch"]), int(job.parameters.get("iteration", 0)))
        cost = training_cost(node, self._clips)
        steps = max(1, cost.steps)
        if (recorded := self._recorded_step(job, node)) is not None:
            return steps * recorded
        return steps * cost.batch_clips * cost.accumulation * self._seconds_per_clip(node)

    def _recorded_step(self, job: Job, node: Node) -> float | None:
        """Return the seconds of a step of the same networks and batches in a run beside this one."""
        for other in self._others:
            try:
                same = other.node(node.stage, node.arch, node.iteration)
                results = read_manifest(other.path / job.manifest).results
            except SedlabError:
                continue
            if same.detector == node.detector and _batch(same) == _batch(node) and results.get("steps"):
                return float(results["train_seconds"]) / int(results["steps"])
        return None

    def _seconds_per_clip(self, node: Node) -> float:
        factor = _BEATS_FACTOR if node.arch == "beats" else 1.0
        width = node.detector.transformer.dim
        on_gpu = node.training.trainer.accelerator in ("auto", "cuda") and self._has_gpu
        if on_gpu and width > max(w for w in CPU_SECONDS[node.stage] if w < 768):
            return factor * GPU_SECONDS[node.stage]
        return (factor if width > 100 else 1.0) * _between(CPU_SECONDS[node.stage], width)

    @cached_property
    def _has_gpu(self) -> bool:
        return bool(usable_cards())

    @cached_property
    def _clips(self) -> dict[str, int]:
        """Training clips of each group; what is validated and tested beside them is about as much again."""
        data = self.run.experiment.data
        if data.mini is not None:
            return _mini_clips(data.mini, data.weak_train_fraction, data.maestro_train_fraction)
        clips, _ = training_clips({state.subset.name: state for state in subset_states(self.run)})
        return clips

    @cached_property
    def _others(self) -> list[Run]:
        files = self.run.path.parent.glob(f"*/{CONFIG_FILE}")
        latest = sorted(files, key=lambda file: file.parent.stat().st_mtime, reverse=True)[:_MAX_RUNS]
        found = []
        for file in latest:
            try:
                found.append(open_run(file.parent))
            except SedlabError:
                continue
        return found


def _batch(node: Node) -> object:
    training = node.training
    return training.batch if isinstance(training, StageConfig) else training.batch_size


def _between(measured: Mapping[int, float], width: int) -> float:
    """Return a value between measured ones, straight in logarithms; beyond them that of the next."""
    widths = sorted(measured)
    width = min(max(width, widths[0]), widths[-1])
    upper = next(index for index, known in enumerate(widths) if known >= width)
    if widths[upper] == width:
        return measured[width]
    low, high = widths[upper - 1], widths[upper]
    share = math.log(width / low) / math.log(high / low)
    return measured[low] * (measured[high] / measured[low]) ** share


def _mini_clips(mini: MiniConfig, weak: float, maestro: float) -> dict[str, int]:
    windows = 1 + max(0, mini.maestro_seconds - 10) // mini.maestro_hop_train
    return {
        "maestro": int(mini.num_maestro_train * maestro) * windows,
        "strong": mini.num_strong_train,
        "synth": mini.num_synth_train,
        "weak": int(mini.num_weak * weak),
        "unlabeled": mini.num_unlabeled,
        "audioset": mini.num_audioset_train,
    }


def told_seconds(seconds: float) -> str:
    """Return a time as a person guesses it: "20 s", "3 min", "2 h", "4 days"."""
    if seconds < 55:
        return f"{max(10, math.ceil(seconds / 10) * 10)} s"
    if seconds < 55 * 60:
        return f"{math.ceil(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{math.ceil(seconds / 3600)} h"
    return count_of(math.ceil(seconds / 86400), "day")
