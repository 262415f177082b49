"""Validation errors of a configuration in the user's words, with the nearest known option."""

from __future__ import annotations

from pydantic import ValidationError

from sedlab.config.base import Config
from sedlab.errors import first_problem


def explain(error: ValidationError) -> str:
    """Return the first problem of ``error`` as one line, e.g. ``unknown key stage1.epoch. Did you mean 'epochs'?``"""
    return first_problem(error, _known_keys())


def _known_keys() -> set[str]:
    keys: set[str] = set()
    classes = [Config]
    while classes:
        current = classes.pop()
        classes.extend(current.__subclasses__())
        keys.update(current.model_fields)
    return keys
