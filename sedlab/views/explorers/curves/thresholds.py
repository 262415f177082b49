"""The thresholds that a view shares with the player beside it; without a player it has its own, and a slider."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import traitlets


class OwnThresholds(traitlets.HasTraits):
    """What a player knows of thresholds, where there is no player."""

    label = traitlets.Unicode("")
    threshold = traitlets.Float(0.5, min=0.0, max=1.0)
    thresholds = traitlets.Dict()
    postprocess = traitlets.Unicode("median")


class SharedThresholds:
    """Thresholds, class and post-processing of a player, or of their own.

    Parameters
    ----------
    player : ClipPlayer or None
        Whose traits `label`, `threshold`, `thresholds` and `postprocess` are read and set.
    moved, turned : function
        Called when somebody else moves a threshold; turns to another class or post-processing.
    slider : function
        Makes a slider with a ``value``, where there is no player.

    Attributes
    ----------
    slider : widget or None
        None beside a player: a second one would send the player's thresholds back, late and rounded to its steps.
    """

    def __init__(
        self, player: Any, moved: Callable[[], None], turned: Callable[[], None], slider: Callable[[], Any]
    ) -> None:
        self.player = OwnThresholds() if player is None else player
        self._setting = False
        self.slider = slider() if player is None else None
        if self.slider is not None:
            self.slider.observe(lambda change: self._slide(change["new"], moved), "value")
        self._handlers = (
            (lambda _: self._heard(moved), ["threshold", "thresholds"]),
            (lambda _: self._heard(turned), ["label", "postprocess"]),
        )
        for handler, names in self._handlers:
            self.player.observe(handler, names)
        self._move_slider()

    def close(self) -> None:
        """Follow the player no longer."""
        for handler, names in self._handlers:
            self.player.unobserve(handler, names)

    def of(self, labels: Iterable[str]) -> dict[str, float]:
        """Return the threshold of each class."""
        own = dict(self.player.thresholds)
        return {label: own.get(label, self.player.threshold) for label in labels}

    def set(self, **traits: Any) -> None:
        """Set traits of the player without being told of it."""
        before, self._setting = self._setting, True
        try:
            for name, value in traits.items():
                setattr(self.player, name, value)
            self._move_slider()
        finally:
            self._setting = before

    def add(self, thresholds: dict[str, float], **traits: Any) -> None:
        """Set the thresholds of some classes, in [0, 1] as a player has them, and other traits."""
        kept = {label: min(max(threshold, 0.0), 1.0) for label, threshold in thresholds.items()}
        self.set(thresholds={**self.player.thresholds, **kept}, **traits)

    def _heard(self, tell: Callable[[], None]) -> None:
        if not self._setting:
            self._move_slider()
            tell()

    def _slide(self, value: float, moved: Callable[[], None]) -> None:
        if self._setting:
            return
        if self.player.label:
            self.add({self.player.label: value})
        else:
            self.set(threshold=value, thresholds={})
        moved()

    def _move_slider(self) -> None:
        if self.slider is None:
            return
        before, self._setting = self._setting, True
        try:
            self.slider.value = dict(self.player.thresholds).get(self.player.label, self.player.threshold)
        finally:
            self._setting = before
