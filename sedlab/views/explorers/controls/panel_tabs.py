"""Panels in tabs: each is built when its tab is first opened, and can be closed again to free what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ipywidgets as widgets

from sedlab.errors import SedlabError, nearest
from sedlab.views.explorers.panel import Panel
from sedlab.views.kept import LIVE_ONLY, without_comms


class PanelTabs(widgets.Tab):
    """Tabs by name, with a button in each that closes its panel and opens it again; none is open at first.

    Parameters
    ----------
    panels : {name: function}
        Each returns its widget; an error that it raises is shown in the tab, and it is tried again the next time.
    on_turn : function
        Told whether a panel is in view, whenever a tab is opened or a panel closed.

    Attributes
    ----------
    built : {name: widget}
        Those that are open, in view or not.
    """

    def __init__(
        self,
        panels: Mapping[str, Callable[[], widgets.Widget]],
        on_turn: Callable[[bool], None] = lambda _in_view: None,
    ) -> None:
        self._panels, self._on_turn, self.built = dict(panels), on_turn, dict[str, widgets.Widget]()
        super().__init__([widgets.VBox() for _ in panels], titles=tuple(panels))
        self.selected_index = None  # given to the constructor, it would be taken for 0
        self._switches = {name: self._switch(name) for name in panels}
        self.observe(lambda change: self._open(change["new"]), "selected_index")

    @property
    def opened(self) -> widgets.Widget | None:
        """The panel in view, once it is built."""
        return None if self.selected_index is None else self.built.get(list(self._panels)[self.selected_index])

    def select(self, name: str) -> None:
        """Open a panel by its name; SedlabError for an unknown one."""
        place = self._place(name)
        if self.selected_index == place:  # perhaps it was closed there
            self._open(place)
        self.selected_index = place

    def close_panel(self, name: str) -> None:
        """Close a panel and free what it holds; opened again, it is made anew."""
        slot, panel = self.children[self._place(name)], self.built.pop(name, None)
        if panel is None:
            return
        # The same button stays, and with it the focus of the keyboard.
        self._switches[name].description = f"Open {name} again"
        slot.children = [self._switches[name]]
        panel.close()
        self._on_turn(self.opened is not None)

    def _place(self, name: str) -> int:
        names = list(self._panels)
        if name not in names:
            raise SedlabError(f"panel {name!r}: not there.{nearest(name, names)} There are: {', '.join(names)}.")
        return names.index(name)

    def _open(self, place: int | None) -> None:
        if place is not None and (name := list(self._panels)[place]) not in self.built:
            with without_comms():
                self._build(name, self.children[place])
        self._on_turn(self.opened is not None)

    def _build(self, name: str, slot: widgets.VBox) -> None:
        switch, inside, building = self._switches[name], Panel(), widgets.HTML("<p role='status'>building ...</p>")
        before, inside.children = slot.children[1:], [inside.message, building]
        slot.children = [switch, inside]
        for one in before:  # it says why the panel could not be built
            one.close()
        inside.run(lambda: self.built.update({name: self._panels[name]()}))
        building.value = ""
        switch.description = f"Close {name}" if name in self.built else f"Open {name} again"
        if name in self.built:
            slot.children = [switch, self.built[name]]
            inside.close()

    def _switch(self, name: str) -> widgets.Button:
        layout = widgets.Layout(width="auto", align_self="flex-end")
        button = widgets.Button(tooltip="A closed panel frees the memory that it needs", layout=layout)
        button.on_click(lambda _: self.close_panel(name) if name in self.built else self.select(name))
        button.add_class(LIVE_ONLY)
        return button
