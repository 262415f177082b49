"""Figures and inspectors.

Figure functions are pure: tables and arrays in, a figure out; nothing is displayed or saved. Inspectors are widgets
around them. Names are loaded when first used: matplotlib and ipywidgets take a second to import.
"""

from __future__ import annotations

from sedlab.lazy import names_on_demand

__all__, __getattr__, __dir__ = names_on_demand(
    __name__,
    {
        "figures.clips.clip": ("ClipView", "clip_figure"),
        "figures.clips.spectrogram": ("spectrogram_figure", "draw_spectrogram"),
        "figures.lessons.features": ("features_figure",),
        "figures.lessons.corpus": ("corpus_figure", "event_duration_figure", "class_gallery_figure"),
        "figures.lessons.label_kinds": ("label_kinds_figure",),
        "figures.lessons.co_occurrence": ("co_occurrence", "co_occurrence_figure"),
        "figures.lessons.batch": ("batch_figure",),
        "figures.lessons.teaching": ("teaching_cells_figure",),
        "figures.lessons.opinions": ("opinions_figure",),
        "figures.lessons.mel": ("mel_figure",),
        "figures.lessons.overlap": ("overlap_figure",),
        "figures.lessons.sampling": ("class_draws_figure",),
        "figures.lessons.augmentations": ("augmentation_figure",),
        "figures.lessons.demonstration": ("demonstrate",),
        "figures.lessons.mean_teacher": ("following_figure", "mixture_figure"),
        "figures.lessons.tags": ("tag_figure",),
        "figures.lessons.scores": ("score_change_figure", "sureness_figure"),
        "figures.lessons.judging.psds": (
            "overlap_verdict_figure",
            "lateness_figure",
            "curve_growth_figure",
            "class_spread_figure",
        ),
        "figures.lessons.judging.filtering": ("filter_lengths_figure",),
        "figures.lessons.judging.ensembling": ("ensembling_figure", "label_reach_figure", "guesses_figure"),
        "figures.learning_curves": ("learning_curves_figure",),
        "figures.psd_roc": ("psd_roc_figure",),
        "figures.tuning": ("csebbs_tuning_figure", "median_tuning_figure"),
        "figures.ladder": ("ladder_figure", "class_bars_figure"),
        "figures.over_seeds.gains": ("seed_gains_figure",),
        "figures.over_seeds.sweeps": ("sweep_figure",),
        "figures.intervals": ("differences_figure",),
        "figures.calibration": ("reliability_figure", "calibration_figure", "confidence_figure"),
        "figures.agreement": ("agreement_figure", "teacher_agreement_figure", "pseudo_label_change_figure"),
        "figures.pseudo_labels": ("pseudo_label_map", "threshold_figure", "masked_mass_figure"),
        "figures.pseudo_label_changes": (
            "changed_seconds_figure",
            "compared_confidence_figure",
            "compared_mask_figure",
        ),
        "figures.errors": ("error_kinds_figure", "confusion_figure", "boundary_figure", "changes_figure"),
        "figures.clips.detections": ("detections_figure",),
        "figures.clips.overview": ("log_mel_overview", "waveform_overview"),
        "figures.timeline": ("wall_time_figure",),
        "figures.embed": ("figure_to_png", "figure_to_png_base64", "figure_to_svg"),
        "player.player": ("ClipPlayer",),
        "player.scene": ("Scene", "System"),
        "player.sound": ("Sound",),
        "explorers.explorer": ("Explorer",),
        "explorers.spectrograms": ("SpectrogramViewer",),
        "explorers.sounds": ("LabelledSound", "Sounds"),
        "explorers.pseudo_labels": ("PseudoLabelExplorer",),
        "explorers.psds": ("PsdsExplorer",),
        "explorers.errors": ("ErrorExplorer",),
        "explorers.watch": ("watch",),
    },
)
