"""Which classes come together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from sedlab.data.tables import Corpus
from sedlab.labels import SOFT_THRESHOLD
from sedlab.scoring.names import class_names
from sedlab.views.figures import frame, marks, style

#: So many classes can still be read.
MOST_CLASSES = 40
_UNASKED = "#D9D9D9"


def co_occurrence(corpus: Corpus) -> pd.DataFrame:
    """Return how many clips have both of two classes (rows, columns); the diagonal: clips with the class.

    Soft labels count above 0.5. NaN where no set of clips is annotated with both classes: nobody was asked. Classes are
    in the order of the corpus, then by name.
    """
    events = corpus.events[corpus.events["confidence"] > SOFT_THRESHOLD]
    pairs = events[["subset", "clip_id", "label"]].drop_duplicates()
    if pairs.empty:
        return pd.DataFrame()
    present = set(pairs["label"])
    order = [label for label in corpus.classes if label in present] + sorted(present - set(corpus.classes))
    by_clip = pd.crosstab([pairs["subset"], pairs["clip_id"]], pairs["label"])[order].clip(upper=1)
    by_subset = pd.crosstab(pairs["subset"], pairs["label"])[order].clip(upper=1)
    counts, asked = by_clip.T @ by_clip, by_subset.T @ by_subset
    return counts.where(asked > 0).rename_axis(index="class", columns=None)


def co_occurrence_figure(
    corpus: Corpus, *, classes: Sequence[str] = (), title: str = "Which classes come together"
) -> frame.Picture:
    """Return, of the clips with a row's class, the share (%) that has the column's too; grey where nobody was asked.

    ``classes`` are those to show; default: all, or the most frequent ones of many.
    """
    counts = co_occurrence(corpus)
    if counts.empty:
        return frame.empty_figure(title, "No clip has a label here.")
    alone = pd.Series(np.diag(counts), index=counts.index)
    shown = [label for label in counts.index if label in classes] if classes else list(counts.index)
    if len(shown) > MOST_CLASSES:
        frequent = set(alone.nlargest(MOST_CLASSES).index)
        shown = [label for label in shown if label in frequent]
    percent = 100 * counts.loc[shown, shown].div(alone[shown], axis=0)
    names = class_names(shown)
    side = 0.34 * len(shown)
    figure, ax = frame.single(3.4 + side, 2.4 + 0.8 * side, title=title, x="has this class too", y="A clip with")
    ax.set_facecolor(_UNASKED)
    values = percent.to_numpy()
    np.fill_diagonal(values, np.nan)
    rows = [f"{name} ({alone[label]:.0f})" for name, label in zip(names, shown, strict=True)]
    marks.coloured_table(
        ax, values, Normalize(0, 60), lambda share: f"{share:.0f}" if share >= 0.5 else "", rows=rows, columns=names
    )
    for place in range(len(shown)):
        ax.text(place, place, "·", ha="center", va="center", color=style.MUTED)
    handle = Patch(color=_UNASKED)
    frame.figure_legend(figure, [handle], ["no clip is annotated with both"], loc="lower left")
    return figure
