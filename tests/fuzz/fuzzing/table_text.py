"""A table that is still text."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """A table that is still text, and how it is written."""

    header: list[str]
    rows: list[list[str]]
    delimiter: str = "\t"
    encoding: str = "utf-8"
    line_end: str = "\n"
    end: str = "\n"
    bom: bool = False
    content: bytes | None = field(default=None)
    """Of the file, where it is no table any more."""

    @classmethod
    def of(cls, text: str) -> Table:
        """Read a good table."""
        header, *rows = [line.split("\t") for line in text.splitlines()]
        return cls(header, rows)

    def encoded(self) -> bytes:
        """Return the content of the file."""
        if self.content is not None:
            return self.content
        lines = [self.delimiter.join(row) for row in (self.header, *self.rows)]
        text = ("\ufeff" if self.bom else "") + self.line_end.join(lines) + self.end
        return text.encode(self.encoding, "surrogatepass")

    def number_columns(self) -> list[int]:
        """Return the places of the columns that hold numbers."""
        return [k for k, name in enumerate(self.header) if name in ("onset", "offset", "duration")]
