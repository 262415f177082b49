"""What a panel does at the desk it belongs to: narrow the list, open a case, share the player's thresholds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd

from sedlab.system.frontend import person_present
from sedlab.views.explorers.controls.slider import NamedSlider

#: While the player's threshold is dragged, the panel counts again when the hand rests.
_REST_SECONDS = 0.15


class DeskLink:
    """The desk of a panel (an ``Explorer``), or none: then nothing is opened, and no class has its own threshold."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self._heard: list[tuple[Callable[[Any], None], str]] = []
        self._due: asyncio.TimerHandle | None = None

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Thresholds that single classes have in the player."""
        return {} if self.desk is None else self.desk.player.thresholds

    def share_threshold(self, slider: NamedSlider, recount: Callable[[], None]) -> None:
        """Keep a slider and the player's threshold the same; ``recount`` when those of single classes change."""
        if self.desk is None:
            return
        player = self.desk.player
        slider.value = player.threshold

        def at_slider() -> float:
            return min(max(player.threshold, slider.min), slider.max)

        def give(value: float) -> None:
            # What was taken from the player does not go back, cut to the ends of the slider.
            if value != at_slider():
                player.threshold = value

        def take() -> None:
            slider.value = at_slider()

        slider.observe(lambda change: give(change.new), "value")
        self._heard += [
            (lambda _change: self._when_at_rest(take), "threshold"),
            (lambda _change: self._when_at_rest(recount), "thresholds"),
        ]
        for handler, name in self._heard:
            player.observe(handler, name)

    def close(self) -> None:
        """Hear of the player's thresholds no longer."""
        for handler, name in self._heard:
            self.desk.player.unobserve(handler, name)
        self._heard.clear()
        if self._due is not None:
            self._due.cancel()

    def open(
        self, cases: pd.DataFrame, because: str, *, label: str, systems: Collection[str], first: pd.Series | None = None
    ) -> None:
        """Narrow the list to ``cases`` and open the first, or ``first``, framed.

        ``cases`` has a row a clip: `key, onset, offset, label`. ``label`` is the class whose threshold the slider of
        the player then moves; ``systems`` are drawn, without post-processing.
        """
        if self.desk is None or cases.empty:
            return
        player = self.desk.player
        if player.shown is not None and not set(systems) <= set(player.shown):
            player.shown = list(systems)
        # What was counted are scores as they are.
        player.postprocess = "none"
        focuses = {row["key"]: _focus(row) for _, row in cases.iterrows()}
        self.desk.narrow(list(focuses), because=because, focuses=focuses)
        row = cases.iloc[0] if first is None else first
        self.desk.open(row["key"], focus=_focus(row))
        player.label = label

    def _when_at_rest(self, handler: Callable[[], None]) -> None:
        if self._due is not None:
            self._due.cancel()
        if person_present():
            self._due = asyncio.get_running_loop().call_later(_REST_SECONDS, handler)
        else:
            handler()


def _focus(row: pd.Series) -> dict[str, Any]:
    return {"onset": float(row["onset"]), "offset": float(row["offset"]), "label": str(row["label"])}
