"""The run folder as data: where its files are, and what figures and inspectors are given of them.

``from sedlab import runs``, then for instance ``runs.clip_view(run, "devtest", clip_id, iteration=2)``. A function
whose files the run has not made yet raises SedlabError with what to do. Names are loaded when first used.
"""

from __future__ import annotations

from sedlab.lazy import names_on_demand

__all__, __getattr__, __dir__ = names_on_demand(
    __name__,
    {
        "run": ("Run", "create_run", "open_run"),
        "handover": ("handed_on",),
        "variants": ("new_run",),
        "history": ("histories", "wall_times"),
        "scores": (
            "annotated_classes",
            "read_scores",
            "scored_models",
            "scored_nodes",
            "postprocessed_scores",
            "psds_of",
            "mpauc_of",
            "mpauc_by_postprocess",
            "compared_ensembles",
        ),
        "clips": ("heard_clip", "clip_view", "first_subset", "busiest_clip", "label_kinds", "ranked_clips", "hear"),
        "pseudo_labels": (
            "teachers",
            "compared_teachers",
            "suspected_labels",
            "mask_effect",
            "compared_pseudo_labels",
            "pseudo_label_audits",
            "audit_summary",
            "compared_audits",
        ),
        "seeds.results": ("seed_results", "gains_over_seeds", "has_seeds", "told_seeds"),
        "seeds.comparison": ("compared_over_seeds", "told_over_seeds", "told_step_over_seeds"),
        "sweeps.folders": ("Sweep", "open_sweep", "sweeps_of"),
        "sweeps.results": ("sweep_numbers", "sweep_table", "told_sweep", "told_sweeps"),
        "review.store": ("Review", "review_of"),
        "review.exporting": ("corrected_labels", "export_tables", "export_tracks"),
        "explore.pseudo_labels": ("suspect_queue", "compare_files"),
        "explore.curves": ("psd_roc", "curves_of"),
        "live.watching": ("watch",),
        "progress": ("cell_progress",),
        "lessons.batches": ("training_batches",),
        "lessons.parts": ("told_parts",),
        "lessons.following": ("follow_teachers",),
        "lessons.mixtures": ("hear_mixture",),
        "lessons.tags": ("pull_of_a_tag",),
        "lessons.changes": ("changed_scores", "moved_classes"),
        "lessons.terms": ("loss_terms",),
        "lessons.claims": (
            "teacher_lead",
            "difference_from_parent",
            "compared_histories",
            "heard_differently",
            "shares_of_loss",
            "agreement_share",
        ),
        "lessons.gains": ("ladder_gains", "told_gains", "guessed_gains", "told_guess"),
        "lessons.comparison": (
            "compared_runs",
            "changed_settings",
            "retrained_nodes",
            "told_variant",
            "told_differences",
        ),
        "lessons.trust": ("disputed_frame", "told_calibration"),
        "lessons.uptake": ("told_uptake",),
        "lessons.reach": ("label_reach", "told_reach"),
        "lessons.brief": ("brief_event",),
        "lessons.spread": ("without_worst", "told_spread"),
        "lessons.errors": ("told_errors",),
        "errors": ("error_cases", "scored_systems", "baseline_of", "read_errors", "cases_of"),
    },
)
