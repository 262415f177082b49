"""The clips of a run as a table to sort and filter: what people marked, and, in parts, what the models make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedlab.data.corpora.layout import SUBSETS, layout
from sedlab.data.tables import Corpus
from sedlab.labels import SOFT_THRESHOLD
from sedlab.runs.explore.clip_columns import ClipColumns, computed
from sedlab.runs.explore.scenes import key_of
from sedlab.runs.explore.systems import ScoredSystem
from sedlab.runs.review.store import review_of
from sedlab.runs.run import Run
from sedlab.runs.scores import annotated_classes
from sedlab.views.explorers.clip_list import LaterColumns

#: Without a choice, so many clips are listed; those to evaluate with come first.
MOST_CLIPS = 6000
_FIRST = (
    *("devtest", "maestro_dev", "own_test"),
    *("weak_train", "strong_train", "unlabeled_train", "maestro_train", "eval_public"),
)


@dataclass(frozen=True, eq=False)
class ClipTable:
    """Clips of a run, and what can be computed of them."""

    clips: pd.DataFrame
    """`key, clip, subset, group, seconds, annotated, detected` and a column of nan for each number that comes later"""
    classes: tuple[str, ...]
    parts: Iterator[LaterColumns]
    num_parts: int


def listed_subsets(run: Run, subset: str | Sequence[str] | None) -> list[str]:
    """Return the subsets to list: those asked for, or those with scores, as many as `MOST_CLIPS` clips allow.

    Raises
    ------
    SedlabError
        For an unknown subset, or one that the run's corpus does not hold.
    """
    corpus = run.corpus()
    if subset is not None:
        names = [subset] if isinstance(subset, str) else list(subset)
        return [name for name in names if corpus.subset(name) is not None]
    order = [*_FIRST, *(name for name in SUBSETS if name not in _FIRST)]
    sizes = corpus.clips["subset"].value_counts()
    found = [name for name in order if name in sizes and layout(name).family != "audioset"]
    scored = [name for name in found if _is_scored(run, name)] or found
    kept, total = [], 0
    for name in scored:
        if not kept or total + sizes[name] <= MOST_CLIPS:
            kept.append(name)
            total += int(sizes[name])
    return kept


def clip_table(run: Run, subsets: Sequence[str], systems: Sequence[ScoredSystem]) -> ClipTable:
    """Return the clips of ``subsets``; numbers are those of the first of ``systems``, and computed part by part.

    What the run cannot give, it leaves out: without several students there is no disagreement, without an earlier
    iteration no change, without times of events no errors.
    """
    corpus = run.corpus()
    part = corpus.subset(*subsets)
    order = {name: place for place, name in enumerate(subsets)}
    clips = part.clips.iloc[np.argsort(part.clips["subset"].map(order).to_numpy(), kind="stable")]
    clips = clips.reset_index(drop=True)
    table = pd.DataFrame(
        {
            "key": [key_of(name, clip) for name, clip in zip(clips["subset"], clips["clip_id"], strict=True)],
            "clip": clips["clip_id"],
            "subset": clips["subset"],
            "group": clips["group"],
            "seconds": clips["duration"].astype(float).round(2),
            "annotated": _annotated(part, clips),
            "detected": [()] * len(clips),
            "decision": decisions(run, clips),
        }
    )
    if run.is_apart:
        table["sound"] = np.where(_heard(run, clips), "here", "not here")
    steps = ClipColumns(run, part, clips, tuple(systems)).steps()
    for step in steps:
        for name in step.columns:
            table[name] = np.nan
    return ClipTable(table, corpus.classes, computed(steps), sum(step.num_bits for step in steps))


def decisions(run: Run, clips: pd.DataFrame) -> list[str]:
    """Return what people decided about the labels and detections of each clip (`subset, clip_id`), such as "wrong".

    Several different decisions are joined by commas; "none" where nobody decided anything.
    """
    table = review_of(run).latest()
    found = table.groupby(["subset", "clip_id"])["decision"].agg(lambda made: ", ".join(sorted(set(made))))
    made = found.to_dict()
    return [made.get(key, "none") for key in zip(clips["subset"], clips["clip_id"], strict=True)]


def _annotated(part: Corpus, clips: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the annotated classes of each clip, in the order of the label space; soft labels count above 0.5."""
    # In training, events of some classes are there under the other corpus's name too, which nobody wrote.
    spoken_of = {name: annotated_classes(name, part.space) for name in part.subsets}
    events = part.events[part.events["confidence"] > SOFT_THRESHOLD]
    labels = {key: set(rows) for key, rows in events.groupby(["subset", "clip_id"])["label"]}
    keys = list(zip(clips["subset"], clips["clip_id"], strict=True))
    return [tuple(label for label in spoken_of[key[0]] if label in labels.get(key, ())) for key in keys]


def _heard(run: Run, clips: pd.DataFrame) -> list[bool]:
    """Return of which clips the sound travelled with the run."""
    cache = run.cache()
    return [key in cache for key in zip(clips["subset"], clips["clip_id"], strict=True)]


def _is_scored(run: Run, subset: str) -> bool:
    return any(
        run.score_file(iteration, model, subset).is_file() for iteration in run.iterations for model in run.models
    )
