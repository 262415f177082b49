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

from sedlab.audio.mel_filters import CPU, band_edges, htk_filters, kaldi_filters
from sedlab.audio.packing import moved
from sedlab.audio.spectrogram import centred_frames, mel_spectrogram, padded_window
from sedlab.config.model import AtstConfig, BeatsConfig, CrnnConfig, PasstConfig, TransformerConfig
from sedlab.grid import SAMPLE_RATE

PREEMPHASIS = 0.97
HOP = 160  # 10 ms, the same for the three transformers

Constants = dict[str, float | str]


class Frontend(nn.Module):
    """What the front-ends share: windowed frames, a mel filter bank, and the constants by name."""

    def __init__(self, window: Tensor, filters: Tensor, constants: Constants, *, hop: int = HOP):
        super().__init__()
        self.hop = hop
        self.constants: Constants = {"sample_rate": SAMPLE_RATE, "hop": hop, "mels": filters.shape[1], **constants}
        device = torch.get_default_device()
        self.register_buffer("window", window.to(device), persistent=False)
        self.register_buffer("filters", filters.to(device), persistent=False)

    @property
    def band_edges(self) -> Tensor:
        """Where the bands begin and end (F + 2,) in Hz, see `mel_filters.band_edges`; in evaluation, for fPaSST."""
        return band_edges(self.constants["mels"], self.constants["fmin"], self.constants["fmax"])

    def _mel(self, waveform: Tensor, filters: Tensor | None = None, *, magnitude: bool = False) -> Tensor:
        filters = self.filters if filters is None else filters
        return mel_spectrogram(waveform, filters, self._frames, hop=self.hop, magnitude=magnitude)

    def _frames(self, waveform: Tensor) -> Tensor:
        return centred_frames(waveform, self.window, self.hop)


class PasstMel(Frontend):
    """Features of fPaSST: log-mel of the pre-emphasised waveform, band edges drawn anew for each batch in training.

    In evaluation the bands run from ``fmin`` to ``fmax``. In training mode the edges are drawn once per call from the
    ranges of the configuration, which shifts and stretches the mel axis a little.
    """

    def __init__(self, config: PasstConfig):
        fmin, n_fft = config.fmin, 512
        fmax = 8000 - config.fmax_range // 2 if config.fmax is None else config.fmax
        constants = {
            "pre_emphasis": PREEMPHASIS,
            "n_fft": n_fft,
            "window": "Hann, periodic, 400",
            "spectrum": "power",
            "mel_scale": "Kaldi",
            "fmin": fmin,
            "fmax": fmax,
            "scaling": "(ln max(x, 1e-7) + 4.5) / 5",
        }
        filters = kaldi_filters(config.num_mels, n_fft, fmin, fmax)
        super().__init__(padded_window(torch.hann_window(400, device=CPU), n_fft), filters, constants)
        self.config, self.fmin, self.fmax, self.n_fft = config, fmin, fmax, n_fft

    def forward(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return features (B, 1, F, N // 160). ``generator`` (on the CPU) draws the band edges in training mode."""
        filters = self._drawn_filters(generator) if self.training else self.filters
        emphasised = waveform[:, 1:].float() - PREEMPHASIS * waveform[:, :-1].float()
        return ((self._mel(emphasised, filters).clamp_(min=1e-7).log_() + 4.5) / 5.0)[:, None]

    def _drawn_filters(self, generator: Generator | None) -> Tensor:
        lower, upper = self.config.fmin_range, self.config.fmax_range
        if lower == upper == 1:
            return self.filters
        fmin = self.fmin + int(torch.randint(lower, (), generator=generator))
        fmax = self.fmax + upper // 2 - int(torch.randint(upper, (), generator=generator))
        return moved(kaldi_filters(self.config.num_mels, self.n_fft, fmin, fmax), self.filters.device)


class BeatsFbank(Frontend):
    """Features of BEATs: Kaldi's filter bank energies, normalised with the mean and deviation of AudioSet."""

    def __init__(self, config: BeatsConfig):
        n_fft, length, fmin, fmax = 512, 400, 20.0, 8000.0
        constants = {
            "pre_emphasis": PREEMPHASIS,
            "n_fft": n_fft,
            "window": f"Povey, {length}, mean removed",
            "spectrum": "power of 2^15 x",
            "mel_scale": "Kaldi",
            "fmin": fmin,
            "fmax": fmax,
            "scaling": "(ln max(x, 1.19e-7) - 15.41663) / 13.11164",
        }
        povey = torch.hann_window(length, periodic=False, device=CPU).pow(0.85)
        super().__init__(povey[1:], kaldi_filters(config.num_mels, n_fft, fmin, fmax), constants)
        self.n_fft, self.length = n_fft, length

    def forward(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return features (B, 1, F, 1 + (N - 400) // 160)."""
        log_mel = self._mel(waveform).clamp_(min=torch.finfo(torch.float32).eps).log_()
        return ((log_mel - 15.41663) / (2 * 6.55582))[:, None]

    def _frames(self, waveform: Tensor) -> Tensor:
        """Return windowed frames (B, T, 512): each without its mean, then pre-emphasised.

        The order of the operations is Kaldi's: another one costs the last digits in bins that are almost empty.
        """
        frames = (waveform * 2.0**15).unfold(-1, self.length, self.hop)
        frames = frames - frames.mean(-1, keepdim=True)
        # The window starts with a zero, so what precedes a frame's first sample does not matter.
        emphasised = (frames[..., 1:] - PREEMPHASIS * frames[..., :-1]).mul_(self.window)
        return F.pad(emphasised, (1, self.n_fft - self.length))


class AtstMel(Frontend):
    """Features of ATST-Frame: mel power in dB, at most 80 dB below the loudest, scaled to about [-1, 1].

    As published, "the loudest" is the loudest cell of the whole batch, so a quiet clip's features depend on its
    neighbours. ``top_db_scope="clip"`` in the configuration makes each clip stand alone, as
    `sedlab.inference.evaluating` does wherever a network is asked for scores.
    """

    def __init__(self, config: AtstConfig):
        n_fft, fmin, fmax = 1024, 60.0, 7800.0
        constants = {
            "n_fft": n_fft,
            "window": f"Hann, periodic, {n_fft}",
            "spectrum": "power",
            "mel_scale": "HTK",
            "fmin": fmin,
            "fmax": fmax,
            "scaling": f"dB, at most 80 below the loudest of the {config.top_db_scope}, (-79.6482, 50.6842) to (-1, 1)",
        }
        super().__init__(
            torch.hann_window(n_fft, device=CPU), htk_filters(config.num_mels, n_fft, fmin, fmax), constants
        )
        self.top_db_scope = config.top_db_scope

    def forward(self, waveform: Tensor, generator: Generator | None = None) -> Tensor:
        """Return features (B, 1, F, 1 + N // 160)."""
        decibel = self._mel(waveform).clamp_(min=1e-10).log10_().mul_(10.0)
        loudest = decibel.amax() if self.top_db_scope == "batch" else decibel.amax(dim=(1, 2), keepdim=True)
        decibel = torch.maximum(decibel, loudest - 80.0).clamp_(-50.0, 80.0)
        return (2.0 * (decibel + 79.6482) / (50.6842 + 79.6482) - 1.0)[:, None]


class CrnnMel(Frontend):
    """Linear mel magnitudes for the CRNN branch; ``scale_crnn_mel`` turns them into its input.

    Mixing clips acts on these magnitudes, before the logarithm.
    """

    def __init__(self, config: CrnnConfig):
        n_fft, fmin, fmax = config.n_fft, 0.0, 8000.0
        constants = {
            "n_fft": n_fft,
            "window": f"Hamming, symmetric, {n_fft}",
            "spectrum": "magnitude",
            "mel_scale": "HTK",
            "fmin": fmin,
            "fmax": fmax,
            "scaling": "dB in (-50, 80), each clip's range to (-1, 1)",
        }
        window = torch.hamming_window(n_fft, periodic=False, device=CPU)
        super().__init__(window, htk_filters(config.num_mels, n_fft, fmin, fmax), constants, hop=config.hop)

    def forward(self, waveform: Tensor) -> Tensor:
        """Return magnitudes (B, 1, F, 1 + N // hop)."""
        return self._mel(waveform, magnitude=True)[:, None]


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
