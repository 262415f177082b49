"""The score files of a run, post-processed and measured."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sedlab.data.corpora.layout import family, layout
from sedlab.errors import SedlabError
from sedlab.labels import DCASE, MAESTRO_EVAL_CLASSES, LabelSpace
from sedlab.progress import Progress, no_progress
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.run import Run
from sedlab.scoring.metrics import psds as scenarios
from sedlab.scoring.metrics.comparison import Comparison, compare
from sedlab.scoring.metrics.mpauc import MpaucResult, segment_mpauc
from sedlab.scoring.metrics.psds import PsdsResult
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.postprocess.choice import CSEBBS, MEDIAN, NONE
from sedlab.scoring.scores.file import ScoreFile, read_score_file
from sedlab.scoring.scores.tables import ScoreTables
from sedlab.scoring.subset import counted_subset


def annotated_classes(subset: str, space: LabelSpace = DCASE) -> list[str]:
    """Return the classes that the annotation of a subset can speak about, in the order of its label space."""
    if layout(subset).family == "audioset":
        raise SedlabError(f"{subset}: AudioSet clips are not annotated with the task's classes. Choose another subset.")
    valid = space.valid(family(subset), training=False)
    return [label for label, is_valid in zip(space.classes, valid, strict=True) if is_valid]


def read_scores(path: Path, clip_id: str | None = None) -> ScoreFile:
    """Read a score file; 1 GiB of them is remembered, because a person asks for the same ones again and again.

    Of one clip: from a file that is remembered, otherwise its rows alone, which takes a tenth of the time.
    """
    if not path.is_file():
        raise SedlabError(
            f"{path}: no such scores. `sedlab run` makes those of every set with the students of stage 2 and the "
            "ensemble, those of the test sets with the others: run it, or choose one of these."
        )
    return _remembered.read(path, clip_id)


def scored_models(run: Run, iteration: int, subset: str | None = None) -> list[str]:
    """Return the models that have stage-2 scores of a subset (the event test), the ensemble last."""
    subset = subset or run.event_test
    if not subset or run.lacks(subset):
        return []
    return [model for model in run.models if run.score_file(iteration, model, subset).is_file()]


def scored_nodes(run: Run, subset: str | None = None) -> pd.DataFrame:
    """Return `model, stage, iteration` of every detector and ensemble with scores of a subset (of the event test)."""
    subset = run.judged_on(subset)
    nodes = [
        (model, stage, iteration)
        for iteration in run.iterations
        for stage in ("stage1", "stage2")
        for model in (run.experiment.archs if stage == "stage1" else run.models)
        if run.score_file(iteration, model, subset, stage=stage).is_file()
    ]
    return pd.DataFrame(nodes, columns=["model", "stage", "iteration"])


def postprocessed_scores(
    run: Run,
    iteration: int,
    model: str,
    *,
    stage: str = "stage2",
    subset: str | None = None,
    postprocess: str = "median",
    clip_ids: Sequence[str] | None = None,
) -> ScoreTables:
    """Return the score tables of a student or an ensemble for the classes that a subset annotates.

    ``postprocess`` is "none", "median" (published lengths) or "csebbs" (event boxes that the evaluation tuned);
    ``subset`` is the event test and ``clip_ids`` are all of the subset if left out.
    """
    subset = run.judged_on(subset)
    if clip_ids is None:
        clip_ids = list(run.corpus().subset(subset).clips["clip_id"])
    scores = read_scores(run.score_file(iteration, model, subset, stage=stage))
    how = run.csebbs(iteration, model) if postprocess == "csebbs" else postprocess
    classes = annotated_classes(subset, run.space)
    # Boxes are tuned on DESED's classes: those are looked for also in scores of a set that annotates others.
    tables = scores.select(clip_ids, None if postprocess == "csebbs" else classes).tables()
    return Postprocess.read(how).suited_to(classes).scores(tables, classes)


def psds_of(
    run: Run,
    iteration: int,
    model: str,
    *,
    stage: str = "stage2",
    subset: str | None = None,
    scenario: str = "PSDS1",
    postprocess: str = "median",
) -> PsdsResult:
    """Return PSDS and curves of a student or an ensemble.

    ``scenario`` is "PSDS1" or "PSDS2"; ``subset`` and ``postprocess`` as for `postprocessed_scores`.
    """
    subset = run.judged_on(subset)
    part = run.corpus().subset(subset)
    tables = postprocessed_scores(run, iteration, model, stage=stage, subset=subset, postprocess=postprocess)
    return scenarios.psds(counted_subset(tables, part, subset), getattr(scenarios, scenario))


def mpauc_of(
    run: Run,
    iteration: int,
    model: str,
    *,
    stage: str = "stage2",
    subset: str = "maestro_dev",
    postprocess: str = "none",
) -> MpaucResult:
    """Return mpAUC and curves of a student or an ensemble; ``postprocess`` as for `postprocessed_scores`.

    Scores of all 27 classes are post-processed, as a submission holds them: event boxes are tuned on DESED's.
    """
    part = run.corpus().subset(subset)
    scores = read_scores(run.score_file(iteration, model, subset, stage=stage)).select(list(part.clips["clip_id"]))
    how = run.csebbs(iteration, model) if postprocess == "csebbs" else postprocess
    tables = Postprocess.read(how).scores(scores.tables(), MAESTRO_EVAL_CLASSES)
    return segment_mpauc(counted_subset(tables, part, subset))


def mpauc_by_postprocess(run: Run, iteration: int, *, subset: str = "maestro_dev") -> pd.DataFrame:
    """Return mpAUC of each model of stage 2 (rows) without post-processing, with event boxes and with the filter.

    Columns none, csebbs, median. nan where no boxes were tuned.
    """
    ways, rows = (NONE, CSEBBS, MEDIAN), {}
    for model in scored_models(run, iteration, subset):
        known = [how for how in ways if how != CSEBBS or run.csebbs(iteration, model).is_file()]
        rows[model] = {how: mpauc_of(run, iteration, model, subset=subset, postprocess=how).overall for how in known}
    return pd.DataFrame(rows, index=list(ways), dtype=float).T


def compared_ensembles(
    run: Run, first: int, second: int, *, subset: str | None = None, progress: Progress = no_progress
) -> Comparison:
    """Return what the ensemble of iteration ``second`` gained over that of ``first``, with confidence intervals.

    On the event test if no ``subset`` is named.
    """
    subset = run.judged_on(subset)
    part = run.corpus().subset(subset)
    systems = [
        counted_subset(postprocessed_scores(run, iteration, ENSEMBLE, subset=subset), part, subset)
        for iteration in (first, second)
    ]
    return compare(*systems, ["mpauc" if family(subset) == "maestro" else "psds1"], progress=progress)


class _Remembered:
    """Score files that were read, the least used forgotten beyond a number of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._files: OrderedDict[tuple[Path, int, int], ScoreFile] = OrderedDict()

    def read(self, path: Path, clip_id: str | None) -> ScoreFile:
        state = path.stat()
        key = (path, state.st_mtime_ns, state.st_size)
        if clip_id is not None:
            known = self._files.get(key)
            return read_score_file(path, clip_id) if known is None else known.select([clip_id])
        if key not in self._files:
            self._files[key] = read_score_file(path)
            while len(self._files) > 1 and sum(file.logits.nbytes for file in self._files.values()) > self._max_bytes:
                self._files.popitem(last=False)
        self._files.move_to_end(key)
        return self._files[key]


_remembered = _Remembered(max_bytes=2**30)
