"""Validation errors in the user's words: one line, with the option, what was found, and the nearest known name."""

from __future__ import annotations

from pydantic import ValidationError

from sedlab.config.base import Config
from sedlab.errors import nearest


def explain(error: ValidationError) -> str:
    """Return the first problem of ``error`` as one line, e.g. ``unknown key stage1.epoch. Did you mean 'epochs'?``"""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"] if not str(part).endswith("Config"))
    if first["type"] == "extra_forbidden":
        return f"unknown key {path}.{nearest(str(first['loc'][-1]), _known_keys())}"
    if first["type"] == "missing":
        return f"missing key {path}."
    found = first.get("input")
    shown = "" if isinstance(found, dict) or found is None else f" (found {found!r})"
    message = first["msg"].removeprefix("Value error, ")
    return f"{path or 'value'}: {message}{shown}."


def _known_keys() -> set[str]:
    keys: set[str] = set()
    classes = [Config]
    while classes:
        current = classes.pop()
        classes.extend(current.__subclasses__())
        keys.update(current.model_fields)
    return keys
