"""The published files: a table (`registry.yaml`) with what each is, where it is and where that is stated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from sedlab.errors import SedlabError, nearest

WEIGHTS = "weights"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One published file."""

    name: str
    """What the commands call it: the published file name without suffix."""
    file: str
    """The published file name; the file keeps it."""
    group: str
    """Files that were published together; a command takes all of them by this name."""
    kind: str
    """weights, pseudo-labels or metadata."""
    what: str
    trained_on: str = ""
    needed_for: str = ""
    """The part of the recipe that uses it."""
    url: str = ""
    """Empty where no address is known that gives the file itself."""
    source_page: str
    """The page that describes the file, for people."""
    source: str
    """Where the facts of this entry are stated."""
    licence: str = ""
    """As stated by the publisher; empty if nothing is."""
    score: str = ""
    score_source: str = ""
    size: int | None = None
    """bytes"""
    sha256: str = ""
    """Hexadecimal digits; only the first ones where no more are published."""
    sha256_source: str = ""
    note: str = ""


@cache
def entries() -> tuple[Entry, ...]:
    """Return every registered file, in the order of the registry."""
    text = resources.files(__package__).joinpath("registry.yaml").read_text(encoding="utf-8")
    groups = yaml.safe_load(text)
    return tuple(Entry(group=group["group"], **(group["common"] | row)) for group in groups for row in group["files"])


def find(name: str) -> Entry:
    """Return the entry with this name or file name.

    Raises
    ------
    SedlabError
        When no file of this name is registered.
    """
    for entry in entries():
        if name in (entry.name, entry.file):
            return entry
    raise SedlabError(
        f"{name}: no published file of this name is registered.{nearest(name, _names())} "
        "List them: sedlab weights list."
    )


def select(names: Iterable[str]) -> list[Entry]:
    """Return the entries that names, file names, groups and "all" (every file of kind weights) stand for, once each.

    A group leaves out what has no known address.

    Raises
    ------
    SedlabError
        When a name is neither.
    """
    chosen: dict[str, Entry] = {}
    for name in names:
        members = [entry for entry in entries() if name == entry.group or (name == "all" and entry.kind == WEIGHTS)]
        for entry in [entry for entry in members if entry.url] if members else [find(name)]:
            chosen[entry.name] = entry
    return list(chosen.values())


def _names() -> list[str]:
    return [name for entry in entries() for name in (entry.name, entry.file, entry.group)]
