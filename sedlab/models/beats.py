"""BEATs: Audio pre-training with acoustic tokenizers; square patches and gated relative position bias.

Reference
    Chen et al., arXiv 2212.09058 (BEATs); Chi et al., arXiv 2106.16138 (gated relative position bias);
    Wang et al., arXiv 2203.00555 (deep-norm).

Shape letters: B clips, F mel bins, T feature frames, L tokens, D width, H heads.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sedlab.config.model import BeatsConfig
from sedlab.models.layers import Linear, for_products, gated_bias_attention, norm_of_sum, position_convolution
from sedlab.models.transformer import AudioTransformer, join_heads, split_heads


class BeatsTransformer(AudioTransformer):
    """Features (B, 1, F, T) to embeddings (B, L, D).

    The tokens run over time and, faster, over frequency: L = (T // 16) · (F // 16), and 10 s of 128 bands give 62 · 8
    = 496. There is no final norm: each block ends with one.
    """

    def __init__(self, config: BeatsConfig):
        super().__init__(config)
        self.patch = nn.Conv2d(1, config.patch_dim, config.patch_size, stride=config.patch_size, bias=False)
        self.patch_norm = nn.LayerNorm(config.patch_dim)
        self.projection = Linear(config.patch_dim, config.dim)
        self.position_conv = PositionConvolution(config.dim, config.position_kernel, config.position_groups)
        self.input_norm = nn.LayerNorm(config.dim)
        self.relative_bias = nn.Embedding(config.num_buckets, config.heads)
        self.blocks = nn.ModuleList(BeatsBlock(config) for _ in range(config.depth))
        # Of each length seen: a recorded step goes on reading those that it read.
        self._buckets: dict[tuple[int, torch.device], Tensor] = {}

    def forward(self, features: Tensor) -> Tensor:
        """Return embeddings (B, L, D) for ``features`` (B, 1, F, T)."""
        tokens = self.tokens(features)
        bias = self.position_bias(tokens.shape[1])
        for block in self.blocks:
            if self.training and self.config.layer_drop and float(torch.rand(())) < self.config.layer_drop:
                continue
            tokens = block(tokens, bias)
        return tokens

    def tokens(self, features: Tensor) -> Tensor:
        """Return the input of the first block (B, L, D)."""
        patches = self.patch(features.transpose(2, 3)).flatten(2).transpose(1, 2)
        x = self.projection(self.patch_norm(patches))
        x = F.dropout(x, self.config.dropout, self.training)
        x = x + F.gelu(self.position_conv(x))
        return F.dropout(self.input_norm(x), self.config.dropout, self.training)

    def position_bias(self, length: int) -> Tensor:
        """Return the relative position bias (H, L, L) that all blocks share."""
        table = self.relative_bias.weight
        buckets = self._buckets.get((length, table.device))
        if buckets is None:
            # Made while scoring, they serve training as well.
            with torch.inference_mode(False):
                distances = torch.arange(1 - length, length, device=table.device)
                buckets = relative_buckets(distances, self.config.num_buckets, self.config.max_distance)
            self._buckets[length, table.device] = buckets
        # One value per head and distance (H, 2L - 1); row i of the matrix starts at distance -i, a window that moves
        # by one: a look-up of 2L - 1 values and a strided copy instead of a look-up of L².
        by_distance = table[buckets].t()
        return by_distance.unfold(1, length, 1).flip(1)


class BeatsBlock(nn.Module):
    """Post-norm block with deep-norm: ``LN(α x + Attention(x))``, then ``LN(α x + MLP(x))``."""

    def __init__(self, config: BeatsConfig):
        super().__init__()
        dim = config.dim
        self.heads = config.heads
        self.residual_scale = (2 * config.depth) ** 0.25  # α of deep-norm
        self.dropout, self.attention_dropout = config.dropout, config.attention_dropout
        self.query, self.key, self.value, self.out = (Linear(dim, dim) for _ in range(4))
        self.gate = nn.Linear(dim // config.heads, 8)
        self.gate_constant = nn.Parameter(torch.ones(1, config.heads, 1, 1))
        self.attention_norm = nn.LayerNorm(dim)
        self.up = Linear(dim, config.mlp_dim)
        self.down = Linear(config.mlp_dim, dim)
        self.output_norm = nn.LayerNorm(dim)
        self._init(config.depth)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Return (B, L, D) for ``x`` (B, L, D) and the shared position ``bias`` (H, L, L)."""
        x, normed = self._add(x, self._attention(for_products(x), bias), self.attention_norm)
        return self._add(x, self.down(F.gelu(self.up(normed))), self.output_norm)[0]

    def position_gate(self, query: Tensor) -> Tensor:
        """Return the factor (B, H, L, 1) on the position bias for ``query`` (B, H, L, D / H)."""
        update, reset = self.gate(query).unflatten(-1, (2, 4)).sum(-1).sigmoid().chunk(2, dim=-1)
        return update * (reset * self.gate_constant - 1.0) + 2.0

    def _attention(self, x: Tensor, bias: Tensor) -> Tensor:
        query, key, value = (split_heads(layer(x), self.heads) for layer in (self.query, self.key, self.value))
        dropout = self.attention_dropout if self.training else 0.0
        gate = self.position_gate(query)
        return self.out(join_heads(gated_bias_attention(query, key, value, gate, bias, dropout=dropout)))

    def _add(self, x: Tensor, branch: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        branch = F.dropout(branch, self.dropout, self.training)
        return norm_of_sum(x, branch, norm, factor=self.residual_scale)

    def _init(self, depth: int) -> None:
        """Initialise as deep-norm asks: what feeds the residual sum is scaled down with depth."""
        for layer in (self.query, self.key):
            nn.init.xavier_uniform_(layer.weight, gain=1 / math.sqrt(2))
        for layer in (self.value, self.out, self.up, self.down):
            nn.init.xavier_uniform_(layer.weight, gain=(8 * depth) ** -0.25)
        for layer in (self.query, self.key, self.value, self.out, self.up, self.down):
            nn.init.zeros_(layer.bias)


class PositionConvolution(nn.Module):
    """Grouped convolution along the tokens, weight-normalised for each tap of the kernel."""

    def __init__(self, dim: int, kernel: int, groups: int):
        super().__init__()
        self.groups = groups
        self.direction = nn.Parameter(torch.empty(dim, dim // groups, kernel))
        nn.init.normal_(self.direction, std=math.sqrt(4 / (kernel * dim)))
        self.gain = nn.Parameter(torch.empty(1, 1, kernel))
        if not self.direction.is_meta:  # PyTorch would import its compiler, which takes two seconds
            self.gain.data = self.direction.detach().norm(dim=(0, 1), keepdim=True)
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, L, D) for ``x`` (B, L, D)."""
        # several times faster on a CPU than norm() over two axes
        norm = self.direction.square().sum(dim=(0, 1), keepdim=True).sqrt()
        weight = self.direction * (self.gain / norm)
        return position_convolution(x, weight, self.bias, self.groups)


def relative_buckets(distance: Tensor, num_buckets: int, max_distance: int) -> Tensor:
    """Return the bucket of each signed ``distance`` (key index minus query index), any shape, int64.

    Half of the buckets are for keys behind the query, half for those ahead. In each half small distances have a
    bucket of their own, larger ones share buckets that widen logarithmically up to ``max_distance``.
    """
    half = num_buckets // 2
    exact = half // 2
    magnitude = distance.abs()
    # float32 as in the reference: the rounding at the borders of buckets is part of the trained model
    ratio = (magnitude.clamp(min=1).float() / exact).log() / math.log(max_distance / exact)
    shared = (exact + (ratio * (half - exact)).long()).clamp(max=half - 1)
    return half * (distance > 0) + torch.where(magnitude < exact, magnitude, shared)
