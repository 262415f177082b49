"""What people said about the training sets, and what only a pseudo-label can say."""

from __future__ import annotations

import pandas as pd

from sedlab.data.corpora.layout import TRAIN_SUBSETS, family, layout
from sedlab.runs.run import Run

FRAMES, TAGS, NOTHING, OUTSIDE = "every frame", "the clip's tags", "nothing", "class not annotated"


def label_reach(run: Run) -> pd.DataFrame:
    """Return what the annotation of each training set says, as shares of its frames x classes.

    Returns
    -------
    DataFrame
        subset, clips, then columns that add up to 1: every frame (strong and soft labels), the clip's tags (weak ones:
        what, not when), nothing (no label, a class that the corpus's annotation could name), class not annotated
        (masked).
    """
    corpus, rows = run.corpus(), []
    for subset in TRAIN_SUBSETS:
        if subset not in corpus.subsets:
            continue
        told = {"strong": FRAMES, "soft": FRAMES, "weak": TAGS, "none": NOTHING}[layout(subset).label_kind]
        share = float(corpus.space.valid(family(subset), training=True).mean())
        shares = dict.fromkeys((FRAMES, TAGS, NOTHING), 0.0) | {told: share, OUTSIDE: 1 - share}
        rows.append({"subset": subset, "clips": len(corpus.subset(subset).clips), **shares})
    return pd.DataFrame(rows, columns=["subset", "clips", FRAMES, TAGS, NOTHING, OUTSIDE])


def told_reach(table: pd.DataFrame, *, masked: bool) -> str:
    """Return in words where pseudo-labels speak alone.

    ``table`` is ``label_reach``'s; ``masked``: classes outside the annotation are kept out of the loss (no
    ``pseudo_no_class_mask``).
    """
    weights = table["clips"] / table["clips"].sum()
    share = {name: 100 * float((table[name] * weights).sum()) for name in (FRAMES, TAGS, NOTHING, OUTSIDE)}
    alone = share[TAGS] + share[NOTHING]
    line = (
        f"Of all cells (clips x frames x classes) people labelled {share[FRAMES]:.0f} % frame by frame. Pseudo-labels "
        f"add a target where there was a tag without times ({share[TAGS]:.0f} %) or nothing ({share[NOTHING]:.0f} %)"
    )
    if masked:
        return f"{line}: {alone:.0f} % together. The {share[OUTSIDE]:.0f} % outside the annotation stay masked."
    return f"{line}, and, as this run lets them, outside the annotation ({share[OUTSIDE]:.0f} %)."
