"""A widget to page through clips: a thin shell around ``clip_figure`` and a player.

It takes a table and a function that loads one clip, so it works on a run folder, a score file, or anything else.
What the person chose comes back as Python: ``clip_id``, ``view``, ``selection``.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sedlab.labels import CLASSES
from sedlab.scoring.names import class_name
from sedlab.views.explorers.pager import ClipPager
from sedlab.views.explorers.panel import ALL, RUN_FIRST, dropdown
from sedlab.views.figures.clips.clip import ClipView

#: A browser lists this many names to choose from; others can still be typed.
_MAX_NAMES = 1000


class ClipInspector(ClipPager):
    """Page through clips: see and hear each with what people and models say about it.

    Parameters
    ----------
    clips : DataFrame
        `clip_id`, and `subset` where there are several; a row a clip.
    load : function
        Takes a row of ``clips`` and returns its ``ClipView``.
    events : DataFrame or None
        `clip_id, label` (and `subset` where ``clips`` has it): lets the person choose the clips of one class.

    Attributes
    ----------
    clip_id : str
        The clip in view.
    selection : DataFrame
        The clips that the class and subset filters leave.
    """

    def __init__(
        self,
        clips: pd.DataFrame,
        load: Callable[[pd.Series], ClipView],
        *,
        events: pd.DataFrame | None = None,
        classes: Sequence[str] = CLASSES,
        remedy: str = RUN_FIRST,
    ) -> None:
        super().__init__(classes)
        self._clips, self._load, self._events = clips.reset_index(drop=True), load, events
        self.clip_id, self.selection = "", self._clips

        self.subset = dropdown("Subset", [ALL, *_values(clips, "subset")])
        self.label = dropdown("Class", [ALL, *_values(events, "label")], spell=class_name)
        layout = widgets.Layout(width="420px")
        self.name = widgets.Combobox(description="Name", continuous_update=False, layout=layout)
        self.count = widgets.Label()
        choices = [choice for choice, few in ((self.subset, 2), (self.label, 1)) if len(choice.options) > few]
        self.arrange([*choices, self.position, self.count, self.name], [self.player])
        if self._clips.empty:
            self.say_empty("There are no clips to show.", remedy)
            return
        self.on_change(self._filter, self.subset, self.label)
        self.on_change(lambda: self.name.value and self.go(self.name.value), self.name)
        self.run(self._filter)

    def go(self, clip_id: str) -> None:
        """Show a clip by its id; one that is not among the chosen is named in the widget."""
        found = np.flatnonzero(self.selection["clip_id"] == clip_id)
        if len(found) == 0:
            self.message.value = f"No clip <code>{html.escape(clip_id)}</code> among the {len(self.selection)} chosen."
            return
        with self.filling():
            self.position.value = int(found[0])
        self.run(self._turn)

    def view_at(self, place: int) -> ClipView:
        row = self.selection.iloc[place]
        self.count.value = f"{place + 1} of {len(self.selection)}"
        self.clip_id = str(row["clip_id"])
        with self.filling():
            self.name.value = self.clip_id
        return self._load(row)

    def _filter(self) -> None:
        clips = self._clips
        if self.subset.value != ALL:
            clips = clips[clips["subset"] == self.subset.value]
        if self.label.value != ALL:
            keys = [key for key in ("subset", "clip_id") if key in clips and key in self._events]
            wanted = self._events.loc[self._events["label"] == self.label.value, keys]
            clips = clips[pd.MultiIndex.from_frame(clips[keys]).isin(pd.MultiIndex.from_frame(wanted))]
        self.selection = clips.reset_index(drop=True)
        self.name.options = tuple(dict.fromkeys(self.selection["clip_id"][:_MAX_NAMES].astype(str)))
        self.count.value = "no clip matches"
        self.start(len(self.selection))


def _values(table: pd.DataFrame | None, column: str) -> list[str]:
    return [] if table is None or column not in table else [str(value) for value in table[column].drop_duplicates()]
