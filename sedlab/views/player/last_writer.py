"""Who writes last wins: what the browser tells late does not undo what Python set meanwhile.

A message of the browser can be overtaken: while the kernel is busy, ipywidgets keeps what was set in the browser and
sends it when the kernel is done, which may be with an answer to a later press. So each bundle says how many of Python's
own changes the browser had seen, and gives way to those that it had not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import traitlets

#: Traits that a person and Python both set.
SHARED = frozenset(
    {"queue", "key", "playhead", "selection", "span", "focus", "label", "threshold", "thresholds"}
    | {"postprocess", "shown", "review", "waveform", "curves", "band", "speed", "volume"}
)
_NOTHING = object()


class LastWriter(traitlets.HasTraits):
    """The part of `ClipPlayer` that decides between its browser and Python; ``store.js`` is the other half."""

    said = traitlets.List(traitlets.Int(), default_value=[0, 0]).tag(sync=True)
    """Of the browser's last bundle: its number, and ``written`` as the browser had seen it."""
    heard = traitlets.List(traitlets.Int(), default_value=[0, 0]).tag(sync=True)
    """``said`` of the last bundle that was dealt with; before that the browser tells no more."""
    written = traitlets.Int(0).tag(sync=True)
    """Counts Python's own changes of traits."""

    def _begin_writing(self) -> None:
        self._written_at: dict[str, int] = {}
        self._telling: dict[str, Any] = {}

    def wrote(self, names: Iterable[str]) -> None:
        """Take note that Python sets these traits now."""
        self.written += 1
        self._written_at.update(dict.fromkeys(names, self.written))

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser tells, but for traits that Python has set since the browser last saw them."""
        seen = sync_data["said"][1] if "said" in sync_data else self.written
        self._telling = {name: value for name, value in sync_data.items() if self._written_at.get(name, 0) <= seen}
        try:
            super().set_state(self._telling)
        finally:
            self._telling = {}
        if "said" in sync_data:
            self.heard = self.said

    def notify_change(self, change: Any) -> None:
        """Count a change that is not the browser's, before the browser hears of it."""
        name = change["name"]
        if name in SHARED and hasattr(self, "_telling") and self._telling.get(name, _NOTHING) != change["new"]:
            self.wrote([name])
        super().notify_change(change)
