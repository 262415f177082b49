"""What a step gained over all seeds of a run, on other clips and with other seeds."""

from __future__ import annotations

import numpy as np

from sedlab.data.corpora.layout import family
from sedlab.errors import SedlabError
from sedlab.progress import Progress, no_progress
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.runs.scores import postprocessed_scores
from sedlab.scoring.metrics.fscores import THRESHOLD
from sedlab.scoring.metrics.statistics.base import Statistics
from sedlab.scoring.metrics.statistics.choice import metric_statistics
from sedlab.scoring.names import ALL, metric_name, model_name
from sedlab.scoring.seeds.gains import FEW
from sedlab.scoring.seeds.resampling import SeededComparison, compare_over_seeds
from sedlab.scoring.subset import counted_subset


def compared_over_seeds(
    run: Run,
    before: tuple[int, str],
    after: tuple[int, str],
    *,
    model: str = ENSEMBLE,
    subset: str | None = None,
    progress: Progress = no_progress,
) -> SeededComparison:
    """Return what a model gained from one step to another over the seeds of a run, with intervals for clips and seeds.

    Parameters
    ----------
    before, after : (iteration, stage)
        Such as ``(1, "stage2")`` and ``(2, "stage2")``.

    Raises
    ------
    SedlabError
        When fewer than two seeds have these scores.
    """
    subset = run.judged_on(subset)
    metric, part = "mpauc" if family(subset) == "maestro" else "psds1", run.corpus().subset(subset)
    clip_ids = list(part.clips["clip_id"])  # the same in every seed

    def statistics(one: Run, place: tuple[int, str]) -> Statistics:
        scores = postprocessed_scores(one, place[0], model, stage=place[1], subset=subset, clip_ids=clip_ids)
        return metric_statistics(metric, counted_subset(scores, part, subset), THRESHOLD)

    def has(one: Run, place: tuple[int, str]) -> bool:
        return one.score_file(place[0], model, subset, stage=place[1]).is_file()

    seeds = [one for one in run.seeds.values() if has(one, before) and has(one, after)]
    if len(seeds) < 2:
        raise SedlabError(
            f"{run.path}: {len(seeds)} of its seeds have scores of {model} on {subset} for both. Two at least are "
            "needed: sedlab run PRESET --seeds 3"
        )
    pairs = [[statistics(one, place) for one in seeds] for place in (before, after)]
    return compare_over_seeds(metric, *pairs, progress=progress)


def told_step_over_seeds(run: Run, *, subset: str | None = None, progress: Progress = no_progress) -> str:
    """Return in words what the last iteration's ensemble gained over the first's, over the seeds and over clips.

    With one iteration: what stage 2 of the first model gained over its stage 1.
    """
    last, arch = run.experiment.iterations, run.experiment.archs[0]
    if last > 1:
        steps, model = ((1, "stage2"), (last, "stage2")), ENSEMBLE
        names = "ensemble of iteration 1", f"ensemble of iteration {last}"
    else:
        steps, model = ((1, "stage1"), (1, "stage2")), arch
        names = f"{model_name(arch)} after stage 1", f"{model_name(arch)} after stage 2"
    return told_over_seeds(compared_over_seeds(run, *steps, model=model, subset=subset, progress=progress), *names)


def told_over_seeds(comparison: SeededComparison, a: str, b: str) -> str:
    """Return in words whether ``b`` is better than ``a``, and what part of the doubt is the clips' and the seeds'."""
    (row,) = comparison.rows[comparison.rows["label"] == ALL].itertuples()
    count, units = len(comparison.gains), "recordings" if comparison.metric == "mpauc" else "clips with an event"
    each = ", ".join(f"{gain:+.3f}" for gain in comparison.gains)
    if not comparison.gains.any() and row.clips_error == 0:
        name = metric_name(comparison.metric)
        return f"{b} against {a}: the two are the same in {name} in every seed and on every draw."
    clear = row.low > 0 or row.high < 0
    verdict = "zero lies outside" if clear else "zero lies inside, so these clips and seeds cannot tell"
    few = "" if count >= FEW else f" {count} seeds are few: how much they differ is itself hardly known."
    larger = "the clips" if np.nan_to_num(row.clips_error) > row.seeds_error else "the seeds"
    return (
        f"{b} against {a}: {row.difference:+.3f} in {metric_name(comparison.metric)} (95 % interval {row.low:+.3f} to "
        f"{row.high:+.3f}; {verdict}). Seed by seed: {each}.\n"
        f"Standard error {row.clips_error:.3f} for other clips ({comparison.num_units} {units}), {row.seeds_error:.3f} "
        f"for other seeds ({count}): most of the doubt is with {larger}.{few}"
    ).replace("-0.", "−0.")
