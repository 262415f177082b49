"""Score files, ensembles, metrics, results."""

from __future__ import annotations

from sedlab.lazy import names_on_demand

# The metrics take more than a second to import. Functions named like their module (psds, ensemble) are taken there.
__all__, __getattr__, __dir__ = names_on_demand(
    __name__,
    {
        "scores.file": ("ScoreFile", "read_score_file", "write_score_file"),
        "scores.inputs": ("read_scores", "read_ground_truth", "read_durations"),
        "postprocess": ("Postprocess",),
        "scores.predict": ("predict_logits",),
        "metrics.mpauc": ("segment_mpauc",),
        "audit.reliability": ("audit_pseudo_labels",),
        "audit.masked_mass": ("masked_shares",),
        "errors.detections": ("detected_events",),
        "errors.cases": ("find_errors",),
        "errors.kinds": ("Tolerance",),
        "errors.tables": ("error_table", "clip_table", "system_table", "confusions"),
        "errors.changes": ("change_table",),
        "metrics.objective": ("validation_scores",),
        "metrics.bootstrap": ("bootstrap_intervals", "Resampling"),
        "metrics.events": ("CountedEvents",),
        "metrics.segments": ("CountedSegments",),
        "metrics.comparison": ("compare",),
        "curves.curve_set": ("CurveSet",),
        "tuning.csebbs": ("tune_csebbs",),
        "tuning.median": ("tune_median",),
        "subset": ("evaluate_score_file",),
        "results": ("read_results", "write_results", "ladder", "format_ladder"),
    },
)
