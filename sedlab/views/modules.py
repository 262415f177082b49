"""ES modules of a folder joined into one text, as anywidget wants it: a browser needs no bundler for that.

Modules are written so that joining is removing lines: an import stands in one line and names what it takes, an export
stands before a declaration, and no two modules of a widget declare the same name at their top level. Each is a module
of its own in the tests, which load it as it is.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "(\.\.?/[\w./-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async function|function|const|let|class) )", re.MULTILINE)


@cache
def joined(folder: Path, entry: str) -> str:
    """Return ``entry`` of ``folder`` with every module that it needs before it; only ``entry`` exports a default.

    Modules name each other by relative paths, also in folders within.
    """
    order: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(f"{folder / name}: imports itself by way of {', '.join(path)}")
        if name not in order:
            for needed in _IMPORT.findall((folder / name).read_text(encoding="utf-8")):
                visit(posixpath.normpath(posixpath.join(posixpath.dirname(name), needed)), (*path, name))
            order.append(name)

    visit(entry, ())
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", (folder / name).read_text(encoding="utf-8"))) for name in order)
