"""Count clips, seconds and events: tables for the notebook and the command line."""

from __future__ import annotations

import pandas as pd

from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.tables import Corpus


def corpus_summary(corpus: Corpus) -> pd.DataFrame:
    """Return a row a subset: group, split, labels, clips, seconds, events, published (clips of the published set).

    ``events`` counts rows of the event table: labels of clips for weak subsets, annotated seconds for MAESTRO.
    """
    clips = corpus.clips.groupby("subset", sort=False).agg(
        group=("group", "first"),
        split=("split", "first"),
        labels=("label_kind", "first"),
        clips=("clip_id", "size"),
        seconds=("duration", "sum"),
    )
    events = corpus.events.groupby("subset").size().reindex(clips.index, fill_value=0)
    published = [SUBSETS[name].published_count for name in clips.index]
    return clips.assign(
        seconds=clips["seconds"].round(1), events=events, published=pd.array(published, dtype="Int64")
    ).reset_index()


def class_counts(corpus: Corpus) -> pd.DataFrame:
    """Return the number of events by label (rows) and subset (columns), 0 where there are none.

    Rows are the classes of its label space in their order, then other labels by name; classes without any event are
    left out.
    """
    counts = pd.crosstab(corpus.events["label"], corpus.events["subset"])
    known = [label for label in corpus.classes if label in counts.index]
    others = sorted(set(counts.index) - set(corpus.classes))
    counts = counts.reindex(index=known + others, columns=list(corpus.subsets), fill_value=0)
    return counts.rename_axis(index="label", columns=None)
