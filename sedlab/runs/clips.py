"""Clips of a run's corpus: heard, annotated, pseudo-labelled, detected, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sedlab.config.experiment import Stage
from sedlab.data.audio_file import read_audio
from sedlab.data.corpora.layout import family
from sedlab.data.formats.names import on_disk
from sedlab.data.tables import Corpus
from sedlab.data.targets import strong_targets
from sedlab.errors import SedlabError
from sedlab.labels import SOFT_THRESHOLD
from sedlab.runs.layout import ENSEMBLE
from sedlab.runs.moved.left_out import require_packed
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes, postprocessed_scores, read_scores
from sedlab.scoring.errors.detections import detected_events
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.lessons.label_kinds import KNOWN

#: In the place of a sound that did not travel with the run.
SILENT = "this clip did not travel with the run: sedlab pack --clips brings it"


def heard_clip(run: Run, subset: str, clip_id: str) -> ClipView:
    """Return a clip as heard and annotated, without what any model says; no events where nobody annotated it.

    Of a run whose corpus is not here, the sound of a clip that did not travel with it is empty.
    """
    part = run.corpus().subset(subset)
    clip = part.clips[part.clips["clip_id"] == clip_id]
    if clip.empty:
        raise SedlabError(f"{subset}: has no clip {clip_id!r}. Choose one of run.corpus().subset({subset!r}).clips.")
    cache = run.cache()
    is_silent = run.is_apart and (subset, clip_id) not in cache
    return ClipView(
        waveform=np.empty(0) if is_silent else cache.read(subset, clip_id, num_samples=None),
        seconds=float(clip["duration"].iloc[0]),
        silence=SILENT if is_silent else "",
        # A track of the ground truth without a bar would say that people heard nothing.
        events=part.events[part.events["clip_id"] == clip_id] if clip["label_kind"].iloc[0] != "none" else None,
        title=f"{clip_id} ({subset})",
        classes=run.corpus().classes,
    )


def clip_view(
    run: Run, subset: str, clip_id: str, iteration: int, *, model: str = ENSEMBLE, threshold: float = 0.5
) -> ClipView:
    """Return a clip as heard, annotated, pseudo-labelled and detected.

    Only classes that the clip's corpus annotates take part. Pseudo-labels are those the iteration learnt from, that is
    of the iteration before (of the first iteration itself: there were none before). Detections are the runs of median
    filtered scores above ``threshold``.
    """
    heard, classes = heard_clip(run, subset, clip_id), annotated_classes(subset, run.space)
    tables = postprocessed_scores(run, iteration, model, subset=subset, clip_ids=[clip_id])
    teacher = run.score_file(max(1, iteration - 1), ENSEMBLE, subset)
    pseudo = None
    if teacher.is_file() and teacher != run.score_file(iteration, model, subset):
        pseudo = _among(heard.classes, read_scores(teacher).select([clip_id], classes).probabilities[0], classes)
    return replace(
        heard,
        events=None if heard.events is None else heard.events[heard.events["label"].isin(classes)],
        detections=detected_events(tables, classes, threshold),
        pseudo=pseudo,
        scores=_among(heard.classes, _frames(tables[clip_id]), classes),
    )


def first_subset(run: Run, *names: str, at_least: int = 0) -> str:
    """Return the first of these subsets that the run's corpus has; without any, its first one with events of the task.

    A corpus need not have every subset: what is shown of one is then shown of another. One with fewer than ``at_least``
    clips with events does not count.
    """
    corpus = run.corpus()
    annotated = [name for name in corpus.subsets if family(name) != "audioset" and len(corpus.subset(name).events)]
    found = [name for name in (*names, *annotated) if name in corpus.subsets]
    if at_least:
        found = [name for name in found if corpus.subset(name).events["clip_id"].nunique() >= at_least]
    if not found:
        raise SedlabError(f"{run.data_root}: holds no annotated clips of the task. Add one of: {', '.join(names)}.")
    return found[0]


def busiest_clip(run: Run, subset: str) -> str:
    """Return the id of the clip with most different classes in a subset; the first of several."""
    events = run.corpus().subset(subset).events
    if events.empty:
        raise SedlabError(f"{subset}: no clip has an event. Choose an annotated subset.")
    return str(events.groupby("clip_id", sort=False)["label"].nunique().idxmax())


def ranked_clips(run: Run, subset: str, iteration: int, *, threshold: float = 0.5) -> pd.DataFrame:
    """Return the clips of a subset by how well the ensemble's frames agree with people, best first.

    Returns
    -------
    DataFrame
        `clip_id, classes, f1`: number of annotated classes, frame F1 over the classes the corpus annotates. Clips
        without annotated event are left out.
    """
    events, classes = active_events(run, subset), annotated_classes(subset, run.space)
    clip_ids = list(dict.fromkeys(events["clip_id"]))
    detected = postprocessed_scores(run, iteration, ENSEMBLE, subset=subset, clip_ids=clip_ids)
    rows = []
    for clip_id, table in events.groupby("clip_id", sort=False):
        truth = strong_targets(table, classes).T > SOFT_THRESHOLD
        found = _frames(detected[clip_id]) > threshold
        f1 = 2 * np.sum(truth & found) / max(1, np.sum(truth) + np.sum(found))
        rows.append((clip_id, table["label"].nunique(), float(f1)))
    table = pd.DataFrame(rows, columns=["clip_id", "classes", "f1"])
    return table.sort_values(["f1", "clip_id"], ascending=[False, True], ignore_index=True)


def active_events(run: Run, subset: str) -> pd.DataFrame:
    """Return the events of a subset that scores can be held against: of annotated classes, and sure enough."""
    events = run.corpus().subset(subset).events
    return events[events["label"].isin(annotated_classes(subset, run.space)) & (events["confidence"] > SOFT_THRESHOLD)]


def hear(
    run: Run, stage: Stage, arch: str, iteration: int, subset: str, clip_id: str, *, network: str = "student"
) -> np.ndarray:
    """Run a trained detector on one clip and return its probabilities (frames, classes), not masked or filtered."""
    from sedlab.checkpoints.loading import load_network
    from sedlab.scoring.scores.predict import predict_logits

    clips, best = run.corpus().subset(subset).clips, run.node_dir(stage, arch, iteration) / "best.pt"
    require_packed(best)
    detector = load_network(best, network=network)
    return predict_logits(detector, run.cache(), clips[clips["clip_id"] == clip_id]).probabilities[0]


def label_kinds(corpus: Corpus) -> dict[str, ClipView]:
    """Return a training clip of each kind of annotation that the corpus has, {kind: clip}.

    Of recorded clips rather than synthetic ones, of those with two or three classes rather than others; the first.
    """
    found = {}
    clips = corpus.clips[(corpus.clips["split"] == "train") & (corpus.clips["group"] != "audioset")]
    for kind in KNOWN:
        part = clips[clips["label_kind"] == kind]
        part = part[part["subset"] == part["subset"].iloc[-1]] if len(part) else part
        if part.empty:
            continue
        subset = part["subset"].iloc[0]
        events = corpus.events[corpus.events["subset"] == subset]
        classes = part["clip_id"].map(events.groupby("clip_id")["label"].nunique()).fillna(0)
        clip = part.loc[(classes - 2.5).abs().idxmin()]
        samples, rate = read_audio(on_disk(corpus.root / clip["audio"]))
        said = None if kind == "none" else events[events["clip_id"] == clip["clip_id"]]
        found[kind] = ClipView(samples, rate, events=said, title=subset)
    return found


def _frames(table: pd.DataFrame) -> np.ndarray:
    """Return the scores (frames, classes) of a table without its onsets and offsets."""
    return table.to_numpy()[:, 2:]


def _among(every: Sequence[str], probabilities: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return probabilities (frames, classes) of ``every`` class from those of ``classes``; the others are 0."""
    full = np.zeros((len(probabilities), len(every)), dtype=np.float32)
    full[:, [every.index(label) for label in classes]] = probabilities
    return full
