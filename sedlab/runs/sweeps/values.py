"""Which values a sweep tries: `KEY=V1,V2,V3` texts become axes, and axes a grid of settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sedlab.errors import SedlabError, short

#: Keys whose values make no variants of an experiment, and what to do instead.
_NO_AXES = {
    "seed": "Use --seeds N: runs with other seeds are paired.",
    "name": "Use --name: it is what the folders are called.",
}
_CLOSING = {"[": "]", "{": "}", "(": ")"}


@dataclass(frozen=True)
class Axis:
    """A setting and the values that are tried."""

    key: str
    values: tuple[str, ...]
    """As they were written."""

    @property
    def text(self) -> str:
        """As on the command line."""
        return f"{self.key}={','.join(self.values)}"


@dataclass(frozen=True)
class Grid:
    """What differs between the runs of a sweep, and what is changed in all of them."""

    axes: tuple[Axis, ...]
    settings: tuple[str, ...]
    """`key=value` texts that hold for every run."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The settings that differ."""
        return tuple(axis.key for axis in self.axes)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Yield each combination of values, the last key fastest."""
        return itertools.product(*(axis.values for axis in self.axes))

    def changes(self, values: Iterable[str]) -> list[str]:
        """Return a combination of values as `key=value` texts."""
        return [f"{key}={value}" for key, value in zip(self.keys, values, strict=True)]


def read_grid(changes: Iterable[str], settings: Iterable[str] = ()) -> Grid:
    """Return the grid of some `--set` texts: one with several values is an axis, one with a plain value holds for all.

    ``settings`` are further texts that hold for all.

    Raises
    ------
    SedlabError
        When no setting has several values, a key has twice, a value is empty, or a text is no `KEY=VALUE`.
    """
    axes: dict[str, Axis] = {}
    fixed: dict[str, str] = {}
    for text in changes:
        key, equals, values = text.partition("=")
        key, found = key.strip(), split_values(values)
        if not equals or not key:
            raise SedlabError(f"--set {short(text)}: expected KEY=VALUE, or KEY=V1,V2,V3 for a run with each of them.")
        if key in axes or (key in fixed and len(found) > 1):
            raise SedlabError(
                f"--set {text}: {key} is set twice. Give all its values in one --set, with commas between."
            )
        if len(found) < 2:
            fixed[key] = text
            continue
        if "" in found:
            raise SedlabError(f"--set {text}: an empty value. Write KEY=V1,V2,V3, and text with a comma in quotes.")
        if key in _NO_AXES:
            raise SedlabError(f"--set {text}: {key} cannot be swept. {_NO_AXES[key]}")
        axes[key] = Axis(key, found)
    if not axes:
        raise SedlabError(
            "no setting has several values. Name one: --set stage2.loss.self_supervised=30,70,120; or use `sedlab run`."
        )
    return Grid(tuple(axes.values()), (*fixed.values(), *settings))


def split_values(text: str) -> tuple[str, ...]:
    """Return the values in a text with commas between: ``"1e-4,3e-4"``, ``"[passt, atst],[atst]"``, ``"'a, b',c"``.

    A comma within brackets or quotation marks belongs to its value.
    """
    values, begin, open_, quote = [], 0, [], ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            # Inside a word it is an apostrophe.
            quote = character if not text[begin:place].strip() or open_ else ""
        elif character in _CLOSING:
            open_.append(_CLOSING[character])
        elif open_ and character == open_[-1]:
            open_.pop()
        elif character == "," and not open_:
            values.append(text[begin:place].strip())
            begin = place + 1
    return (*values, text[begin:].strip())


def plain_value(text: str) -> str:
    """Return a value as folders are called by it: 1e-4 and 0.0001 are one number, and no folder has quotes."""
    try:
        number = float(text)
    except ValueError:
        return text
    return f"{number:.12g}"


def short_key(key: str) -> str:
    """Return the last part of a key: "self_supervised" of "stage2.loss.self_supervised"."""
    return key.rpartition(".")[2]
