"""ATST-Frame: a transformer with one token for each 40 ms over all mel bands.

Reference
    Li, Shao and Li, arXiv 2306.04186.

Shape letters: B clips, F mel bins, T feature frames, L tokens, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sedlab.config.model import AtstConfig
from sedlab.errors import SedlabError
from sedlab.models.layers import Linear
from sedlab.models.transformer import AudioTransformer, PreNormBlock, init_linear, init_positions


class AtstTransformer(AudioTransformer):
    """Features (B, 1, F, T) to embeddings (B, T // 4, D), at most ``max_tokens``."""

    def __init__(self, config: AtstConfig):
        super().__init__(config)
        self.patch = Linear(config.num_mels * config.patch_frames, config.dim)
        self.position = nn.Parameter(torch.empty(1, 1 + config.max_tokens, config.dim))  # row 0 is not used
        self.mask_token = nn.Parameter(torch.empty(1, 1, config.dim))  # self-supervised pre-training; not used here
        self.blocks = nn.ModuleList(
            PreNormBlock(config.dim, config.heads, config.mlp_dim, qkv_bias=False, dropout=config.dropout)
            for _ in range(config.depth)
        )
        self.final_norm = nn.LayerNorm(config.dim, eps=1e-6)
        init_linear(self.patch)
        init_positions(self.position, self.mask_token)

    def tokens(self, features: Tensor) -> Tensor:
        """Return the input of the first block (B, L, D).

        Raises
        ------
        SedlabError
            When ``features`` has more than ``max_tokens`` tokens (10 s): there are no positions for them.
        """
        frames = self.config.patch_frames
        length = features.shape[-1] // frames
        if length > self.config.max_tokens:
            raise SedlabError(
                f"ATST takes at most {self.config.max_tokens} tokens of {10 * frames} ms, not {length}. "
                "Cut the audio into windows of 10 s."
            )
        # (B, F, L, frames) -> (B, L, F * frames): within a patch frequency is the slower index
        patches = features[:, 0, :, : length * frames].unflatten(-1, (length, frames)).transpose(1, 2).flatten(2)
        return self.patch(patches) + self.position[:, 1 : length + 1]
