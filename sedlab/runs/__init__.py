"""The run folder as data: where its files are, and what figures and inspectors are given of them.

``from sedlab import runs``, then for instance ``runs.clip_view(run, "devtest", clip_id, iteration=2)``. A function
whose files the run has not made yet raises SedlabError with what to do. Names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Run": "run",
    "create_run": "run",
    "open_run": "run",
    "histories": "history",
    "wall_times": "history",
    "annotated_classes": "scores",
    "read_scores": "scores",
    "scored_models": "scores",
    "scored_nodes": "scores",
    "postprocessed_scores": "scores",
    "psds_of": "scores",
    "compared_ensembles": "scores",
    "heard_clip": "clips",
    "clip_view": "clips",
    "busiest_clip": "clips",
    "ranked_clips": "clips",
    "hear": "clips",
    "teachers": "pseudo_labels",
    "compared_teachers": "pseudo_labels",
    "suspected_labels": "pseudo_labels",
    "mask_effect": "pseudo_labels",
    "compared_pseudo_labels": "pseudo_labels",
    "pseudo_label_audits": "pseudo_labels",
    "audit_summary": "pseudo_labels",
    "compared_audits": "pseudo_labels",
    "error_cases": "errors",
    "scored_systems": "errors",
    "baseline_of": "errors",
    "read_errors": "errors",
    "cases_of": "errors",
    "case_view": "errors",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
