"""How long work says how far it is: one call signature for everything that takes a while."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then with (steps or seconds done, the same in all, what is being done)."""

    def __call__(self, done: float, total: float, what: str, /) -> None:
        """Take note of the progress."""


def no_progress(_done: float, _total: float, _what: str, /) -> None:
    """Say nothing."""
