"""The parameters of a notebook, checked inside its kernel: plain Papermill only warns of one that is unknown."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from sedlab.errors import SedlabError, nearest, short

#: How the cell begins that Papermill puts behind the tagged one.
_INJECTED = "# Parameters"


def check_parameters(**known: Any) -> None:
    """Refuse parameters that the notebook does not have; call it with those that it has, by name.

    Outside a notebook there is nothing to check.

    Raises
    ------
    SedlabError
        For the first unknown one, with the nearest name.
    """
    for name in _injected_names():
        if name not in known:
            listed = ", ".join(known) or "none"
            raise SedlabError(f"unknown parameter {short(name)} (the notebook has: {listed}).{nearest(name, known)}")


def whole_number(name: str, value: Any, allowed: Iterable[int], where: str) -> int:
    """Return a parameter that is to be one of some numbers; also text of one, as Papermill's `-r` gives it."""
    numbers = list(allowed)
    if not isinstance(value, bool) and str(value) in map(str, numbers):
        return int(value)
    listed = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
    raise SedlabError(f"{where}: {name} {short(value)} is not there (it has: {listed}). Correct the parameter {name}.")


def _injected_names() -> list[str]:
    """Return what Papermill's cell assigns, as this kernel has run it."""
    try:
        from IPython import get_ipython
    except ImportError:
        return []
    shell = get_ipython()
    cells = shell.user_ns.get("In", []) if shell is not None else []
    names: list[str] = []
    for cell in cells:
        if cell.startswith(_INJECTED):
            assigned = (node for node in ast.parse(cell).body if isinstance(node, ast.Assign))
            names += [target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)]
    return names
