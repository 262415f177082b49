"""fPaSST: the frame-level Patchout faSt Spectrogram Transformer.

A small convolutional stem reduces time to 40 ms steps; each token then sees all frequencies of two neighbouring steps.

Reference
    Koutini et al., arXiv 2110.05069 (PaSST); Schmid et al., arXiv 2408.00791 (frame-level variant).

Shape letters: B clips, F mel bins, T feature frames, L tokens, D width, S stem columns.
"""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sedlab.config.model import PasstConfig
from sedlab.models.layers import linear
from sedlab.models.transformer import AudioTransformer, PreNormBlock, init_positions


class PasstTransformer(AudioTransformer):
    """Features (B, 1, F, T) to embeddings (B, L, D), one token for 4 frames (40 ms).

    Positions exist for ``max_tokens``; what lies behind is dropped with a warning. Shorter inputs take the first
    positions in evaluation and a random window of them in training.
    """

    def __init__(self, config: PasstConfig):
        super().__init__(config)
        channels = (1, *config.stem_channels)
        self.stem = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], 3, stride=stride, padding=1) for i, stride in enumerate((2, 1, 2))
        ).to(memory_format=torch.channels_last)  # twice as fast on a CPU
        # Four channels of F / 4 rows are folded into one of F rows, so that the patches of DeiT fit.
        self.patch = ColumnPairs(channels[-1] // 4, config.num_mels, config.dim)
        self.class_token = nn.Parameter(torch.empty(1, 1, config.dim))
        self.distillation_token = nn.Parameter(torch.empty(1, 1, config.dim))
        self.token_position = nn.Parameter(torch.empty(1, 2, config.dim))
        self.frequency_position = nn.Parameter(torch.empty(1, config.dim, 1, 1))
        self.time_position = nn.Parameter(torch.empty(1, config.dim, 1, config.max_tokens))
        init_positions(
            self.class_token, self.distillation_token, self.token_position, self.frequency_position, self.time_position
        )
        self.blocks = nn.ModuleList(PreNormBlock(config.dim, config.heads, config.mlp_dim) for _ in range(config.depth))
        self.final_norm = nn.LayerNorm(config.dim, eps=1e-6)

    def forward(self, features: Tensor) -> Tensor:
        """Return embeddings (B, L, D) for ``features`` (B, 1, F, T), L = min(T / 4 rounded up, max_tokens)."""
        return super().forward(features)[:, 2:]

    def tokens(self, features: Tensor) -> Tensor:
        """Return the input of the first block (B, 2 + L, D): class and distillation token, then the patches."""
        x = features
        for convolution in self.stem:
            x = F.gelu(convolution(x))
        x = x.reshape(len(x), -1, self.config.num_mels, x.shape[-1])
        patches = self._positioned(self.patch(x))
        extra = torch.cat([self.class_token, self.distillation_token], dim=1) + self.token_position
        return torch.cat([extra.expand(len(x), -1, -1), patches], dim=1)

    def _positioned(self, patches: Tensor) -> Tensor:
        longest = self.config.max_tokens
        length = patches.shape[1]
        if length > longest:
            warnings.warn(f"PaSST: only the first {longest} of {length} tokens are used", stacklevel=5)
            patches, length = patches[:, :longest], longest
        start = 0
        if self.training and length < longest:
            start = int(torch.randint(longest - length + 1, ()))
        position = self.time_position[..., start : start + length] + self.frequency_position
        return patches + position.flatten(2).transpose(1, 2)


class ColumnPairs(nn.Module):
    """Patches of two neighbouring columns: token i sees columns i and i + 1, the last one zeros instead.

    This is the published convolution with a kernel of (num_mels, 2) and its weight's shape, as one matrix product.
    """

    def __init__(self, channels: int, num_mels: int, dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(dim, channels, num_mels, 2))
        self.bias = nn.Parameter(torch.zeros(dim))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Return tokens (B, S, D) for ``x`` (B, channels, num_mels, S)."""
        columns = x.flatten(1, 2).transpose(1, 2)
        weight = self.weight.permute(3, 0, 1, 2).flatten(2).flatten(0, 1)  # (2 · D, channels · num_mels)
        first, second = linear(columns, weight).chunk(2, dim=-1)
        return first + F.pad(second[:, 1:], (0, 0, 0, 1)) + self.bias
