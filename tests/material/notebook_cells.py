"""The cells of a stage's notebook, run in this process: what Papermill does, without a kernel for each notebook.

Kernels, executed notebooks and their pages are tested on a complete corpus (tests/pipeline/test_whole_graph.py).
"""

from __future__ import annotations

import ast
import contextlib
import io
from pathlib import Path
from typing import Any

import nbformat

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def run_cells(name: str, **parameters: Any) -> str:
    """Run the code cells of a notebook, show the value of each as Jupyter would, and return what was printed."""
    namespace: dict[str, Any] = {"display": _show, "__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for place, cell in enumerate(nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells):
            if cell.cell_type != "code":
                continue
            statements = ast.parse(cell.source).body
            last = statements.pop() if statements and isinstance(statements[-1], ast.Expr) else None
            exec(compile(ast.Module(statements, []), f"{name}[{place}]", "exec"), namespace)
            if last is not None:
                _show(eval(compile(ast.Expression(last.value), f"{name}[{place}]", "eval"), namespace))
            if "parameters" in cell.metadata.get("tags", []):
                namespace |= parameters
    return printed.getvalue()


def _show(value: object) -> None:
    """Draw a value: as a picture or HTML if it can, as text otherwise."""
    for way in ("_repr_png_", "_repr_html_", "_repr_mimebundle_"):
        if hasattr(value, way) and not isinstance(value, type):
            getattr(value, way)()
            return
    repr(value)
