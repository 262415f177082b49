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
from sedlab.views.explorers.panel import RUN_FIRST, Panel
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.style import class_name
from sedlab.views.player.player import ClipPlayer

ALL = "all"
_WIDE = widgets.Layout(width="420px")
#: A browser lists this many names to choose from; others can still be typed.
_MAX_NAMES = 1000


class ClipInspector(Panel):
    """Page through clips: see and hear each with what people and models say about it.

    Parameters
    ----------
    clips : DataFrame
        `clip_id`, and `subset` where there are several; a row a clip.
    load : function
        Takes a row of ``clips`` and returns its ``ClipView``.
    events : DataFrame or None
        `clip_id, label` (and `subset` where ``clips`` has it): lets the person choose the clips of one class.
    remedy : str
        The command that makes clips, shown when there are none.

    Attributes
    ----------
    clip_id : str
        The clip in view.
    view : ClipView
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
        self._clips, self._load, self._classes = clips.reset_index(drop=True), load, tuple(classes)
        self._events = events
        self.clip_id, self.view, self.selection = "", None, self._clips

        self.subset = dropdown("Subset", [ALL, *_values(clips, "subset")])
        self.label = dropdown("Class", [ALL, *_values(events, "label")], spell=class_name)
        self.position = widgets.IntSlider(description="Clip", min=0, max=0, readout=False, continuous_update=False)
        self.name = widgets.Combobox(description="Name", continuous_update=False, layout=_WIDE)
        self.count = widgets.Label()
        self.player = ClipPlayer(on_key=self._press)
        controls = [self.position, self.count, self.name]
        controls = [self.label] * (len(self.label.options) > 1) + controls
        controls = [self.subset] * (len(self.subset.options) > 2) + controls
        super().__init__(controls, [self.player])
        if self._clips.empty:
            self.say_empty("There are no clips to show.", remedy)
            return
        self.subset.observe(self._filter, "value")
        self.label.observe(self._filter, "value")
        self.position.observe(self._show, "value")
        self.name.observe(self._find, "value")
        self._filter()

    def go(self, clip_id: str) -> None:
        """Show a clip by its id; one that is not among the chosen is named in the widget."""
        found = np.flatnonzero(self.selection["clip_id"] == clip_id)
        if len(found) == 0:
            self.message.value = f"No clip <code>{html.escape(clip_id)}</code> among the {len(self.selection)} chosen."
            return
        if self.position.value == found[0]:
            self._show()
        self.position.value = int(found[0])

    def _filter(self, _change: object = None) -> None:
        with self.showing_errors():
            clips = self._clips
            if self.subset.value != ALL:
                clips = clips[clips["subset"] == self.subset.value]
            if self.label.value != ALL:
                keys = [key for key in ("subset", "clip_id") if key in clips and key in self._events]
                wanted = self._events.loc[self._events["label"] == self.label.value, keys]
                clips = clips[pd.MultiIndex.from_frame(clips[keys]).isin(pd.MultiIndex.from_frame(wanted))]
            self.selection = clips.reset_index(drop=True)
            self.name.options = tuple(dict.fromkeys(self.selection["clip_id"][:_MAX_NAMES].astype(str)))
            self.position.unobserve(self._show, "value")
            self.position.value = 0
            self.position.max = max(0, len(self.selection) - 1)
            self.position.observe(self._show, "value")
            self._show()

    def _show(self, _change: object = None) -> None:
        with self.showing_errors():
            self.player.layout.display = "none" if self.selection.empty else ""
            if self.selection.empty:
                self.count.value = "no clip matches"
                return
            place = self.position.value
            row = self.selection.iloc[place]
            self.count.value = f"{place + 1} of {len(self.selection)}"
            self.clip_id = str(row["clip_id"])
            self.name.unobserve(self._find, "value")
            self.name.value = self.clip_id
            self.name.observe(self._find, "value")
            self.view = self._load(row)
            self.player.show_clip(self.view, classes=self._classes)

    def _find(self, change: dict) -> None:
        if change["new"] and change["new"] != self.clip_id:
            self.go(change["new"])

    def _press(self, key: str) -> None:
        step = {"n": 1, "p": -1}[key]
        self.position.value = min(max(0, self.position.value + step), self.position.max)


def dropdown(description: str, options: Sequence[str], *, spell: Callable[[str], str] = str) -> widgets.Dropdown:
    """Return a labelled dropdown whose values are ``options`` and whose texts are ``spell`` of them."""
    return widgets.Dropdown(description=description, options=[(spell(option), option) for option in options])


def _values(table: pd.DataFrame | None, column: str) -> list[str]:
    return [] if table is None or column not in table else [str(value) for value in table[column].drop_duplicates()]
