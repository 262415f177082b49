"""A widget to go through the errors of one or several systems and hear each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import pandas as pd

from sedlab.labels import CLASSES
from sedlab.scoring.errors.kinds import CASE_COLUMNS, CORRECT, EVENT, OUTCOMES
from sedlab.views.explorers.clip_inspector import dropdown
from sedlab.views.explorers.panel import RUN_FIRST, Panel
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.style import class_name
from sedlab.views.player.player import ClipPlayer

ALL, ERRORS = "all", "all errors"


class ErrorInspector(Panel):
    """Choose a system, a class and a kind of error; see and hear each case.

    Parameters
    ----------
    cases : {system: DataFrame}
        What ``find_errors`` returns for each system.
    load : function
        Takes the name of a system and a row of its cases, and returns the ``ClipView`` to show.
    remedy : str
        The command that makes cases, shown when there are none.

    Attributes
    ----------
    selection : DataFrame
        The cases that system, class and kind leave.
    case : Series or None
        The one in view.
    view : ClipView
    """

    def __init__(
        self,
        cases: Mapping[str, pd.DataFrame],
        load: Callable[[str, pd.Series], ClipView],
        *,
        classes: Sequence[str] = CLASSES,
        remedy: str = RUN_FIRST,
    ) -> None:
        self._cases, self._load, self._classes = dict(cases), load, tuple(classes)
        self.selection = pd.DataFrame(columns=list(CASE_COLUMNS))
        self.case, self.view = None, None

        labels = sorted({label for table in self._cases.values() for label in table["label"]})
        self.system = dropdown("System", list(self._cases))
        self.label = dropdown("Class", [ALL, *labels], spell=class_name)
        kinds = list(dict.fromkeys(kind for side in OUTCOMES.values() for kind in side))
        self.kind = dropdown("Kind", [ERRORS, *kinds])
        self.chosen = widgets.Select(
            description="Cases", options=[], rows=7, layout=widgets.Layout(width="min(100%, 720px)")
        )
        self.count = widgets.Label()
        self.player = ClipPlayer(on_key=self._press)
        super().__init__([self.system, self.label, self.kind, self.count], [self.chosen, self.player])
        if not any(len(table) for table in self._cases.values()):
            self.say_empty("There are no events and no detections to show.", remedy)
            return
        for control in (self.system, self.label, self.kind):
            control.observe(self._filter, "value")
        self.chosen.observe(self._show, "value")
        self._filter()

    def _filter(self, _change: object = None) -> None:
        with self.showing_errors():
            cases = self._cases[self.system.value]
            kept = cases["outcome"] != CORRECT if self.kind.value == ERRORS else cases["outcome"] == self.kind.value
            if self.label.value != ALL:
                kept &= (cases["label"] == self.label.value) | (cases["other_label"] == self.label.value)
            self.selection = cases[kept & ~_told_by_event(cases)].reset_index(drop=True)
            self.count.value = f"{len(self.selection)} cases"
            self.chosen.unobserve(self._show, "value")
            self.chosen.options = [(_line(row), k) for k, row in self.selection.iterrows()]
            self.chosen.value = 0 if len(self.selection) else None
            self.chosen.observe(self._show, "value")
            self._show()

    def _show(self, _change: object = None) -> None:
        with self.showing_errors():
            self.player.layout.display = "none" if self.chosen.value is None else ""
            if self.chosen.value is None:
                self.case, self.view = None, None
                return
            self.case = self.selection.iloc[self.chosen.value]
            self.view = self._load(self.system.value, self.case)
            self.player.show_clip(self.view, classes=self._classes)

    def _press(self, key: str) -> None:
        if self.chosen.value is not None:
            step = {"n": 1, "p": -1}[key]
            self.chosen.value = min(max(0, self.chosen.value + step), len(self.selection) - 1)


def told(case: pd.Series) -> str:
    """Return a case in words: "Dog 1.00 to 3.00 s, onset late by 0.50 s"."""
    words = f"{class_name(case['label'])} {case['onset']:.2f} to {case['offset']:.2f} s"
    outcome = case["outcome"]
    words += f" ({case['side']}), {outcome}"
    if outcome.startswith(("onset", "offset")):
        words += f" by {abs(case[outcome.split()[0] + '_deviation']):.2f} s"
    if outcome == "cross-class":
        words += f": {'detected as' if case['side'] == EVENT else 'annotated as'} {class_name(case['other_label'])}"
    return words


def _line(case: pd.Series) -> str:
    return f"{told(case)}   [{case['clip_id']}]"


def _told_by_event(cases: pd.DataFrame) -> pd.Series:
    """Return which detections make a pair with an event: one of the two is enough in a list."""
    paired = ~cases["outcome"].isin(["fragmented", "merged", "duplicate", "false alarm"])
    return (cases["side"] != EVENT) & paired
