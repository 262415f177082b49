"""The cases of several systems: their errors are named once at a setting, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from sedlab.errors import count_of
from sedlab.scoring.errors.kinds import CORRECT, DETECTION, EVENT
from sedlab.scoring.errors.setting import Setting

#: Takes a setting and returns the cases of a system, as `find_errors` does.
NameErrors = Callable[[Setting], pd.DataFrame]
#: So many tables of cases are remembered.
_REMEMBERED = 8


class NamedCases:
    """Tables of cases, each made when it is first asked for.

    Parameters
    ----------
    systems : {name: function}
        How the errors of each system are named.
    begin : function
        Told the name of a system before its errors are named, which may take seconds.
    """

    def __init__(self, systems: Mapping[str, NameErrors], begin: Callable[[str], None]) -> None:
        self._systems, self._begin = dict(systems), begin
        self._found: dict[tuple[str, Setting], pd.DataFrame] = {}

    @property
    def systems(self) -> tuple[str, ...]:
        """The names of the systems."""
        return tuple(self._systems)

    def of(self, system: str, setting: Setting) -> pd.DataFrame:
        """Return the cases of a system at a setting."""
        wanted = (system, setting)
        if wanted not in self._found:
            self._begin(system)
            found = self._systems[system](setting)
            self._found = dict([*self._found.items(), (wanted, found)][-_REMEMBERED:])
        return self._found[wanted]


def told_counts(cases: pd.DataFrame, setting: Setting) -> str:
    """Say how many events and detections there are at a setting, and how many events are correct."""
    events = cases[cases["side"] == EVENT]
    correct, found = int((events["outcome"] == CORRECT).sum()), int((cases["side"] == DETECTION).sum())
    return f"At {setting}: {correct} of {count_of(len(events), 'event')} correct; {count_of(found, 'detection')}."
