"""Score files, ensembles, metrics, results."""

from __future__ import annotations

from importlib import import_module

# Functions named like their module (psds, ensemble) are imported from there.
_HOME = {
    "ScoreFile": "scores.file",
    "read_score_file": "scores.file",
    "write_score_file": "scores.file",
    "read_scores": "scores.inputs",
    "read_ground_truth": "scores.inputs",
    "read_durations": "scores.inputs",
    "Postprocess": "postprocess",
    "predict_logits": "scores.predict",
    "segment_mpauc": "metrics.mpauc",
    "audit_pseudo_labels": "audit.reliability",
    "masked_shares": "audit.masked_mass",
    "detected_events": "errors.detections",
    "find_errors": "errors.kinds",
    "Tolerance": "errors.kinds",
    "error_table": "errors.tables",
    "clip_table": "errors.tables",
    "system_table": "errors.tables",
    "confusions": "errors.tables",
    "change_table": "errors.changes",
    "validation_scores": "metrics.objective",
    "bootstrap_intervals": "metrics.bootstrap",
    "CountedEvents": "metrics.events",
    "CountedSegments": "metrics.segments",
    "Resampling": "metrics.bootstrap",
    "compare": "metrics.comparison",
    "tune_csebbs": "tuning.csebbs",
    "tune_median": "tuning.median",
    "evaluate_score_file": "subset",
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
