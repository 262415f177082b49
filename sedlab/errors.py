"""The one error a user can act on.

Everything sedlab raises on purpose about files, options or data derives from ``SedlabError``; its message is one line
that names the file or option, what was found, and what to do. The command line prints it and exits with status 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SedlabError(Exception):
    """A problem the user can act on: one line that says where, what, and the remedy."""


def nearest(name: str, options: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest of ``options``, or an empty string when none is close."""
    match = get_close_matches(str(name), [str(o) for o in options], n=1, cutoff=0.5)
    return f" Did you mean {match[0]!r}?" if match else ""
