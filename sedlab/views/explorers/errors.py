"""Errors to hear: tables of kinds, of confusions and of changes whose cells open their cases."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd

from sedlab.errors import SedlabError, count_of, nearest
from sedlab.scoring.errors.setting import Setting
from sedlab.scoring.names import ALL, class_name
from sedlab.views.explorers.cases.case_list import CaseList, button, row
from sedlab.views.explorers.cases.files import file_buttons
from sedlab.views.explorers.cases.focus import first_focuses, focus_of
from sedlab.views.explorers.cases.matrix import MatrixView
from sedlab.views.explorers.cases.naming import NamedCases, NameErrors, told_counts
from sedlab.views.explorers.cases.tables import TABLES, ErrorTable
from sedlab.views.explorers.copying import CopyCall
from sedlab.views.explorers.panel import RUN_FIRST, Panel, dropdown
from sedlab.views.kept import LIVE_ONLY


class ErrorExplorer(Panel):
    """Press a cell of a table of errors: its clips are listed, and the first case is in the player, framed.

    A case is heard with the system whose case it is, at the thresholds and with the post-processing at which it was
    found; these are set in the player. Where the person then moves them, a button counts again.

    Parameters
    ----------
    systems : {name: function}
        Takes a `Setting` and returns the cases of a system, as `find_errors` does. The names are those of the systems
        that the player draws.
    desk : Explorer, optional
        Whose list is narrowed, and whose player shows the cases.
    key_of : function
        Takes a clip id and returns the key of the clip at the desk.
    other : str
        The system to compare with first.
    setting : Setting
        At which to count first; that of the desk's player if left out.
    call : function
        Takes the arguments of `at`, returns the line of Python that shows the same again.

    Attributes
    ----------
    selection : DataFrame
        The cases of the cell that is open, the surest (detections) or longest (events) first.
    case : Series or None
        The one in the player.
    """

    def __init__(
        self,
        systems: Mapping[str, NameErrors],
        *,
        desk: Any = None,
        key_of: Callable[[str], str] = str,
        other: str = "",
        setting: Setting | None = None,
        call: Callable[..., str] = lambda **_: "",
        remedy: str = RUN_FIRST,
    ) -> None:
        super().__init__()
        self._named, self._desk, self._key_of, self._call = NamedCases(systems, self._begin), desk, key_of, call
        self.setting = setting or self._setting_of_player() or Setting()
        self.selection = pd.DataFrame()
        names = list(self._named.systems)
        self.system, self.other = dropdown("System", names), dropdown("Compared with", names)
        self.table = dropdown("Table", [name for name, table in TABLES.items() if len(names) > 1 or not table.compares])
        self.again = button("Count again at the player's thresholds")
        self.told, self.matrix, self.copy = widgets.HTML(), MatrixView(self._press), CopyCall()
        self.cases = CaseList(lambda place: self.run(lambda: self._show(place)))
        self.files = file_buttons(self.matrix, self.run, cases=self._saved, words=self._words)
        if not names:
            self.say_empty("There are no scores whose errors could be named.", remedy)
            return
        self.other.value = other if other in names else names[min(1, len(names) - 1)]
        self.other.style.description_width = "110px"
        for one in (self.cases, *self.files):
            one.add_class(LIVE_ONLY)
        body = [self.told, self.matrix, self.cases, row(*self.files), self.copy]
        self.arrange([self.system, self.table, self.other, self.again], body)
        self.on_change(self._draw, self.system, self.table, self.other)
        self.again.on_click(lambda _: self.run(self._count_again))
        if desk is not None:
            self.listen(desk.player, lambda _: self._compare_settings(), ["threshold", "thresholds", "postprocess"])
            self.listen(desk.player, lambda change: self._follow(change["new"]), "key")
        self.run(self._draw)

    @property
    def systems(self) -> tuple[str, ...]:
        """The names of the systems whose errors there are."""
        return self._named.systems

    @property
    def case(self) -> pd.Series | None:
        """The case in the player."""
        return None if self.selection.empty else self.selection.iloc[self.cases.place]

    def cases_of(self, system: str) -> pd.DataFrame:
        """Return the cases of a system at the present setting."""
        return self._named.of(system, self.setting)

    def open_cell(self, row: str, column: str) -> None:
        """Open a cell, as pressing it does: ``open_cell("Speech", "missed")``."""
        self.matrix.cell = [row, column]
        self._press(row, column)

    def choose(self, system: str | None = None, table: str | None = None, other: str | None = None) -> None:
        """Show another system, table, or system to compare with; what is left out stays.

        Raises
        ------
        SedlabError
            For a name that cannot be chosen, with the nearest one.
        """
        with self.filling():
            for control, value in ((self.system, system), (self.table, table), (self.other, other)):
                names = [option[1] for option in control.options]
                if value is not None and value not in names:
                    raise SedlabError(
                        f"{value}: not to be chosen here.{nearest(value, names)} One of: {', '.join(names)}."
                    )
                control.value = value or control.value
        self.run(self._draw)

    def at(
        self,
        system: str | None = None,
        table: str | None = None,
        other: str | None = None,
        cell: Sequence[str] | None = None,
        **setting: Any,
    ) -> widgets.Widget:
        """Count at a setting (`Setting.of`), choose, open a cell; return the desk, or this where there is none."""
        self.setting = Setting.of(**setting) if setting else self.setting
        self.choose(system, table, other)
        if cell:
            self.open_cell(*cell)
        return self if self._desk is None else self._desk

    def _press(self, row: str, column: str) -> None:
        self.run(lambda: self._open(row, column))

    def _begin(self, system: str) -> None:
        self.told.value = f'<span role="status">Naming the errors of {html.escape(system)} ...</span>'

    def _draw(self) -> None:
        table, system, other = self._table, self.system.value, self.other.value
        self.other.layout.display = "" if table.compares else "none"
        cases = self.cases_of(system)
        matrix = table.make(cases, self.cases_of(other) if table.compares else cases)
        self.matrix.show(
            matrix,
            table.title.format(system=system, other=other),
            group=lambda column: table.groups.get(column, table.heading),
            tone=table.tone,
            corner=table.corner,
        )
        self._list(pd.DataFrame())
        self._tell(cases)
        self._compare_settings()

    def _open(self, row: str, column: str) -> None:
        chosen = self.matrix.matrix.of_cell(row, column)
        name = "all classes" if row == ALL else class_name(row)
        because = f"{self.system.value}: {name}, {class_name(column)} ({count_of(len(chosen), 'case')})"
        self._list(chosen)
        if len(chosen) and self._desk is not None:
            focuses = first_focuses(chosen, self._key_of)
            self._desk.narrow(list(focuses), because=because, focuses=focuses)
        if len(chosen):
            self._show(0)

    def _list(self, cases: pd.DataFrame) -> None:
        self.selection, self.cases.place = cases, 0
        self.cases.fill([f"{self._table.tell(case)}   [{case['clip_id']}]" for case in cases.to_dict("records")])
        self._tell_call()

    def _show(self, place: int) -> None:
        """Put a case of the list into the player, with its system as it was when the case was found."""
        if not 0 <= place < len(self.selection):
            return
        self.cases.show(place)
        if self._desk is None:
            return
        player = self._desk.player
        with player.hold_sync():
            player.shown = self._drawn
            player.threshold, player.thresholds = self.setting.threshold, self.setting.thresholds
            player.postprocess = self.setting.postprocess
            # The slider and the counts of the player are then about the class that is heard.
            player.label = self.case["label"]
        self._desk.open(self._key_of(self.case["clip_id"]), focus=focus_of(self.case))

    @property
    def _drawn(self) -> list[str]:
        """The systems whose case it is."""
        pair = [self.other.value, self.system.value] if self._table.compares else [self.system.value]
        return list(dict.fromkeys(pair))

    @property
    def _table(self) -> ErrorTable:
        return TABLES[self.table.value]

    def _follow(self, key: str) -> None:
        """Choose the first case of the clip that another part of the desk has opened."""
        if self.selection.empty or self._key_of(self.case["clip_id"]) == key:
            return
        places = [place for place, clip_id in enumerate(self.selection["clip_id"]) if self._key_of(clip_id) == key]
        if places:
            self.run(lambda: self._show(places[0]))

    def _setting_of_player(self) -> Setting | None:
        if self._desk is None:
            return None
        player = self._desk.player
        return Setting.of(player.threshold, player.thresholds, player.postprocess)

    def _compare_settings(self) -> None:
        player = self._setting_of_player()
        self.again.disabled = player in (None, self.setting)
        self.again.layout.display = "none" if self._desk is None else ""
        self.again.tooltip = "" if player is None else f"The player stands at {player}."

    def _count_again(self) -> None:
        self.setting = self._setting_of_player()
        self._draw()

    def _tell(self, cases: pd.DataFrame) -> None:
        said = html.escape(told_counts(cases, self.setting))
        self.told.value = f'<span role="status">{said} Press a number to hear its cases.</span>'

    def _tell_call(self) -> None:
        what = {"system": self.system.value, "table": self.table.value}
        what |= {"other": self.other.value} if self._table.compares else {}
        what |= {"cell": list(self.matrix.cell)} if any(self.matrix.cell) else {}
        what |= {"threshold": self.setting.threshold, "postprocess": self.setting.postprocess}
        what |= {"thresholds": self.setting.thresholds} if self.setting.own else {}
        self.copy.call = self._call(**what)

    def _saved(self) -> pd.DataFrame:
        return self.cases_of(self.system.value) if self.selection.empty else self.selection

    def _words(self) -> list[str]:
        return ["errors", self.system.value, self.table.value]
