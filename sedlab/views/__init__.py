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
    "learning_curves_figure": "curves",
    "psd_roc_figure": "curves",
    "psd_roc_plotly": "curves",
    "ladder_figure": "ladder",
    "class_bars_figure": "ladder",
    "reliability_figure": "pseudo_labels",
    "agreement_figure": "pseudo_labels",
    "pseudo_label_map": "pseudo_labels",
    "threshold_figure": "pseudo_labels",
    "wall_time_figure": "timeline",
    "figure_to_png": "embed",
    "figure_to_png_base64": "embed",
    "figure_to_svg": "embed",
    "ClipPlayer": "player",
    "ClipInspector": "clip_inspector",
    "PseudoLabelInspector": "pseudo_label_inspector",
    "PsdsInspector": "psds_inspector",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
