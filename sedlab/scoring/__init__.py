"""Score files, ensembles, metrics, results."""

from __future__ import annotations

from importlib import import_module

# Functions named like their module (psds, ensemble) are imported from there.
_HOME = {
    "ScoreFile": "score_file",
    "read_score_file": "score_file",
    "write_score_file": "score_file",
    "read_scores": "inputs",
    "read_ground_truth": "inputs",
    "read_durations": "inputs",
    "predict_logits": "predict",
    "segment_mpauc": "mpauc",
    "audit_pseudo_labels": "pseudo_label_audit",
    "masked_shares": "masked_mass",
    "detected_events": "detections",
    "find_errors": "errors",
    "Tolerance": "errors",
    "error_table": "error_tables",
    "clip_table": "error_tables",
    "system_table": "error_tables",
    "confusions": "error_tables",
    "change_table": "error_changes",
    "validation_scores": "objective",
    "bootstrap_intervals": "bootstrap",
    "compare": "bootstrap",
    "tune_csebbs": "csebbs_tuning",
    "tune_median": "median_tuning",
    "read_tuned": "tuned",
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
