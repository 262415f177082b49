"""Figures and inspectors.

Figure functions are pure: tables and arrays in, a figure out; nothing is displayed or saved. Inspectors are widgets
around them. Names are loaded when first used: matplotlib and ipywidgets take a second to import.
"""

from __future__ import annotations

from importlib import import_module

_HOME = {
    "ClipView": "figures.clips.clip",
    "clip_figure": "figures.clips.clip",
    "spectrogram_figure": "figures.clips.spectrogram",
    "draw_spectrogram": "figures.clips.spectrogram",
    "features_figure": "figures.lessons.features",
    "corpus_figure": "figures.lessons.corpus",
    "event_duration_figure": "figures.lessons.corpus",
    "class_gallery_figure": "figures.lessons.corpus",
    "batch_figure": "figures.lessons.batch",
    "class_draws_figure": "figures.lessons.sampling",
    "augmentation_figure": "figures.lessons.augmentations",
    "demonstrate": "figures.lessons.demonstration",
    "learning_curves_figure": "figures.learning_curves",
    "psd_roc_figure": "figures.psd_roc",
    "psd_roc_plotly": "figures.psd_roc",
    "csebbs_tuning_figure": "figures.tuning",
    "median_tuning_figure": "figures.tuning",
    "ladder_figure": "figures.ladder",
    "class_bars_figure": "figures.ladder",
    "differences_figure": "figures.intervals",
    "reliability_figure": "figures.calibration",
    "agreement_figure": "figures.agreement",
    "pseudo_label_map": "figures.pseudo_labels",
    "threshold_figure": "figures.pseudo_labels",
    "calibration_figure": "figures.calibration",
    "confidence_figure": "figures.calibration",
    "teacher_agreement_figure": "figures.agreement",
    "pseudo_label_change_figure": "figures.agreement",
    "masked_mass_figure": "figures.pseudo_labels",
    "error_kinds_figure": "figures.errors",
    "confusion_figure": "figures.errors",
    "boundary_figure": "figures.errors",
    "changes_figure": "figures.errors",
    "detections_figure": "figures.clips.detections",
    "log_mel_overview": "figures.clips.overview",
    "waveform_overview": "figures.clips.overview",
    "wall_time_figure": "figures.timeline",
    "figure_to_png": "figures.embed",
    "figure_to_png_base64": "figures.embed",
    "figure_to_svg": "figures.embed",
    "ClipPlayer": "player.player",
    "ClipInspector": "explorers.clips",
    "AugmentationInspector": "explorers.augmentations",
    "PseudoLabelInspector": "explorers.pseudo_labels",
    "PsdsInspector": "explorers.psds",
    "ErrorInspector": "explorers.errors",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
