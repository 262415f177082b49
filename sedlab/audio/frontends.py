"""The four front-ends: a batch of waveforms in, log-mel features (or the CRNN's magnitudes) out.

Each transformer was pre-trained on its own features, so each has its own front-end, with the constants of its
publication. All take mono waveforms (B, N) at 16 kHz in [-1, 1], work on the device of the waveform, have no
trainable parameters and return float32 (B, 1, F, T); buffers are derived from constants and are not saved in
checkpoints. ``constants`` says by name what somebody needs to compute the same features elsewhere, lengths in samples
and frequencies in Hz; checkpoints record it.

| front-end | 10 s | hop |
| --- | --- | --- |
| `PasstMel` | (B, 1, 128, 1000) | 10 ms |
| `BeatsFbank` | (B, 1, 128, 998) | 10 ms |
| `AtstMel` | (B, 1, 64, 1001) | 10 ms |
| `CrnnMel` | (B, 1, 128, 626) | 16 ms |

Written here, not taken from torchaudio, because the published systems deviate from it; where they do not, tests hold
features and filters to torchaudio's.

Source: public code of CP-JKU's DCASE 2024 Task 4 system (arXiv 2408.00791), of BEATs (arXiv 2212.09058) and of
ATST-Frame (arXiv 2306.04186).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from sedlab.audio.mel_filters import htk_filters, kaldi_filters
from sedlab.audio.spectrogram import centred_frames, mel_spectrogram, padded_window
from sedlab.config.model import AtstConfig, BeatsConfig, CrnnConfig, PasstConfig, TransformerConfig
from sedlab.grid import SAMPLE_RATE

PREEMPHASIS = 0.97
HOP = 160  # 10 ms, the same for the three transformers

Constants = dict[str, float | str]


class PasstMel(nn.Module):
    """Features of fPaSST: log-mel of the pre-emphasised waveform, band edges drawn anew for each batch in training.

    In evaluation the bands run from ``fmin`` to ``fmax``. In training mode the edges are drawn once per call from the
    ranges of the configuration, which shifts and stretches the mel axis a little.
    """

    def __init__(self, config: PasstConfig):
        super().__init__()
        self.config = config
        self.n_fft = 512
        self.fmin = config.fmin
        self.fmax = 8000 - config.fmax_range // 2 if config.fmax is None else config.fmax
        self.register_buffer("window", padded_window(torch.hann_window(400), self.n_fft), persistent=False)
        self.register_buffer("filters", self._filters(self.fmin, self.fmax), persistent=False)

    @property
    def constants(self) -> Constants:
        """What the features of evaluation are made with."""
        return {
            **_grid(HOP, self.config.num_mels),
            "pre_emphasis": PREEMPHASIS,
            "n_fft": self.n_fft,
            "window": "Hann, periodic, 400",
            "spectrum": "power",
            "mel_scale": "Kaldi",
            "fmin": self.fmin,
            "fmax": self.fmax,
            "scaling": "(ln max(x, 1e-7) + 4.5) / 5",
        }

    def forward(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return features (B, 1, F, N // 160). ``generator`` (on the CPU) draws the band edges in training mode."""
        filters = self._drawn_filters(generator) if self.training else self.filters
        emphasised = waveform[:, 1:].float() - PREEMPHASIS * waveform[:, :-1].float()
        mel = mel_spectrogram(emphasised, filters, self._frames, hop=HOP)
        return ((mel.clamp_(min=1e-7).log_() + 4.5) / 5.0)[:, None]

    def _frames(self, waveform: Tensor) -> Tensor:
        return centred_frames(waveform, self.window, HOP)

    def _drawn_filters(self, generator: Generator | None) -> Tensor:
        lower, upper = self.config.fmin_range, self.config.fmax_range
        if lower == upper == 1:
            return self.filters
        fmin = self.fmin + int(torch.randint(lower, (), generator=generator))
        fmax = self.fmax + upper // 2 - int(torch.randint(upper, (), generator=generator))
        return self._filters(fmin, fmax).to(self.filters.device)

    def _filters(self, fmin: float, fmax: float) -> Tensor:
        return kaldi_filters(self.config.num_mels, self.n_fft, fmin, fmax)


class BeatsFbank(nn.Module):
    """Features of BEATs: Kaldi's filter bank energies, normalised with the mean and deviation of AudioSet."""

    def __init__(self, config: BeatsConfig):
        super().__init__()
        self.num_mels, self.n_fft, self.length = config.num_mels, 512, 400
        povey = torch.hann_window(self.length, periodic=False).pow(0.85)
        self.register_buffer("window", povey[1:], persistent=False)
        self.register_buffer("filters", kaldi_filters(config.num_mels, self.n_fft, 20.0, 8000.0), persistent=False)

    @property
    def constants(self) -> Constants:
        """What the features are made with."""
        return {
            **_grid(HOP, self.num_mels),
            "pre_emphasis": PREEMPHASIS,
            "n_fft": self.n_fft,
            "window": f"Povey, {self.length}, mean removed",
            "spectrum": "power of 2^15 x",
            "mel_scale": "Kaldi",
            "fmin": 20.0,
            "fmax": 8000.0,
            "scaling": "(ln max(x, 1.19e-7) - 15.41663) / 13.11164",
        }

    def forward(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return features (B, 1, F, 1 + (N - 400) // 160)."""
        mel = mel_spectrogram(waveform, self.filters, self._frames, hop=HOP)
        log_mel = mel.clamp_(min=torch.finfo(torch.float32).eps).log_()
        return ((log_mel - 15.41663) / (2 * 6.55582))[:, None]

    def _frames(self, waveform: Tensor) -> Tensor:
        """Return windowed frames (B, T, 512): each without its mean, then pre-emphasised.

        The order of the operations is Kaldi's: another one costs the last digits in bins that are almost empty.
        """
        frames = (waveform * 2.0**15).unfold(-1, self.length, HOP)
        frames = frames - frames.mean(-1, keepdim=True)
        # The window starts with a zero, so what precedes a frame's first sample does not matter.
        emphasised = (frames[..., 1:] - PREEMPHASIS * frames[..., :-1]).mul_(self.window)
        return F.pad(emphasised, (1, self.n_fft - self.length))


class AtstMel(nn.Module):
    """Features of ATST-Frame: mel power in dB, at most 80 dB below the loudest, scaled to about [-1, 1].

    As published, "the loudest" is the loudest cell of the whole batch, so a quiet clip's features depend on its
    neighbours. ``top_db_scope="clip"`` in the configuration makes each clip stand alone.
    """

    def __init__(self, config: AtstConfig):
        super().__init__()
        self.num_mels, self.n_fft = config.num_mels, 1024
        self.top_db_scope = config.top_db_scope
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)
        self.register_buffer("filters", htk_filters(config.num_mels, self.n_fft, 60.0, 7800.0), persistent=False)

    @property
    def constants(self) -> Constants:
        """What the features are made with."""
        return {
            **_grid(HOP, self.num_mels),
            "n_fft": self.n_fft,
            "window": f"Hann, periodic, {self.n_fft}",
            "spectrum": "power",
            "mel_scale": "HTK",
            "fmin": 60.0,
            "fmax": 7800.0,
            "scaling": f"dB, at most 80 below the loudest of the {self.top_db_scope}, (-79.6482, 50.6842) to (-1, 1)",
        }

    def forward(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return features (B, 1, F, 1 + N // 160)."""
        mel = mel_spectrogram(waveform, self.filters, self._frames, hop=HOP)
        decibel = mel.clamp_(min=1e-10).log10_().mul_(10.0)
        loudest = decibel.amax() if self.top_db_scope == "batch" else decibel.amax(dim=(1, 2), keepdim=True)
        decibel = torch.maximum(decibel, loudest - 80.0).clamp_(-50.0, 80.0)
        return (2.0 * (decibel + 79.6482) / (50.6842 + 79.6482) - 1.0)[:, None]

    def _frames(self, waveform: Tensor) -> Tensor:
        return centred_frames(waveform, self.window, HOP)


class CrnnMel(nn.Module):
    """Linear mel magnitudes for the CRNN branch; ``scale_crnn_mel`` turns them into its input.

    Mixing clips acts on these magnitudes, before the logarithm.
    """

    def __init__(self, config: CrnnConfig):
        super().__init__()
        self.num_mels, self.n_fft, self.hop = config.num_mels, config.n_fft, config.hop
        self.register_buffer("window", torch.hamming_window(config.n_fft, periodic=False), persistent=False)
        self.register_buffer("filters", htk_filters(config.num_mels, config.n_fft, 0.0, 8000.0), persistent=False)

    @property
    def constants(self) -> Constants:
        """What the CRNN's input is made with, scaling included."""
        return {
            **_grid(self.hop, self.num_mels),
            "n_fft": self.n_fft,
            "window": f"Hamming, symmetric, {self.n_fft}",
            "spectrum": "magnitude",
            "mel_scale": "HTK",
            "fmin": 0.0,
            "fmax": 8000.0,
            "scaling": "dB in (-50, 80), each clip's range to (-1, 1)",
        }

    def forward(self, waveform: Tensor) -> Tensor:
        """Return magnitudes (B, 1, F, 1 + N // hop)."""
        mel = mel_spectrogram(waveform, self.filters, self._frames, hop=self.hop, magnitude=True)
        return mel[:, None]

    def _frames(self, waveform: Tensor) -> Tensor:
        return centred_frames(waveform, self.window, self.hop)


def scale_crnn_mel(magnitude: Tensor) -> Tensor:
    """Return ``magnitude`` (B, 1, F, T) in dB, clamped to [-50, 80] and stretched to [-1, 1] for each clip.

    A constant clip becomes -1 everywhere.
    """
    decibel = magnitude_to_decibel(magnitude)
    low, high = decibel.amin(dim=(2, 3), keepdim=True), decibel.amax(dim=(2, 3), keepdim=True)
    return 2.0 * (decibel - low) / (high - low + 1e-8) - 1.0


def magnitude_to_decibel(magnitude: Tensor) -> Tensor:
    """Return ``20 log10(magnitude)``, clamped to [-50, 80] dB."""
    return (20.0 * magnitude.float().clamp(min=1e-5).log10()).clamp(-50.0, 80.0)


def build_frontend(config: TransformerConfig) -> nn.Module:
    """Return the front-end that belongs to the transformer of ``config``."""
    return {"passt": PasstMel, "beats": BeatsFbank, "atst": AtstMel}[config.arch](config)


def _grid(hop: int, num_mels: int) -> Constants:
    return {"sample_rate": SAMPLE_RATE, "hop": hop, "mels": num_mels}
