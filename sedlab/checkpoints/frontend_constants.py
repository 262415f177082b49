"""The constants behind a network's features, written out: what somebody needs to compute the same ones elsewhere."""

from __future__ import annotations

from typing import Any

from sedlab.config.model import (
    AtstConfig,
    BeatsConfig,
    CrnnConfig,
    DetectorConfig,
    PasstConfig,
    TaggerConfig,
    TransformerConfig,
)
from sedlab.grid import SAMPLE_RATE

_HOP = 160


def frontend_constants(config: DetectorConfig | TaggerConfig | TransformerConfig) -> dict[str, dict[str, Any]]:
    """Return for each front-end ("transformer", and "crnn" in detectors) its constants by name.

    Lengths are in samples of 16 kHz, frequencies in Hz.
    """
    if isinstance(config, DetectorConfig):
        return {"transformer": _transformer(config.transformer), "crnn": _crnn(config.crnn)}
    return {"transformer": _transformer(config.transformer if isinstance(config, TaggerConfig) else config)}


def _transformer(config: TransformerConfig) -> dict[str, Any]:
    describe = {PasstConfig: _passt, BeatsConfig: _beats, AtstConfig: _atst}[type(config)]
    return {"sample_rate": SAMPLE_RATE, "hop": _HOP, "mels": config.num_mels, **describe(config)}


def _passt(config: PasstConfig) -> dict[str, Any]:
    return {
        "pre_emphasis": 0.97,
        "n_fft": 512,
        "window": "Hann, periodic, 400",
        "spectrum": "power",
        "mel_scale": "Kaldi",
        "fmin": config.fmin,
        "fmax": 8000 - config.fmax_range // 2 if config.fmax is None else config.fmax,
        "scaling": "(ln max(x, 1e-7) + 4.5) / 5",
    }


def _beats(config: BeatsConfig) -> dict[str, Any]:
    return {
        "pre_emphasis": 0.97,
        "n_fft": 512,
        "window": "Povey, 400, mean removed",
        "spectrum": "power of 2^15 x",
        "mel_scale": "Kaldi",
        "fmin": 20.0,
        "fmax": 8000.0,
        "scaling": "(ln max(x, 1.19e-7) - 15.41663) / 13.11164",
    }


def _atst(config: AtstConfig) -> dict[str, Any]:
    return {
        "n_fft": 1024,
        "window": "Hann, periodic, 1024",
        "spectrum": "power",
        "mel_scale": "HTK",
        "fmin": 60.0,
        "fmax": 7800.0,
        "scaling": f"dB, at most 80 below the loudest of the {config.top_db_scope}, (-79.6482, 50.6842) to (-1, 1)",
    }


def _crnn(config: CrnnConfig) -> dict[str, Any]:
    return {
        "sample_rate": SAMPLE_RATE,
        "hop": config.hop,
        "mels": config.num_mels,
        "n_fft": config.n_fft,
        "window": f"Hamming, symmetric, {config.n_fft}",
        "spectrum": "magnitude",
        "mel_scale": "HTK",
        "fmin": 0.0,
        "fmax": 8000.0,
        "scaling": "dB in (-50, 80), each clip's range to (-1, 1)",
    }
