"""The one error a user can act on.

Everything sedlab raises on purpose about files, options or data derives from ``SedlabError``; its message is one line
that names the file or option, what was found, and what to do. The command line prints it and exits with status 1.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class SedlabError(Exception):
    """A problem the user can act on: one line that says where, what, and the remedy."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows below a cell: the line, without the way through our code."""
        return [f"{type(self).__name__}: {self}"]

    def __str__(self) -> str:
        return printable(" ".join(super().__str__().splitlines()))


@cache
def warn_once(warning: str) -> None:
    """Say on stderr, in one line, what does not stop the work; the same line is said once in a process."""
    print(f"warning: {printable(warning)}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Return ``text`` with control characters, marks that turn the reading direction, and stray bytes as escapes."""
    return "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text)


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


class SedlabWarning(UserWarning):
    """Something odd that was dealt with: one line that says where, what was found, and what was done."""


def nearest(name: str, options: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest of ``options``, or an empty string when none is close."""
    match = get_close_matches(str(name), [str(o) for o in options if str(o) != str(name)], n=1, cutoff=0.5)
    return f" Did you mean {match[0]!r}?" if match else ""


def count_of(number: int, one: str, many: str = "") -> str:
    """Return a number with what is counted: "1 clip", "2 clips"; ``many`` where an s does not make it ("2 are")."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def short(value: object, limit: int = 80) -> str:
    """Return ``value`` as Python writes it, cut in the middle where it is long: a message is one line to read."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # A number of more digits than Python prints, or lists in lists in lists.
        text = f"a {type(value).__name__} too long to show"
    return text if len(text) <= limit else f"{text[: limit // 2]}...{text[-limit // 4 :]}"


#: What to do about an error of the operating system; others have no better answer than its own words.
OS_REMEDIES = {
    errno.ENOENT: "Correct the path, or make it again.",
    errno.EISDIR: "A file is expected there: name one, or move the folder away.",
    errno.ENOTDIR: "A folder is expected there: name one, or move the file away.",
    errno.EEXIST: "Something else is there: move it away.",
    errno.EACCES: "Change its permissions, or choose another place.",
    errno.EPERM: "Change its permissions, or choose another place.",
    errno.EROFS: "Choose a place that can be written to.",
    errno.ENOSPC: "Free space, or choose another place.",
    errno.EDQUOT: "Free space, or choose another place.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ELOOP: "Its links lead in a circle: remove them.",
    errno.EMFILE: "Raise the limit: `ulimit -n 4096`.",
    errno.EIO: "The disk or the network has failed: check it, then run this again.",
    errno.ENOMEM: "Free memory, or work on less at a time.",
}


def os_problem(error: OSError | ValueError, path: object = None) -> str:
    """Return one line about an error of the operating system: the file, what is wrong with it, and what to do.

    ``path`` is named where the error names none. A ValueError is of a name that no file can have.
    """
    if not isinstance(error, OSError):
        return f"{short(str(path))}: not a file name ({error}). Correct it."
    # An error of a copy or a renaming names two files; the second is the one that was to be made.
    named = getattr(error, "filename2", None) or error.filename
    where = os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else path
    where = "the output" if where is None else str(where)
    where = where if len(where) <= 400 else f"{where[:100]}...{where[-40:]}"
    reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
    return f"{where}: {reason}. {OS_REMEDIES.get(error.errno, 'See to it, then run this again.')}"


def unforeseen_problem(error: Exception) -> str | None:
    """Return one line about an error that nobody told in the user's words; None for a fault of ours."""
    if isinstance(error, OSError):
        return os_problem(error)
    if isinstance(error, ValueError) and "null byte" in str(error):
        return "a file name holds a NUL character. Remove it."
    if isinstance(error, UnicodeError):
        what = short(getattr(error, "object", "text"))
        return f"{what}: cannot be read or written as text ({error.reason}). Rename it, or save it as UTF-8."
    if isinstance(error, MemoryError):
        return "not enough memory. Close other programs, or work on less at a time."
    return None


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
    shown = "" if isinstance(found, dict) or found is None else f" (found {short(found)})"
    message = first["msg"].removeprefix("Value error, ")
    return f"{f'{key}: ' if key else ''}{message}{shown}."
