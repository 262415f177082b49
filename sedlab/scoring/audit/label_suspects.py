"""Labels that may be wrong: the teachers agree with each other, are sure, and say the opposite.

Teachers are the members of an ensemble here: its pseudo-labels teach the next iteration.

Two kinds. **unlabelled**: for at least 0.3 s every teacher is sure of a class that nobody marked there, farther than
0.2 s from any marked event (nearer, it is a question of boundaries). **denied**: somebody marked an event in which no
teacher ever gives the class more than a little. Neither proves the label wrong: teachers who learnt from the same data
share their mistakes. They say where listening again is worth the time. The idea is that of confident learning
(Northcutt et al., arXiv 1911.00068), with agreement in place of cross-validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.special import expit

from sedlab.data.corpora.layout import layout
from sedlab.data.tables import Corpus
from sedlab.errors import SedlabError
from sedlab.labels import SOFT_THRESHOLD
from sedlab.postprocess.decode import detect_events
from sedlab.scoring.audit.labelled_cells import annotated
from sedlab.scoring.marked import clip_truth, frame_truth
from sedlab.scoring.metrics.events import merge_touching
from sedlab.scoring.scores.file import ScoreFile

UNLABELLED, DENIED = "unlabelled", "denied"
SUSPECT_COLUMNS: tuple[str, ...] = ("clip_id", "label", "onset", "offset", "kind", "score")
_MARGIN_SECONDS = 0.2
_MIN_SECONDS = 0.3


def label_suspects(
    teachers: Mapping[str, ScoreFile], corpus: Corpus, subset: str, *, sure: float = 0.8, unsure: float = 0.2
) -> pd.DataFrame:
    """Return the labels of a subset that all members of the ensemble contradict, the most contradicted first.

    Parameters
    ----------
    teachers : {name: ScoreFile}
        On one frame grid; one alone, such as the ensemble, will do.
    subset : str
        Labelled: strong, weak or soft (present above 0.5).
    sure : float
        Every teacher's probability lies above it where a label is missing.
    unsure : float
        No teacher's probability exceeds it where a label is denied.

    Returns
    -------
    DataFrame
        clip_id, label, onset, offset (seconds; the whole clip for a denied weak label), kind, score (unlabelled: mean
        over time of the least sure teacher's probability; denied: 1 minus the largest probability of any teacher), and
        each teacher's own probability (mean over time; denied: largest). Sorted by score, then by duration.

    Raises
    ------
    SedlabError
        When the subset is unlabelled or not in the corpus, or clips lack scores.
    """
    if layout(subset).label_kind == "none":
        raise SedlabError(f"{subset}: has no labels to doubt. Choose a labelled subset, such as weak_train.")
    part = corpus.subset(subset)
    names, clip_ids = list(teachers), list(part.clips["clip_id"])
    classes = annotated(corpus, subset, teachers[names[0]].classes)
    chosen = [teachers[name].select(clip_ids, classes) for name in names]
    times, durations = chosen[0].frame_times, part.clips["duration"].to_numpy(float)
    weak = layout(subset).label_kind == "weak"
    if weak:
        marked = np.broadcast_to(clip_truth(part, classes)[:, None], chosen[0].logits.shape)
    else:
        marked = frame_truth(part, classes, times)
    near = marked if weak else _widened(marked, times)
    claims = _claims(part, classes, durations, weak=weak)
    rows: list[tuple] = []
    for k, clip_id in enumerate(clip_ids):
        probability = expit(np.stack([scores.logits[k] for scores in chosen]).astype(np.float64))
        silent = times[:-1] >= durations[k]
        free = np.where(near[k] | silent[:, None], 0.0, probability.min(axis=0))
        rows += [(clip_id, *row) for row in _unlabelled(free, probability, classes, times, sure)]
        rows += [(clip_id, *row) for row in _denied(claims.get(clip_id, ()), probability, classes, times, unsure)]
    table = pd.DataFrame(rows, columns=[*SUSPECT_COLUMNS, *names])
    order = np.lexsort((table["onset"] - table["offset"], -table["score"]))
    return table.iloc[order].reset_index(drop=True)


def _unlabelled(
    free: np.ndarray, probability: np.ndarray, classes: tuple[str, ...], times: np.ndarray, sure: float
) -> Iterator[tuple]:
    """Yield suspects of one clip from the least sure teacher's probability (frames, classes), 0 where marked."""
    for event in detect_events(free, classes, times, sure).itertuples():
        if event.offset - event.onset < _MIN_SECONDS:
            continue
        within = _frames(event.onset, event.offset, times)
        own = probability[:, within, classes.index(event.label)].mean(axis=1)
        yield event.label, event.onset, event.offset, UNLABELLED, event.confidence, *own


def _denied(
    claims: list[tuple[str, float, float]] | tuple[()],
    probability: np.ndarray,
    classes: tuple[str, ...],
    times: np.ndarray,
    unsure: float,
) -> Iterator[tuple]:
    """Yield suspects of one clip from what was marked in it."""
    for label, onset, offset in claims:
        peaks = probability[:, _frames(onset, offset, times), classes.index(label)].max(axis=1, initial=0.0)
        if peaks.max() <= unsure:
            yield label, onset, offset, DENIED, 1 - peaks.max(), *peaks


def _claims(
    part: Corpus, classes: tuple[str, ...], durations: np.ndarray, *, weak: bool
) -> dict[str, list[tuple[str, float, float]]]:
    """Return {clip id: [(label, onset, offset)]} of what was marked; weak labels last as long as the clip."""
    events = part.events[part.events["label"].isin(classes)]
    if weak:
        seconds = dict(zip(part.clips["clip_id"], durations, strict=True))
        events = events.assign(onset=0.0, offset=events["clip_id"].map(seconds))
    else:
        events = events[events["confidence"] > SOFT_THRESHOLD]
    claims: dict[str, list[tuple[str, float, float]]] = {}
    for clip_id, *claim in merge_touching(events, ["clip_id"]).itertuples(index=False, name=None):
        claims.setdefault(clip_id, []).append(tuple(claim))
    return claims


def _widened(marked: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return which frames lie within the margin of a marked one."""
    from scipy.ndimage import maximum_filter1d

    reach = int(np.ceil(_MARGIN_SECONDS / (times[1] - times[0])))
    return maximum_filter1d(marked.view(np.uint8), 2 * reach + 1, axis=1, mode="constant").astype(bool)


def _frames(onset: float, offset: float, times: np.ndarray) -> slice:
    """Return the frames that [onset, offset) touches."""
    first = int(np.searchsorted(times, onset + 1e-9, side="right")) - 1
    return slice(max(first, 0), int(np.searchsorted(times, offset - 1e-9, side="left")))
