"""Score files, ensembles, metrics, results."""

from __future__ import annotations

from importlib import import_module

# Functions named like their module (psds, ensemble) are imported from there.
_HOME = {
    "ScoreFile": "score_file",
    "read_score_file": "score_file",
    "write_score_file": "score_file",
    "predict_logits": "predict",
    "segment_mpauc": "mpauc",
    "audit_pseudo_labels": "pseudo_label_audit",
    "validation_scores": "objective",
    "evaluate_score_file": "results",
    "read_results": "results",
    "write_results": "results",
    "ladder": "results",
    "format_ladder": "results",
}

__all__ = list(_HOME)


def __getattr__(name: str):
    # Lazy, because the metrics take more than a second to import.
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
