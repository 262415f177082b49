"""A widget to compare PSD-ROC curves of any models, stages and iterations of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

import ipywidgets as widgets
import pandas as pd

from sedlab.scoring.metrics.psds import PsdsResult
from sedlab.scoring.names import class_name
from sedlab.views.explorers.panel import ALL, RUN_FIRST, Panel, dropdown, picture
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.psd_roc import psd_roc_figure, psd_roc_plotly
from sedlab.views.kept import LIVE_ONLY


class PsdsInspector(Panel):
    """Choose scored models and see their PSD-ROC curves, over all classes or for one.

    Parameters
    ----------
    nodes : DataFrame
        `model, stage, iteration`, a row for each set of scores; other columns are handed on.
    load : function
        Takes a row of ``nodes`` and returns its ``PsdsResult``; called once for each row that is chosen.
    interactive : bool
        Curves that show their values below the pointer (plotly). A notebook saved with them is 5 MB larger.

    Attributes
    ----------
    selection : DataFrame
        The chosen rows of ``nodes`` with a column `psds`: over all classes, or of the chosen class.
    """

    def __init__(
        self,
        nodes: pd.DataFrame,
        load: Callable[[pd.Series], PsdsResult],
        *,
        interactive: bool = False,
        remedy: str = RUN_FIRST,
    ) -> None:
        super().__init__()
        self._nodes, self._load = nodes.reset_index(drop=True), load
        self._results: dict[Hashable, PsdsResult] = {}
        self._drawn: tuple[dict[str, PsdsResult], str | None] = ({}, None)
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
        self.label = dropdown("Class", [ALL])
        self.picture = _plotly_widget() if interactive else picture()
        hint = widgets.HTML("<small>Hold Ctrl (⌘) or Shift to choose several.</small>")
        hint.add_class(LIVE_ONLY)
        self.arrange([widgets.VBox([self.chosen, hint]), self.label], [self.picture])
        if self._nodes.empty:
            self.say_empty("There are no scores to compare.", remedy)
            return
        self._draw = self._draw_plotly if interactive else self._draw_png
        self.on_change(self._show, self.chosen, self.label)
        self.run(self._show)

    def _show(self) -> None:
        for k in self.chosen.value:
            if k not in self._results:
                self._results[k] = self._load(self._nodes.loc[k])
        results = {k: self._results[k] for k in self.chosen.value}
        self._offer_classes(results)
        label = None if self.label.value == ALL else self.label.value
        values = [r.overall if label is None else r.per_class.get(label, float("nan")) for r in results.values()]
        self.selection = self._nodes.loc[list(results)].assign(psds=values)
        self._drawn = {_name(self._nodes.loc[k]): result for k, result in results.items()}, label
        self._draw(*self._drawn)

    def still(self) -> Iterator[bytes | str]:
        """Give what the controls say, and the curves."""
        yield from super().still()
        if not isinstance(self.picture, widgets.Image) and self._drawn[0]:
            yield figure_to_png(psd_roc_figure(self._drawn[0], label=self._drawn[1]))

    def _draw_png(self, results: dict[str, PsdsResult], label: str | None) -> None:
        self.picture.value = figure_to_png(psd_roc_figure(results, label=label))

    def _draw_plotly(self, results: dict[str, PsdsResult], label: str | None) -> None:
        figure = psd_roc_plotly(results, label=label)
        with self.picture.batch_update():
            self.picture.data = ()
            self.picture.add_traces(figure.data)
            self.picture.layout = figure.layout

    def _offer_classes(self, results: dict[Hashable, PsdsResult]) -> None:
        labels = list(dict.fromkeys(label for result in results.values() for label in result.class_curves))
        options = tuple((class_name(label), label) for label in [ALL, *labels])
        if options != self.label.options and labels:
            with self.filling():
                kept = self.label.value if self.label.value in labels else ALL
                self.label.options, self.label.value = options, kept


def _plotly_widget() -> widgets.DOMWidget:
    from plotly.graph_objects import FigureWidget

    return FigureWidget()


def _name(row: pd.Series) -> str:
    stage = str(row["stage"]).replace("stage", "stage ")
    return f"{row['model']} {stage}, iteration {row['iteration']}"
