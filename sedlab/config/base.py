"""What all configuration classes share: unknown keys are refused with the nearest one, values cannot change."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sedlab.errors import first_problem

Probability = Annotated[float, Field(ge=0, le=1)]


class Config(BaseModel):
    """A validated, immutable piece of configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, values: Any) -> Any:
        """Refuse true for a number, as of ``epochs: yes``, which would become 1."""
        for name, value in values.items() if isinstance(values, dict) else ():
            annotation = cls.model_fields[name].annotation if name in cls.model_fields else bool
            if isinstance(value, bool) and bool not in (annotation, *get_args(annotation)):
                given = f"{name} is {str(value).lower()} (or yes, no, on, off), which is no value for it"
                raise ValueError(f"{given}. Leave it out, or write what it should be")
        return values


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
