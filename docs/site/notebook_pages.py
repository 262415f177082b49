"""Notebooks as pages of the site: prose and code in its own type, outputs as they were when a run was finished.

Executed copies lie in a folder (``EXECUTED``) where `make_site.py` has put them. Their outputs are shown while the
code is that of the notebook, whose prose may have been edited since.
"""

from __future__ import annotations

import base64
import html
import os
import re
from functools import cache
from pathlib import Path

import nbformat
from links import CHECKOUT
from nbformat import NotebookNode

from sedlab.report.notebook_page import mathml, replace_live_outputs

#: Names a folder of executed notebooks in place of that of the last build.
EXECUTED = "SEDLAB_DOCS_NOTEBOOKS"
_PLACE = re.compile(r'<div data-notebook-output="(\w+)"></div>')
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/svg+xml": "svg"}
#: What notebooks print as HTML, by page and place; Markdown would read it otherwise than browsers do.
_printed: dict[str, dict[str, str]] = {}


def executed_folder() -> Path:
    """Return where the executed copies are."""
    return Path(os.environ.get(EXECUTED) or CHECKOUT / "build" / "docs" / "notebooks")


def page(path: str, uri: str) -> dict[str, str | bytes]:
    """Return the page of a notebook, in Markdown, and the pictures it shows, by their addresses in the site."""
    node = shown_notebook(CHECKOUT / path)
    made: dict[str, str | bytes] = {}
    _printed[uri] = {}
    lines = []
    title = Path(uri).stem
    for number, cell in enumerate(node.cells):
        if cell.cell_type == "markdown":
            lines.append(cell.source)
            headings = re.findall(r"^#+ (.*)$", cell.source, re.MULTILINE)
            title = headings[-1] if headings else title
        elif cell.cell_type == "code":
            lines.append(_fenced(cell.source, "python"))
            for place, output in enumerate(cell.outputs):
                lines.append(_shown(output, f"{number}_{place}", uri, title, made))
    if not any(cell.get("outputs") for cell in node.cells):
        lines.insert(1, "*Shown as it is committed, without what its cells print and draw.*")
    return made | {uri: "\n\n".join(line for line in lines if line) + "\n"}


def shown_notebook(source: Path) -> NotebookNode:
    """Return a notebook with the outputs of its executed copy, or as it is where no copy has the same code."""
    node = nbformat.read(source, as_version=4)
    executed = executed_folder() / source.name
    if executed.is_file():
        copy = nbformat.read(executed, as_version=4)
        if code(copy) == code(node):
            replace_live_outputs(copy)
            for cell, done in zip(_code_cells(node), _code_cells(copy), strict=True):
                cell.outputs = done.outputs
    return node


def code(node: NotebookNode) -> list[str]:
    """Return what the cells compute, without parameters that were put in."""
    return [cell.source for cell in _code_cells(node)]


def _code_cells(node: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in node.cells if cell.cell_type == "code" and not _put_in(cell)]


def _put_in(cell: NotebookNode) -> bool:
    return "injected-parameters" in cell.metadata.get("tags", ())


def finished(page_html: str, uri: str) -> str:
    """Put formulas, and the HTML that a notebook printed, into a page."""
    page_html = _FORMULA.sub(lambda found: _formula(found[3], found[2] == "["), page_html)
    printed = _printed.get(uri, {})
    return _PLACE.sub(lambda found: printed[found[1]], page_html)


@cache
def _formula(text: str, as_block: bool) -> str:
    return mathml(html.unescape(text), as_block=as_block)


def _shown(output: NotebookNode, place: str, uri: str, title: str, made: dict[str, str | bytes]) -> str:
    """Return one output in Markdown; a picture goes into ``made``."""
    if output.output_type == "stream":
        return _put(_text(output.text), uri, place) if output.name == "stdout" else ""
    if output.output_type == "error":
        return _put(_text(f"{output.ename}: {output.evalue}"), uri, place)
    data = output.get("data", {})
    if "text/html" in data:
        return _put(data["text/html"], uri, place)
    for kind, suffix in _PICTURES.items():
        if kind in data:
            name = f"{Path(uri).stem}/{place}.{suffix}"
            content = data[kind]
            made[f"notebooks/{name}"] = content if suffix == "svg" else base64.b64decode(content)
            said = re.sub(r"[*_`\[\]$\\]", "", title)
            return f"![{said}]({name}){{ loading=lazy .notebook-picture }}"
    if "text/markdown" in data:
        return data["text/markdown"]
    return _put(_text(data.get("text/plain", "")), uri, place)


def _text(text: str) -> str:
    plain = re.sub(r"\x1b\[[\d;]*m", "", text).rstrip("\n")
    return f"<pre>{html.escape(plain, quote=False)}</pre>" if plain.strip() else ""


def _put(printed: str, uri: str, place: str) -> str:
    """Return the place, in Markdown, where the page will show HTML; nothing for nothing."""
    if not printed:
        return ""
    _printed[uri][place] = f'<div class="notebook-output" data-search-exclude>{printed}</div>'
    return f'<div data-notebook-output="{place}"></div>'


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
