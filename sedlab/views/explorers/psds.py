"""A widget to compare PSD-ROC curves of any models, stages and iterations of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import ipywidgets as widgets
import pandas as pd

from sedlab.scoring.metrics.psds import PsdsResult
from sedlab.views.explorers.panel import RUN_FIRST, Panel
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.psd_roc import psd_roc_figure
from sedlab.views.figures.style import class_name

_ALL = "all"


class PsdsInspector(Panel):
    """Choose scored models and see their PSD-ROC curves, over all classes or for one.

    Parameters
    ----------
    nodes : DataFrame
        `model, stage, iteration`, a row for each set of scores; other columns are handed on.
    load : function
        Takes a row of ``nodes`` and returns its ``PsdsResult``; called once for each row that is chosen.

    Attributes
    ----------
    selection : DataFrame
        The chosen rows of ``nodes`` with a column `psds`: over all classes, or of the chosen class.
    """

    def __init__(
        self, nodes: pd.DataFrame, load: Callable[[pd.Series], PsdsResult], *, remedy: str = RUN_FIRST
    ) -> None:
        self._nodes, self._load = nodes.reset_index(drop=True), load
        self._results: dict[Hashable, PsdsResult] = {}
        self.selection = self._nodes.iloc[:0].assign(psds=pd.Series(dtype=float))

        names = [_name(row) for _, row in self._nodes.iterrows()]
        last = self._nodes["iteration"].max() if len(self._nodes) else None
        chosen = [k for k in range(len(names)) if self._nodes["iteration"][k] == last][-4:]
        self.chosen = widgets.SelectMultiple(
            description="Scores",
            options=[(name, k) for k, name in enumerate(names)],
            value=chosen,
            rows=min(12, max(3, len(names))),
            layout=widgets.Layout(width="340px"),
        )
        self.label = widgets.Dropdown(description="Class", options=[(_ALL, _ALL)])
        self.picture = widgets.Image(format="png", layout=widgets.Layout(max_width="100%", width="max-content"))
        hint = widgets.HTML("<small>Hold Ctrl (⌘) or Shift to choose several.</small>")
        super().__init__([widgets.VBox([self.chosen, hint]), self.label], [self.picture])
        if self._nodes.empty:
            self.say_empty("There are no scores to compare.", remedy)
            return
        self.chosen.observe(self._show, "value")
        self.label.observe(self._show, "value")
        self._show()

    def _show(self, _change: object = None) -> None:
        with self.showing_errors():
            for k in self.chosen.value:
                if k not in self._results:
                    self._results[k] = self._load(self._nodes.loc[k])
            results = {k: self._results[k] for k in self.chosen.value}
            self._offer_classes(results)
            label = None if self.label.value == _ALL else self.label.value
            values = [r.overall if label is None else r.per_class.get(label, float("nan")) for r in results.values()]
            self.selection = self._nodes.loc[list(results)].assign(psds=values)
            named = {_name(self._nodes.loc[k]): result for k, result in results.items()}
            self.picture.value = figure_to_png(psd_roc_figure(named, label=label))

    def _offer_classes(self, results: dict[Hashable, PsdsResult]) -> None:
        labels = list(dict.fromkeys(label for result in results.values() for label in result.class_curves))
        options = tuple((class_name(label), label) for label in [_ALL, *labels])
        if options != self.label.options and labels:
            kept = self.label.value if self.label.value in labels else _ALL
            self.label.unobserve(self._show, "value")
            self.label.options = options
            self.label.value = kept
            self.label.observe(self._show, "value")


def _name(row: pd.Series) -> str:
    stage = str(row["stage"]).replace("stage", "stage ")
    return f"{row['model']} {stage}, iteration {row['iteration']}"
