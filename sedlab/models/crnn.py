"""The convolutional and recurrent parts of the detector.

Shape letters: B clips, C channels, T frames, F mel bins.
"""

from __future__ import annotations

from torch import Tensor, nn

from sedlab.audio.frontends import scale_crnn_mel
from sedlab.config.model import CrnnConfig
from sedlab.models.layers import norm_gate_and_pool


class GatedCnn(nn.Module):
    """Mel magnitudes (B, 1, F, T') to frame features (B, T, C): convolutions with context gates, frequency pooled to 1.

    Reference
        DCASE Task 4 baseline; context gating from Miech et al., arXiv 1706.06905.
    """

    def __init__(self, config: CrnnConfig):
        super().__init__()
        channels = (1, *config.channels)
        self.layers = nn.ModuleList(
            GatedConvolution(channels[i], channels[i + 1], pool, config) for i, pool in enumerate(config.pools)
        )

    def forward(self, magnitude: Tensor) -> Tensor:
        """Return (B, T, C) for mel magnitudes (B, 1, F, T'); 64 ms a frame."""
        x = scale_crnn_mel(magnitude).transpose(2, 3)
        for layer in self.layers:
            x = layer(x)
        return x.squeeze(3).transpose(1, 2)


class GatedConvolution(nn.Module):
    """3x3 convolution, batch norm, context gate, dropout, average pooling over (time, frequency)."""

    def __init__(self, in_channels: int, out_channels: int, pool: tuple[int, int], config: CrnnConfig):
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=config.batchnorm_momentum)
        self.gate = nn.Linear(out_channels, out_channels)
        self.pool = pool
        self.dropout = config.dropout

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, T / pool, F / pool) for ``x`` (B, C', T, F)."""
        x, gate = self.convolution(x), self.gate
        options = {"pool": self.pool, "dropout": self.dropout, "training": self.training}
        return norm_gate_and_pool(x, self.norm, gate.weight, gate.bias, **options)
