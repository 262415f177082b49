"""What the player frames of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd


def focus_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the times and the class of a case, which the player frames."""
    return {"onset": float(case["onset"]), "offset": float(case["offset"]), "label": str(case["label"])}


def first_focuses(cases: pd.DataFrame, key_of: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """Return {key: focus} of the first case of each clip, in their order; ``key_of`` takes a clip id."""
    focuses: dict[str, dict[str, Any]] = {}
    for case in cases.to_dict("records"):
        focuses.setdefault(key_of(case["clip_id"]), focus_of(case))
    return focuses
