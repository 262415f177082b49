"""Views of two sets of pseudo-labels: the picture and the numbers of each, and what it says in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import pandas as pd

from sedlab.errors import count_of
from sedlab.scoring.audit.by_subset import changes_by_subset
from sedlab.scoring.audit.compared import Between, ComparedSubset
from sedlab.scoring.audit.masked_mass import masked_mass
from sedlab.scoring.audit.told_change import told_change, told_subsets
from sedlab.scoring.names import ALL
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.figures.frame import Picture, empty_figure
from sedlab.views.figures.pseudo_label_changes import (
    changed_seconds_figure,
    compared_confidence_figure,
    compared_mask_figure,
)

SECONDS, SUBSETS = "seconds by class", "seconds by set"
CONFIDENCE, MASK, SUSPECTS = "confidence", "class mask", "suspected labels"
SHOWN: tuple[str, ...] = (SECONDS, SUBSETS, CONFIDENCE, MASK, SUSPECTS)


class ComparedViews:
    """What can be shown of two sets of scores of one set of clips, each view made when it is asked for.

    Parameters
    ----------
    subsets : {name: ComparedSubset}
        All sets of clips, for the views over several.
    subset : str
        The one that is compared.
    first, second : str
        Names of the scores, before and after.
    thresholds : function
        Gives that of a class.
    """

    def __init__(
        self,
        subsets: Mapping[str, ComparedSubset],
        subset: str,
        first: str,
        second: str,
        thresholds: Callable[[str], float],
    ) -> None:
        self.subset, self._subsets, self._thresholds = subset, subsets, thresholds
        self.between: Between = subsets[subset].between(first, second, thresholds)

    @cached_property
    def by_subset(self) -> pd.DataFrame:
        """What became of each set of clips, as ``changes_by_subset``."""
        return changes_by_subset(self._subsets, *self.between.names, self._thresholds)

    @cached_property
    def suspects(self) -> pd.DataFrame:
        """The suspected labels of the set; empty where nobody labelled it."""
        find = self._subsets[self.subset].suspects
        return pd.DataFrame() if find is None else find()

    def figure(self, shown: str, *, label: str = ALL, with_masked: bool = False) -> Picture:
        """Return a view as a picture; ``label`` is that of the confidence, ``with_masked`` of the seconds."""
        between = self.between
        if shown == CONFIDENCE:
            return compared_confidence_figure(between.histograms(), between.audits(), label=label)
        if shown == MASK:
            return compared_mask_figure(self._masses())
        title = " → ".join(between.names)
        if shown == SUBSETS:
            # Names of sets stand where those of classes would.
            return changed_seconds_figure(self.by_subset.rename(columns={"subset": "label"}), title=title, y="Clips of")
        if shown == SUSPECTS:
            return empty_figure(f"{title}: {self.subset}", "Suspected labels are a table: save it as TSV.")
        table = between.changes.by_class
        if with_masked:
            table = pd.concat([table, between.hidden_by_class], ignore_index=True)
        return changed_seconds_figure(table, hidden=between.hidden, title=f"{title}: {self.subset}")

    def table(self, shown: str) -> pd.DataFrame:
        """Return the numbers of a view."""
        if shown == SUSPECTS:
            return self.suspects
        if shown == SUBSETS:
            return self.by_subset
        if shown == SECONDS:
            return self.between.changes.by_class.merge(self.between.intervals, on="label")
        tables = self._masses() if shown == MASK else self.between.histograms()
        return pd.concat([table.assign(scores=name) for name, table in tables.items()], ignore_index=True)

    def told(self, shown: str, at: str) -> str:
        """Return what a view says, in words; ``at``: at which thresholds, such as "above 0.5"."""
        if shown == SUSPECTS:
            return self._told_suspects()
        names = " → ".join(self.between.names)
        if shown == SUBSETS:
            return f"{names}, {at}: {told_subsets(self.by_subset)}"
        told = f"{names}, {count_of(len(self.between.subset.clips), 'clip')} of {self.subset}"
        if shown == SECONDS:
            told += f", {at}: {told_change(self.between.changes.by_class, self.between.intervals)}"
        return f"{told} {self.between.subset.note}".strip()

    def _told_suspects(self) -> str:
        if self._subsets[self.subset].suspects is None:
            return f"Nobody labelled {self.subset}, so no label can be doubted: choose a labelled set."
        return (
            f"{len(self.suspects)} labels of {self.subset} that all members of the ensemble contradict, the most "
            "contradicted first. Neither side is proven wrong: listen."
        )

    def _masses(self) -> dict[str, pd.DataFrame]:
        names = self.between.names
        both: dict[str, dict[str, ScoreFile]] = {name: {} for name in names}
        for subset, compared in self._subsets.items():
            if compared.hidden and all(name in compared.scores for name in names):
                for name in both:
                    both[name][subset] = compared.scores[name]()
        return {name: masked_mass(files) for name, files in both.items() if files}
