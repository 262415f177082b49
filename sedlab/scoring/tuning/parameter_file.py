"""Tuned post-processing parameters as JSON: one object a class, and where the values come from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sedlab.errors import SedlabError

#: What is known about how parameters were found: scores, ground truth, metric, grid, values reached, version.
Provenance = Mapping[str, Any]

REMEDY = "Write the file again with sedlab tune."


def read_parameters(path: str | Path, expected: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return ({class: values}, provenance) of a parameter file of the format ``expected``.

    Raises
    ------
    SedlabError
        When the file is absent, not JSON, of another format, or names no class.
    """
    content = read_content(path)
    if content["format"] != expected:
        raise SedlabError(f"{path}: format {content['format']!r}, expected {expected!r}. Give the file of this method.")
    classes = content.get("classes")
    if not isinstance(classes, dict) or not classes or not all(isinstance(values, dict) for values in classes.values()):
        raise SedlabError(f"{path}: no parameters of classes. {REMEDY}")
    return classes, content.get("provenance") or {}


def read_content(path: str | Path) -> dict[str, Any]:
    """Return the whole file; it has a ``format``."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SedlabError(f"{path}: no such file. Make it with sedlab tune, or correct the path.") from None
    except (OSError, ValueError) as error:
        raise SedlabError(f"{path}: not a readable parameter file ({error}). {REMEDY}") from error
    if not isinstance(content, dict) or "format" not in content:
        raise SedlabError(f"{path}: not a parameter file (no format). Give a file written by sedlab tune.")
    return content


def number(path: str | Path, label: str, values: Mapping[str, Any], name: str) -> float | None:
    """Return a positive parameter of a class; None where the file has null or nothing.

    Raises
    ------
    SedlabError
        When it is something else.
    """
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise SedlabError(f"{path}: {name} of class {label!r} is {value!r}, not a positive number. {REMEDY}")
    return float(value)


def write_provenance(provenance: Provenance) -> dict[str, Any]:
    """Return ``provenance`` for JSON, which has no nan and no infinity: null stands for them."""
    return {name: _plain(value) for name, value in provenance.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
