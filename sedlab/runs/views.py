"""What figures and inspectors are given, read from a run folder.

Views are pure functions of tables and arrays; these functions collect those from a run. Each raises SedlabError, in one
line that says what is missing, when the run has not come that far.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sedlab.config.experiment import Stage
from sedlab.data.corpora.layout import SCORE_FILE, family, layout
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, SOFT_THRESHOLD, valid_classes
from sedlab.runs.manifest import manifests
from sedlab.runs.run import ENSEMBLE, Run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from sedlab.scoring.audit.reliability import PseudoLabelAudit
    from sedlab.scoring.metrics.comparison import Comparison
    from sedlab.scoring.metrics.psds import PsdsResult
    from sedlab.scoring.scores.file import ScoreFile
    from sedlab.scoring.scores.tables import ScoreTables
    from sedlab.views.figures.clips.clip import ClipView

#: Labelled sets on which pseudo-labels can be compared with people.
AUDITED: tuple[str, ...] = ("strong_train", "weak_train", "maestro_train", "devtest", "maestro_dev")


def histories(run: Run, stage: Stage, iteration: int = 0) -> dict[str, pd.DataFrame]:
    """Return the training history of each transformer that has one, {arch: table}; empty before any training."""
    import pandas as pd

    files = {arch: run.node_dir(stage, arch, iteration) / "history.csv" for arch in run.experiment.archs}
    return {arch: pd.read_csv(file) for arch, file in files.items() if file.is_file()}


def score_path(run: Run, iteration: int, model: str, subset: str, *, stage: str = "stage2") -> Path:
    """Return where the student's scores of a subset are; model "ensemble" means that of the iteration's stage 2."""
    folder = run.pseudo_labels_dir(iteration) if model == ENSEMBLE else run.scores_dir(iteration, stage, model)
    return folder / f"{SCORE_FILE[subset]}.hdf5"


def scored_models(run: Run, iteration: int, subset: str = "devtest") -> list[str]:
    """Return the models that have stage-2 scores of a subset, the ensemble last."""
    models = [*run.experiment.archs, ENSEMBLE]
    return [model for model in models if score_path(run, iteration, model, subset).is_file()]


def scored_nodes(run: Run, subset: str = "devtest") -> pd.DataFrame:
    """Return `model, stage, iteration` of every detector and ensemble with scores of a subset."""
    import pandas as pd

    nodes = [
        (model, stage, iteration)
        for iteration in range(1, run.experiment.iterations + 1)
        for stage in ("stage1", "stage2")
        for model in (*run.experiment.archs, *[ENSEMBLE] * (stage == "stage2"))
        if score_path(run, iteration, model, subset, stage=stage).is_file()
    ]
    return pd.DataFrame(nodes, columns=["model", "stage", "iteration"])


def psds_of(
    run: Run,
    iteration: int,
    model: str,
    *,
    stage: str = "stage2",
    subset: str = "devtest",
    scenario: str = "PSDS1",
    postprocess: str = "median",
) -> PsdsResult:
    """Return PSDS and curves of a student or an ensemble.

    ``scenario`` is "PSDS1" or "PSDS2"; ``postprocess`` as for ``postprocessed_scores``.
    """
    from sedlab.scoring.metrics import psds as scoring

    part = run.corpus().subset(subset)
    tables = postprocessed_scores(run, iteration, model, stage=stage, subset=subset, postprocess=postprocess)
    return scoring.psds(tables, part.events, part.durations, scenario=getattr(scoring, scenario))


def postprocessed_scores(
    run: Run,
    iteration: int,
    model: str,
    *,
    stage: str = "stage2",
    subset: str = "devtest",
    postprocess: str = "median",
) -> ScoreTables:
    """Return the score tables of a student or an ensemble for the classes that a subset annotates.

    ``postprocess`` is "none", "median" (published lengths) or "csebbs" (event boxes that the evaluation tuned).
    """
    from sedlab.scoring.postprocess import Postprocess

    clips, classes = run.corpus().subset(subset).clips, annotated_classes(subset)
    scores = read_scores(score_path(run, iteration, model, subset, stage=stage)).select(list(clips["clip_id"]), classes)
    how = run.csebbs(iteration, model) if postprocess == "csebbs" else postprocess
    return Postprocess.read(how).scores(scores.tables())


def compared_ensembles(run: Run, first: int, second: int, *, subset: str = "devtest") -> Comparison:
    """Return what the ensemble of iteration ``second`` gained over that of ``first``, with confidence intervals."""
    from sedlab.scoring.metrics.comparison import compare
    from sedlab.scoring.subset import count

    part = run.corpus().subset(subset)
    systems = [
        count(postprocessed_scores(run, iteration, ENSEMBLE, subset=subset), part, subset)
        for iteration in (first, second)
    ]
    metric = "mpauc" if family(subset) == "maestro" else "psds1"
    return compare(*systems, [metric])


def heard_clip(run: Run, subset: str, clip_id: str) -> ClipView:
    """Return a clip as heard and annotated, without what any model says."""
    from sedlab.views.figures.clips.clip import ClipView

    part = run.corpus().subset(subset)
    if clip_id not in set(part.clips["clip_id"]):
        raise SedlabError(f"{subset}: has no clip {clip_id!r}. Choose one of run.corpus().subset({subset!r}).clips.")
    return ClipView(
        waveform=run.cache().read(subset, clip_id, num_samples=None),
        events=part.events[part.events["clip_id"] == clip_id],
        title=f"{clip_id} ({subset})",
    )


def clip_view(
    run: Run, subset: str, clip_id: str, iteration: int, *, model: str = ENSEMBLE, threshold: float = 0.5
) -> ClipView:
    """Return a clip as heard, annotated, pseudo-labelled and detected.

    Only classes that the clip's corpus annotates take part. Pseudo-labels are those the iteration learnt from, that is
    of the iteration before (of the first iteration itself: there were none before). Detections are the runs of median
    filtered scores above ``threshold``.
    """
    from sedlab.postprocess.decode import detect_events

    heard, classes = heard_clip(run, subset, clip_id), annotated_classes(subset)
    scores = read_scores(score_path(run, iteration, model, subset)).select([clip_id])
    filtered = _filtered(scores, classes)[clip_id]
    teacher = score_path(run, max(1, iteration - 1), ENSEMBLE, subset)
    pseudo = None
    if teacher.is_file() and teacher != score_path(run, iteration, model, subset):
        pseudo = _among_27(_chosen(read_scores(teacher).select([clip_id]), classes)[0], classes)
    return replace(
        heard,
        events=heard.events[heard.events["label"].isin(classes)],
        detections=detect_events(filtered, classes, scores.frame_times, threshold),
        pseudo=pseudo,
        scores=_among_27(filtered, classes),
    )


def busiest_clip(run: Run, subset: str) -> str:
    """Return the id of the clip with most different classes in a subset; the first of several."""
    events = run.corpus().subset(subset).events
    if events.empty:
        raise SedlabError(f"{subset}: no clip has an event. Choose an annotated subset.")
    return str(events.groupby("clip_id", sort=False)["label"].nunique().idxmax())


def hear(
    run: Run, stage: Stage, arch: str, iteration: int, subset: str, clip_id: str, *, network: str = "student"
) -> np.ndarray:
    """Run a trained detector on one clip and return its probabilities (frames, 27), neither masked nor filtered."""
    from sedlab.checkpoints.loading import load_network
    from sedlab.scoring.scores.predict import predict_logits

    clips = run.corpus().subset(subset).clips
    detector = load_network(run.node_dir(stage, arch, iteration) / "best.pt", network=network)
    scores = predict_logits(detector, run.cache(), clips[clips["clip_id"] == clip_id])
    return scores.probabilities[0]


def ranked_clips(run: Run, subset: str, iteration: int, *, threshold: float = 0.5) -> pd.DataFrame:
    """Return the clips of a subset by how well the ensemble's frames agree with people, best first.

    Returns
    -------
    DataFrame
        `clip_id, classes, f1`: number of annotated classes, frame F1 over the classes the corpus annotates. Clips
        without annotated event are left out.
    """
    import numpy as np
    import pandas as pd

    from sedlab.data.targets import strong_targets

    part, classes = run.corpus().subset(subset), annotated_classes(subset)
    events = part.events[part.events["label"].isin(classes) & (part.events["confidence"] > SOFT_THRESHOLD)]
    scores = read_scores(score_path(run, iteration, ENSEMBLE, subset)).select(list(dict.fromkeys(events["clip_id"])))
    detected = {clip_id: filtered > threshold for clip_id, filtered in _filtered(scores, classes).items()}
    rows = []
    for clip_id, table in events.groupby("clip_id", sort=False):
        truth = strong_targets(table, classes).T > SOFT_THRESHOLD
        found = detected[clip_id]
        f1 = 2 * np.sum(truth & found) / max(1, np.sum(truth) + np.sum(found))
        rows.append((clip_id, table["label"].nunique(), float(f1)))
    table = pd.DataFrame(rows, columns=["clip_id", "classes", "f1"])
    return table.sort_values(["f1", "clip_id"], ascending=[False, True], ignore_index=True)


def pseudo_label_audits(run: Run, iteration: int) -> dict[str, PseudoLabelAudit]:
    """Return how the pseudo-labels of an iteration compare with people, by labelled subset."""
    from sedlab.scoring.audit.reliability import audit_pseudo_labels

    corpus = run.corpus()
    files = {name: score_path(run, iteration, ENSEMBLE, name) for name in AUDITED if name in corpus.subsets}
    files = {name: file for name, file in files.items() if file.is_file()}
    if not files:
        raise SedlabError(f"{run.pseudo_labels_dir(iteration)}: no pseudo-labels yet. Run `sedlab run` to make them.")
    return {name: audit_pseudo_labels(read_scores(file), corpus, name) for name, file in files.items()}


def audit_summary(audits: dict[str, PseudoLabelAudit]) -> pd.DataFrame:
    """Return `subset, unit, clips, precision, recall, f1, calibration_error`, pooled over classes."""
    import pandas as pd

    columns = ["precision", "recall", "f1", "calibration_error"]
    rows = [
        {"subset": name, "unit": audit.unit, "clips": audit.num_clips, **audit.per_class.iloc[0][columns]}
        for name, audit in audits.items()
    ]
    return pd.DataFrame(rows, columns=["subset", "unit", "clips", *columns])


def wall_times(run: Run) -> pd.DataFrame:
    """Return `node, started, seconds` of every finished step, in the order in which they started."""
    import pandas as pd

    rows = [(manifest.node, manifest.started, manifest.seconds) for manifest in manifests(run.path)]
    return pd.DataFrame(rows, columns=["node", "started", "seconds"]).sort_values("started", ignore_index=True)


def annotated_classes(subset: str) -> list[str]:
    """Return the classes that the annotation of a subset can speak about, in the order of the 27."""
    if layout(subset).family == "audioset":
        raise SedlabError(f"{subset}: AudioSet clips are not annotated with the task's classes. Choose another subset.")
    valid = valid_classes(family(subset), training=False)
    return [label for label, is_valid in zip(CLASSES, valid, strict=True) if is_valid]


def read_scores(path: Path) -> ScoreFile:
    """Read a score file; the last few are remembered, because an inspector asks for the same one again and again."""
    if not path.is_file():
        raise SedlabError(f"{path}: no such scores yet. Run `sedlab run` to make them.")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, _modified: int) -> ScoreFile:
    from sedlab.scoring.scores.file import read_score_file

    return read_score_file(path)


def _chosen(scores: ScoreFile, classes: list[str]) -> np.ndarray:
    """Return probabilities (clips, frames, classes) of ``classes``."""
    return scores.probabilities[:, :, [scores.classes.index(label) for label in classes]]


def _filtered(scores: ScoreFile, classes: list[str]) -> dict[str, np.ndarray]:
    """Return {clip id: median filtered probabilities (frames, classes)} of ``classes``."""
    from sedlab.scoring.postprocess import Postprocess

    tables = Postprocess.read("median").scores(scores.tables(), classes)
    return {clip_id: table.to_numpy()[:, 2:] for clip_id, table in tables.items()}


def _among_27(probabilities: np.ndarray, classes: list[str]) -> np.ndarray:
    """Return (frames, 27) probabilities from those of ``classes``; the others are 0."""
    import numpy as np

    full = np.zeros((len(probabilities), len(CLASSES)), dtype=np.float32)
    full[:, [CLASSES.index(label) for label in classes]] = probabilities
    return full
