"""The exercises of a notebook: what there is to do, and what a test expects of it.

An exercise is an item of the numbered list under `## Exercises`. It has at least one fenced block, of `python` (for a
cell below the notebook's own) or `sh` (for a terminal, in the project folder), and then a sentence that begins with
`*You should see*`. What a test expects stands in `tests/notebooks/exercises/NN.py`: CHECKS, a list of (number,
expression). The expression is evaluated in the notebook's kernel after the blocks of the exercise: `_` is what its last
Python cell shows, `printed` what its last `sh` block printed. Exercises name the preset `mini`; tests run `nano`.
"""

from __future__ import annotations

import ast
import re
import runpy
import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell
from papermill.iorw import load_notebook_node

CHECKS = Path(__file__).parents[1] / "notebooks" / "exercises"
_ITEM = re.compile(r"^(\d+)\. ", re.MULTILINE)
_BLOCK = re.compile(r"^[ \t]*```(\w*)\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"^\s*\*You should see\*", re.MULTILINE)
_SHELL = """\
import os, subprocess, sys
_env = {{**os.environ, "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]}}
_done = subprocess.run(["bash", "-e", "-c", {text!r}], capture_output=True, text=True, env=_env)
printed = _done.stdout + _done.stderr
assert _done.returncode == 0, printed
"""


@dataclass(frozen=True)
class Exercise:
    """One item of the list."""

    number: int
    blocks: tuple[tuple[str, str], ...]
    """(language, text)"""
    says_what_to_see: bool
    """After the last block."""


def exercises_of(path: Path) -> list[Exercise]:
    """Return the exercises of a notebook; none if it has no such section."""
    notebook = nbformat.read(path, as_version=4)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    section = prose.partition("\n## Exercises\n")[2].partition("\n## ")[0]
    starts = list(_ITEM.finditer(section))
    ends = [start.start() for start in starts[1:]] + [len(section)]
    return [_exercise(int(start[1]), section[start.end() : end]) for start, end in zip(starts, ends, strict=True)]


def checks_of(path: Path) -> list[tuple[int, str]]:
    """Return what is expected of each exercise of a notebook, by number; several of one are all expected."""
    file = CHECKS / f"{path.stem.partition('_')[0]}.py"
    return runpy.run_path(str(file))["CHECKS"] if file.is_file() else []


def with_exercises(path: Path, run: str, preset: str = "") -> nbformat.NotebookNode:
    """Return the notebook with its exercises as further cells, after each what is expected of it.

    They name the run `mini`, in its place ``run``; where they name it as a preset, ``preset`` if that is another.
    """
    notebook, checks = load_notebook_node(str(path)), checks_of(path)
    for exercise in exercises_of(path):
        for language, text in exercise.blocks:
            text = re.sub(r"\b(sedlab run|preset) mini\b", rf"\1 {preset or run}", text)
            text = re.sub(r"\bmini\b", run, text)
            notebook.cells.append(_cell(_SHELL.format(text=text) if language == "sh" else text))
        for number, expression in checks:
            if number == exercise.number:
                said = f"exercise {number} of {path.name} does not show: {expression}"
                notebook.cells.append(_cell(f"assert ({expression}), {said!r}"))
    return notebook


def only_what_is_used(notebook: nbformat.NotebookNode, num_used: int) -> nbformat.NotebookNode:
    """Leave out of a notebook's code what its last ``num_used`` cells do not need; return it.

    Kept are statements that bind, or put something into, a name which is read later by one that is kept. So what only
    shows something goes, which costs a kernel most of its time.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    read: set[str] = set()
    for place, cell in reversed(list(enumerate(code))):
        kept = []
        for statement in reversed(ast.parse(cell.source).body):
            if place >= len(code) - num_used or "parameters" in cell.metadata.tags or _bound(statement) & read:
                kept.insert(0, statement)
                read |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        if place < len(code) - num_used and "parameters" not in cell.metadata.tags:
            cell.source = "\n".join(ast.unparse(statement) for statement in kept)
    return notebook


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds, or into which it puts something."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name | ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            while not isinstance(node, ast.Name):
                node = node.value
            found.add(node.id)
    return found


def _cell(source: str) -> nbformat.NotebookNode:
    # Papermill looks for tags in all of them.
    return new_code_cell(source, metadata={"tags": []})


def _exercise(number: int, text: str) -> Exercise:
    found = list(_BLOCK.finditer(text))
    blocks = tuple((block[1], textwrap.dedent(block[2])) for block in found)
    rest = text[found[-1].end() :] if found else ""
    return Exercise(number, blocks, bool(_EXPECTED.search(rest)))
