"""How long work says how far it is: one call signature for everything that takes a while."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then with (steps done, steps in all, what is being done)."""

    def __call__(self, done: int, total: int, what: str, /) -> None:
        """Take note of the progress."""


def no_progress(_done: int, _total: int, _what: str, /) -> None:
    """Say nothing."""
