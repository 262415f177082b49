"""A list of cases to go through: choose one, or step to the previous and the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as widgets

from sedlab.errors import count_of
from sedlab.views.kept import KeptWidget


class CaseList(KeptWidget, widgets.VBox):
    """Cases in words, one of them in view, and buttons that step; hidden while there is none.

    Parameters
    ----------
    on_choose : function
        Takes the place of the case that the person chose.

    Attributes
    ----------
    place : int
        The one in view.
    """

    def __init__(self, on_choose: Callable[[int], None]) -> None:
        wide = widgets.Layout(width="min(100%, 900px)")
        self.chosen = widgets.Select(description="Cases", options=[], rows=6, layout=wide)
        self.back, self.next, self.count = button("Previous case"), button("Next case"), widgets.HTML()
        self.place, self._on_choose, self._filling = 0, on_choose, False
        super().__init__([row(self.back, self.next, self.count), self.chosen])
        self.back.on_click(lambda _: self._on_choose(self.place - 1))
        self.next.on_click(lambda _: self._on_choose(self.place + 1))
        self.chosen.observe(lambda change: self._filling or self._on_choose(change["new"]), "value")

    def fill(self, told: Sequence[str]) -> None:
        """List other cases; none is in view yet."""
        self._filling = True
        self.chosen.options = [(text, place) for place, text in enumerate(told)]
        self._filling = False
        self.layout.display = "" if told else "none"

    def show(self, place: int) -> None:
        """Mark the case that is in view."""
        number, self.place = len(self.chosen.options), place
        self._filling = True
        self.chosen.value = place
        self._filling = False
        self.back.disabled, self.next.disabled = place == 0, place == number - 1
        self.count.value = f'<span role="status">{place + 1} of {count_of(number, "case")}</span>'


def button(text: str) -> widgets.Button:
    """Return a button as wide as its text."""
    return widgets.Button(description=text, layout=widgets.Layout(width="auto"))


def row(*children: widgets.Widget) -> widgets.HBox:
    """Return controls beside each other, which wrap where the window is narrow."""
    wrapped = widgets.Layout(flex_flow="row wrap", grid_gap="4px 8px", align_items="center")
    return widgets.HBox(list(children), layout=wrapped)
