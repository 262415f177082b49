"""The documents of the repository and what stands in them: fenced blocks, commands, inline code, links."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent.parent
DOCUMENTS = [
    CHECKOUT / "README.md",
    *sorted((CHECKOUT / "docs").rglob("*.md")),
    CHECKOUT / "benchmarks" / "README.md",
    CHECKOUT / "data" / "README.md",
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of its document where the text begins."""

    language: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A shell command as written, and what the document says that it prints."""

    words: tuple[str, ...]
    line: int
    prints: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shlex.join(self.words)


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a document in order."""
    text = document.read_text(encoding="utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 2) for found in _FENCE.finditer(text)]


def commands(document: Path) -> list[Command]:
    """Return the commands of the `sh` blocks; a `text` block that comes next says what the last of them prints."""
    found: list[Command] = []
    before = ""
    for block in blocks(document):
        if block.language == "sh":
            found += _commands(block)
        elif block.language == "text" and before == "sh":
            lines = (" ".join(line.split()) for line in block.text.splitlines())
            found[-1] = replace(found[-1], prints=tuple(line for line in lines if line not in ("", "...")))
        before = block.language
    return found


def inline_code(document: Path) -> list[str]:
    """Return what stands between single backticks outside fenced blocks."""
    return _INLINE.findall(_FENCE.sub("", document.read_text(encoding="utf-8")))


def links(document: Path) -> list[str]:
    """Return the targets of links and pictures outside fenced blocks."""
    return _LINK.findall(_FENCE.sub("", document.read_text(encoding="utf-8")))


def _commands(block: Block) -> list[Command]:
    found, begun, start = [], "", block.line
    for number, line in enumerate(block.text.splitlines(), block.line):
        begun, start = (begun + line, start) if begun else (line, number)
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        words = shlex.split(begun, comments=True)
        while words:
            stop = words.index("&&") if "&&" in words else len(words)
            found.append(Command(tuple(words[:stop]), start))
            words = words[stop + 1 :]
        begun = ""
    return found
