"""Frame probabilities of any waveform: what every network that scores frames can do.

Shape letters: B clips, N samples at 16 kHz, T frames, C classes.
"""

from __future__ import annotations

from torch import Tensor, nn


class FramePredictor(nn.Module):
    """Base class of networks that give event probabilities for frames of a 10 s window.

    Attributes
    ----------
    classes : tuple of str
        What the scores stand for, in their order.
    frame_samples : int
        Samples of 16 kHz in one output frame.
    """

    classes: tuple[str, ...]
    frame_samples: int

    def window_probabilities(self, waveform: Tensor) -> Tensor:
        """Return probabilities (B, T, C) of clips ``waveform`` (B, N), N at most 10 s, without class mask."""
        raise NotImplementedError
