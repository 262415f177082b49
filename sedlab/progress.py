"""How long work says how far it is: one call signature for everything that takes a while."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then with (steps or seconds done, the same in all, what is being done)."""

    def __call__(self, done: float, total: float, what: str, /) -> None:
        """Take note of the progress."""


def no_progress(_done: float, _total: float, _what: str, /) -> None:
    """Say nothing."""


def format_seconds(seconds: float) -> str:
    """Return a duration as people write it: "8 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
