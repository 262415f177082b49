"""A widget to go through the errors of one or several systems and hear each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import pandas as pd

from sedlab.errors import count_of
from sedlab.labels import CLASSES
from sedlab.scoring.errors.cases import CASE_COLUMNS
from sedlab.scoring.errors.kinds import CORRECT, EVENT, OUTCOMES
from sedlab.scoring.names import class_name
from sedlab.views.explorers.pager import ClipPager
from sedlab.views.explorers.panel import ALL, RUN_FIRST, dropdown
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.errors import told

_ERRORS = "all errors"


class ErrorInspector(ClipPager):
    """Choose a system, a class and a kind of error; see and hear each case.

    Parameters
    ----------
    cases : {system: DataFrame}
        What ``find_errors`` returns for each system.
    load : function
        Takes the name of a system and a row of its cases, and returns the ``ClipView`` to show.

    Attributes
    ----------
    selection : DataFrame
        The cases that system, class and kind leave.
    case : Series or None
        The one in view.
    """

    def __init__(
        self,
        cases: Mapping[str, pd.DataFrame],
        load: Callable[[str, pd.Series], ClipView],
        *,
        classes: Sequence[str] = CLASSES,
        remedy: str = RUN_FIRST,
    ) -> None:
        super().__init__(classes)
        self._cases, self._load = dict(cases), load
        self.selection = pd.DataFrame(columns=list(CASE_COLUMNS))

        labels = sorted({label for table in self._cases.values() for label in table["label"]})
        self.system = dropdown("System", list(self._cases))
        self.label = dropdown("Class", [ALL, *labels], spell=class_name)
        kinds = list(dict.fromkeys(kind for side in OUTCOMES.values() for kind in side))
        self.kind = dropdown("Kind", [_ERRORS, *kinds])
        layout = widgets.Layout(width="min(100%, 720px)")
        self.chosen = widgets.Select(description="Cases", options=[], rows=7, layout=layout)
        self.count = widgets.Label()
        self.arrange([self.system, self.label, self.kind, self.count], [self.chosen, self.player])
        if not any(len(table) for table in self._cases.values()):
            self.say_empty("There are no events and no detections to show.", remedy)
            return
        self.on_change(self._filter, self.system, self.label, self.kind)
        self.on_change(self._choose, self.chosen)
        self.run(self._filter)

    @property
    def case(self) -> pd.Series | None:
        """The case in view."""
        return None if self.selection.empty else self.selection.iloc[self.position.value]

    def view_at(self, place: int) -> ClipView:
        with self.filling():
            self.chosen.value = place
        return self._load(self.system.value, self.case)

    def _choose(self) -> None:
        self.position.value = self.chosen.value

    def _filter(self) -> None:
        cases = self._cases[self.system.value]
        kept = cases["outcome"] != CORRECT if self.kind.value == _ERRORS else cases["outcome"] == self.kind.value
        if self.label.value != ALL:
            kept &= (cases["label"] == self.label.value) | (cases["other_label"] == self.label.value)
        self.selection = cases[kept & ~_told_by_event(cases)].reset_index(drop=True)
        self.count.value = count_of(len(self.selection), "case")
        with self.filling():
            self.chosen.options = [(f"{told(case)}   [{case['clip_id']}]", k) for k, case in self.selection.iterrows()]
        self.start(len(self.selection))


def _told_by_event(cases: pd.DataFrame) -> pd.Series:
    """Return which detections make a pair with an event: one of the two is enough in a list."""
    paired = ~cases["outcome"].isin(["fragmented", "merged", "duplicate", "false alarm"])
    return (cases["side"] != EVENT) & paired
