"""A column of a list of clips: how it is filtered, written and sent to the browser."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd

from sedlab.scoring.names import class_names

#: Columns that count, but hold nan until they are computed.
_WHOLE = ("false alarms", "missed", "wrong class", "boundaries", "in pieces")


def column_kind(values: pd.Series) -> str:
    """Return how a column is filtered: "number", "classes" (tuples of labels), "choice" (few texts) or "text"."""
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    if len(values) and isinstance(values.iloc[0], tuple):
        return "classes"
    return "choice" if values.nunique() <= max(2, min(40, len(values) // 2)) else "text"


def sent_values(values: pd.Series) -> dict[str, Any]:
    """Return a column as JSON, and beside classes how they are written."""
    kind = column_kind(values)
    if kind == "number":
        numbers = values.to_numpy(dtype=float)
        return {"values": np.where(np.isfinite(numbers), numbers, None).tolist()}
    if kind == "classes":
        shown = [html.escape(text) for text in shown_values(values)]
        return {"values": [list(labels) for labels in values], "shown": shown}
    return {"values": [str(value) for value in values]}


def shown_values(values: pd.Series) -> pd.Series:
    """Return a column as numbers, or as the texts that a person reads."""
    kind = column_kind(values)
    if kind == "number":
        return values.astype(float)
    return values.map(lambda labels: ", ".join(class_names(labels))) if kind == "classes" else values.astype(str)


def digits_of(values: pd.Series) -> int:
    """Return with how many digits after the point a column of numbers is written."""
    return 0 if pd.api.types.is_integer_dtype(values) or values.name in _WHOLE else 2
