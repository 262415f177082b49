"""What one input is: files in a folder, the command that reads them, and whether it may be accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """A command line to run in a folder whose files are written, and what is right about its end."""

    arguments: tuple[str, ...]
    """Of `sedlab`, or "python" and the name of a function in `fuzzing.doors` with its arguments."""
    idea: str
    """What is odd about the input."""
    bad: bool | None
    """True: must be refused. False: must be accepted. None: either, but decently."""
    outputs: tuple[str, ...] = ()
    """Files and folders in the working folder that appear when the command succeeds."""
    kept: tuple[str, ...] = ()
    """Those of them that may also appear, whole, when it does not: what was finished before the failure."""
    names: tuple[str, ...] = ()
    """One of these is named by the message, where it is not enough that any argument is."""
    stdout: str = "file"
    """file, closed (a pipe that nobody reads) or full (a device without space)."""
    encoding: str = "utf-8"
    """Of the console."""
    answer: bytes | None = None
    """What a server on this machine sends to whoever asks; `{url}` in an argument is its address."""


@dataclass(frozen=True)
class Idea:
    """A change to a good input."""

    change: Callable[..., Any]
    bad: bool | None

    @property
    def name(self) -> str:
        """The function's name as words."""
        return self.change.__name__.strip("_").replace("_", " ")


class Ideas:
    """The changes to one kind of input, marked as bad, good or either."""

    def __init__(self) -> None:
        self.all: list[Idea] = []

    def bad(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a change after which the input must be refused."""
        self.all.append(Idea(change, True))
        return change

    def good(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a change after which the input must be accepted."""
        self.all.append(Idea(change, False))
        return change

    def either(self, change: Callable[..., Any]) -> Callable[..., Any]:
        """Mark a change after which both is right."""
        self.all.append(Idea(change, None))
        return change

    def at(self, index: int) -> Idea:
        """Return the changes in turn, so that few inputs try all of them."""
        return self.all[index % len(self.all)]


#: Texts that are no usual number or name.
ODD_TEXTS = (
    "", " ", "nan", "inf", "-inf", "-1", "1e400", "0x10", "1_000", "1,5", "True", "null", "~", "{}", "[0]", "é",
    "a\tb", "\u202e", "9" * 5000,
    "[/b]", "{a}", "-", "--", "=", "../../x", "\U0001f600", "x" * 5000, "1e-400",
)  # fmt: skip
