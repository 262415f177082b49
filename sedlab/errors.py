"""The one error a user can act on.

Everything sedlab raises on purpose about files, options or data derives from ``SedlabError``; its message is one line
that names the file or option, what was found, and what to do. The command line prints it and exits with status 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class SedlabError(Exception):
    """A problem the user can act on: one line that says where, what, and the remedy."""


def nearest(name: str, options: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest of ``options``, or an empty string when none is close."""
    match = get_close_matches(str(name), [str(o) for o in options], n=1, cutoff=0.5)
    return f" Did you mean {match[0]!r}?" if match else ""


def first_problem(error: ValidationError, known: Iterable[str] = ()) -> str:
    """Return the first problem of a validation in the user's words: one line with the key and what was found.

    For instance ``unknown key stage1.epoch. Did you mean 'epochs'?``, the nearest of the names ``known``.
    """
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if not str(part).endswith("Config"))
    if first["type"] == "json_invalid":
        return f"not JSON ({first['ctx']['error']})."
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}.{nearest(str(first['loc'][-1]), known)}"
    if first["type"] == "missing":
        return f"missing key {key}."
    found = first.get("input")
    shown = "" if isinstance(found, dict) or found is None else f" (found {found!r})"
    message = first["msg"].removeprefix("Value error, ")
    return f"{f'{key}: ' if key else ''}{message}{shown}."
