"""Names in running text lead to where they are described: commands, Python names, notebooks."""

from __future__ import annotations

import posixpath
import re
from functools import cache

import command_pages
import python_pages
from links import BLOCK, elsewhere

# Not within the text of a link, which leads somewhere already.
_INLINE = re.compile(r"(?<![\[`])`([^`\n]+)`(?![\]`])")


def with_links(markdown: str, uri: str) -> str:
    """Return a page in Markdown whose inline code is linked where it is the name of something."""

    def linked(code: re.Match[str]) -> str:
        text = code[1]
        name = text.partition("(")[0]
        if name in _python():
            return f"[{code[0]}][{_python()[name]}]"
        target = _notebooks().get(text) or _command(text)
        if target is None or target == uri:
            return code[0]
        return f"[{code[0]}]({posixpath.relpath(target, posixpath.dirname(uri) or '.')})"

    lines = BLOCK.split(markdown)
    for number in range(0, len(lines), 2):
        # Headings stay as they are: their anchors would change.
        parts = re.split(r"(^#.*$)", lines[number], flags=re.MULTILINE)
        lines[number] = "".join(part if at % 2 else _INLINE.sub(linked, part) for at, part in enumerate(parts))
    return "".join(lines)


@cache
def _python() -> dict[str, str]:
    entries = [entry for room in python_pages.public().values() for entry in room if "." in entry.written]
    written = {entry.written: entry.path for entry in entries}
    # `sedlab.runs.Run` is also written so.
    return {f"sedlab.{name}": path for name, path in written.items()} | written


@cache
def _notebooks() -> dict[str, str]:
    pages = {path.removesuffix(".ipynb").removeprefix("notebooks/"): uri for path, uri in elsewhere().items()}
    return {name: uri for name, uri in pages.items() if uri.startswith("notebooks/")}


@cache
def _commands() -> set[str]:
    return {name for name, _ in command_pages.commands()}


def _command(text: str) -> str | None:
    words = text.split()
    for count in range(len(words), 1, -1):
        if " ".join(words[:count]) in _commands():
            return f"reference/cli.md#{'-'.join(words[:count])}"
    return None
