"""Figures and inspectors.

Figure functions are pure: tables and arrays in, a figure out; nothing is displayed or saved. Inspectors are widgets
around them. Names are loaded when first used: matplotlib and ipywidgets take a second to import.
"""

from __future__ import annotations

from importlib import import_module

_HOME = {
    "ClipView": "clip",
    "clip_figure": "clip",
    "spectrogram_figure": "spectrogram",
    "draw_spectrogram": "spectrogram",
    "features_figure": "features",
    "corpus_figure": "corpus",
    "event_duration_figure": "corpus",
    "class_gallery_figure": "corpus",
    "batch_figure": "batch",
    "class_draws_figure": "sampling",
    "augmentation_figure": "augmentations",
    "demonstrate": "demonstration",
    "learning_curves_figure": "curves",
    "psd_roc_figure": "curves",
    "psd_roc_plotly": "curves",
    "csebbs_tuning_figure": "tuning",
    "median_tuning_figure": "tuning",
    "ladder_figure": "ladder",
    "class_bars_figure": "ladder",
    "differences_figure": "intervals",
    "reliability_figure": "pseudo_labels",
    "agreement_figure": "pseudo_labels",
    "pseudo_label_map": "pseudo_labels",
    "threshold_figure": "pseudo_labels",
    "calibration_figure": "calibration",
    "confidence_figure": "calibration",
    "teacher_agreement_figure": "teachers",
    "pseudo_label_change_figure": "teachers",
    "masked_mass_figure": "teachers",
    "error_kinds_figure": "errors",
    "confusion_figure": "errors",
    "boundary_figure": "errors",
    "changes_figure": "errors",
    "detections_figure": "detections",
    "log_mel_overview": "overview",
    "waveform_overview": "overview",
    "wall_time_figure": "timeline",
    "figure_to_png": "embed",
    "figure_to_png_base64": "embed",
    "figure_to_svg": "embed",
    "ClipPlayer": "player",
    "ClipInspector": "clip_inspector",
    "AugmentationInspector": "augmentation_inspector",
    "PseudoLabelInspector": "pseudo_label_inspector",
    "PsdsInspector": "psds_inspector",
    "ErrorInspector": "error_inspector",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
