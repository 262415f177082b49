"""What all configuration classes share: unknown keys are refused with the nearest one, values cannot change."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sedlab.errors import first_problem

Probability = Annotated[float, Field(ge=0, le=1)]


class Config(BaseModel):
    """A validated, immutable piece of configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)


def explain(error: ValidationError) -> str:
    """Return the first problem of ``error`` as one line, e.g. ``unknown key stage1.epoch. Did you mean 'epochs'?``"""
    line = first_problem(error, _known_keys())
    remedy = {"missing": " Add it.", "extra_forbidden": " Remove it."}.get(error.errors()[0]["type"], "")
    return line if "Did you mean" in line else line + remedy


def _known_keys() -> set[str]:
    keys: set[str] = set()
    classes = [Config]
    while classes:
        current = classes.pop()
        classes.extend(current.__subclasses__())
        keys.update(current.model_fields)
    return keys
