"""Two systems compared class by class: whom, how far the resampling is, and the table of differences."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.curves.curve_set import CurveSet
from sedlab.views.explorers.curves.controls import CurveControls
from sedlab.views.explorers.curves.differences import DifferenceTable
from sedlab.views.explorers.curves.working import WorkingBar
from sedlab.views.figures.curves.drawn import AXES


class Comparing:
    """Fills a `DifferenceTable` when the button of the controls is pressed, with a bar while it is computed.

    ``run`` is `Panel.run` of the explorer.
    """

    def __init__(
        self,
        curves: CurveSet,
        controls: CurveControls,
        table: DifferenceTable,
        run: Callable[[Callable[[], None]], None],
    ) -> None:
        self._curves, self._controls, self._table = curves, controls, table
        self.bar = WorkingBar(run)
        controls.compare.on_click(lambda _: run(self.begin))

    def begin(self) -> None:
        """Compare the two chosen systems beside the kernel's own work, and show the table when it is there."""
        self.forget()
        asked = self._asked()

        def show() -> None:
            self._show(self._curves.differences(*asked))

        if self._curves.is_ready("differences", *asked) or self.bar.begin(
            "resamples",
            asked,
            lambda progress: self._curves.differences(*asked, progress=progress),
            done=show,
            cancelled=self._controls.compare.focus,
        ):
            show()

    def now(self) -> pd.DataFrame:
        """Compare the two chosen systems, show the table and return it."""
        self.forget()
        with self.bar.on("resamples"):
            table = self._curves.differences(*self._asked(), progress=self.bar.told)
        self._show(table)
        return table

    def forget(self) -> None:
        """Show nothing: another question is asked."""
        self.bar.give_up()
        self._table.clear()

    def _asked(self) -> tuple[str, str, str, str]:
        chosen = self._controls
        if chosen.a.value == chosen.b.value:
            raise SedlabError(f"{chosen.a.value}: compared with itself. Choose two systems.")
        return chosen.a.value, chosen.b.value, chosen.metric.value, chosen.way.value

    def _show(self, table: pd.DataFrame) -> None:
        a, b, metric, _way = self._asked()
        self._table.show(table, a, b, AXES[metric][2].removesuffix("s"))
