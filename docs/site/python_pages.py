"""The reference of the Python API: which names there are, and where each is described by its docstring.

Public is what `sedlab` and the rooms that documents and notebooks work with list in `__all__`, the stage functions,
and whatever documents and notebooks import from deeper.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from links import CHECKOUT

#: Pages, with the module that one imports for them and how its names are then written.
_ROOMS = {
    "sedlab": ("sedlab", "import sedlab"),
    "stages": ("sedlab.pipeline.stages", "from sedlab.pipeline import stages"),
    "runs": ("sedlab.runs", "from sedlab import runs"),
    "views": ("sedlab.views", "from sedlab import views"),
    "scoring": ("sedlab.scoring", "from sedlab import scoring"),
    "data": ("sedlab.data", "from sedlab import data"),
    "weights": ("sedlab.weights", "from sedlab import weights"),
}
_REST = "rooms"
_IMPORT = re.compile(r"^from (sedlab[\w.]*) import (\w+(?:, \w+)*)$", re.MULTILINE)
_HEAD = """# Python

What notebooks, documents and your own code use. Everything else in the package may change from one version to the next.
Shapes, units and sources are in the docstrings.

"""


@dataclass(frozen=True)
class Entry:
    """A public name: as it is written, where it is defined, what it is."""

    written: str
    path: str
    summary: str


def pages() -> dict[str, str]:
    """Return the pages by name, in Markdown with the marks that mkdocstrings replaces."""
    made = {"index": _HEAD + "\n".join(_listed(name, entries) for name, entries in public().items())}
    for name, entries in public().items():
        described: set[str] = set()
        for other, before in public().items():
            if other == name:
                break
            described |= {entry.path for entry in before}
        made[name] = _page(name, entries, described)
    return made


@cache
def public() -> dict[str, list[Entry]]:
    """Return the public names of each page."""
    found: dict[str, list[Entry]] = {}
    for name, (module_name, _) in _ROOMS.items():
        module = importlib.import_module(module_name)
        found[name] = [_entry(f"{name}.{given}", module_name, given) for given in _names_of(module)]
    known = {entry.path for entries in found.values() for entry in entries}
    rest = {
        _entry(given, module, given).path: _entry(given, module, given) for module, given in sorted(set(_imported()))
    }
    found[_REST] = [entry for path, entry in sorted(rest.items()) if path not in known]
    return found


def _names_of(module: Any) -> list[str]:
    if hasattr(module, "__all__"):
        return list(module.__all__)
    # Stages: the functions that are defined in it, or taken up on purpose.
    functions = inspect.getmembers(module, inspect.isfunction)
    own = [name for name, value in functions if value.__module__ == module.__name__ and not name.startswith("_")]
    order = inspect.getsource(module)
    return ["begin", *sorted(own, key=lambda name: order.index(f"def {name}("))]


def _imported() -> Iterator[tuple[str, str]]:
    """Yield (module, name) of what documents and notebooks import from the package."""
    texts = [path.read_text(encoding="utf-8") for path in (CHECKOUT / "docs").rglob("*.md")]
    texts.append((CHECKOUT / "README.md").read_text(encoding="utf-8"))
    for path in CHECKOUT.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    for text in texts:
        for module, names in _IMPORT.findall(text):
            for name in names.split(", "):
                if not inspect.ismodule(_value(module, name)):
                    yield module, name


def _value(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except AttributeError:
        return importlib.import_module(f"{module}.{name}")


def _entry(written: str, module: str, name: str) -> Entry:
    value = _value(module, name)
    described = inspect.isclass(value) or inspect.isroutine(value)
    path = f"{value.__module__}.{value.__qualname__}" if described else f"{module}.{name}"
    summary = (inspect.getdoc(value) or "").partition("\n")[0] if described else ""
    return Entry(written, path, summary)


def _listed(name: str, entries: list[Entry]) -> str:
    rows = [f"| [`{entry.written}`][{entry.path}] | {_cell(entry.summary)} |" for entry in entries]
    title = f"[{name}]({name}.md)"
    return "\n".join([f"## {title}\n", "| name | what it does |", "| --- | --- |", *rows, ""])


def _page(name: str, entries: list[Entry], described: set[str]) -> str:
    if name in _ROOMS:
        module, line = _ROOMS[name]
        said = inspect.cleandoc(importlib.import_module(module).__doc__ or "")
        lines = [f"# {name}\n", f"```python\n{line}\n```\n", said + "\n"]
    else:
        lines = [
            "# Rooms\n",
            "What documents and notebooks import from deeper in the package, room by room:\n`from ROOM import NAME`.\n",
        ]
    for entry in entries:
        if entry.path in described:
            lines.append(f"## {entry.written}\n\nSee [`{entry.path}`][{entry.path}].\n")
            continue
        heading = entry.written if name in _ROOMS else entry.path
        options = [f"      heading: {heading}", f"      toc_label: {entry.written}"]
        lines.append(f"::: {entry.path}\n    options:\n" + "\n".join(options) + "\n")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")
