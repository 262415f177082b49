"""What the three audio transformers share: the base class and the pre-norm block.

Shape letters: B clips, F mel bins, T feature frames, L tokens, D width, H heads.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from sedlab.config.model import TransformerConfig
from sedlab.models.layers import Linear, norm_of_sum, sum_and_norm


class AudioTransformer(nn.Module):
    """Base class: features (B, 1, F, T) in, token embeddings (B, L, D) out.

    Subclasses have `tokens`, ``blocks`` and, if pre-norm, ``final_norm``.
    """

    blocks: nn.ModuleList

    def __init__(self, config: TransformerConfig):
        super().__init__()
        self.config = config
        self.dim = config.dim
        """D, the width of the embeddings."""

    def forward(self, features: Tensor) -> Tensor:
        """Return embeddings (B, L, D) for ``features`` (B, 1, F, T), through pre-norm blocks; errors as in `tokens`."""
        tokens, branch = self.tokens(features), None
        for block in self.blocks:
            tokens, branch = block(tokens, branch)
        return norm_of_sum(tokens, branch, self.final_norm, factor=1.0)[0]

    def tokens(self, features: Tensor) -> Tensor:
        """Return the input of the first block (B, L, D) for ``features`` (B, 1, F, T)."""
        raise NotImplementedError

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Return all parameters in groups from the output side down, for layer-wise learning rates.

        The final norm (an empty group without one, so that blocks stand at the same depth in every architecture); the
        last block, ..., the first block; everything else (patches, positions, BEATs' bias table of all blocks, which
        the published code counts to the first block).
        """
        tops = [getattr(self, "final_norm", nn.Identity()), *reversed(self.blocks)]
        groups = [list(module.parameters()) for module in tops]
        grouped = {id(parameter) for group in groups for parameter in group}
        groups.append([parameter for parameter in self.parameters() if id(parameter) not in grouped])
        return groups


class PreNormBlock(nn.Module):
    """Vision-transformer block: ``x + Attention(LN(x))``, then ``x + MLP(LN(x))``; used by PaSST and ATST.

    Reference
        Dosovitskiy et al., arXiv 2010.11929.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, *, qkv_bias: bool = True, dropout: float = 0.0):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = SelfAttention(dim, heads, qkv_bias=qkv_bias)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.up = Linear(dim, mlp_dim)
        self.down = Linear(mlp_dim, dim)
        self.dropout = dropout
        init_linear(self.up, self.down)

    def forward(self, x: Tensor, branch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return two tensors whose sum is the block's output (B, L, D), for an input ``x + branch`` of that shape.

        The sums are left to the norms that follow them, which may be computed together with them.
        """
        x, normed = sum_and_norm(x, branch, self.norm1)
        x, normed = sum_and_norm(x, self._drop(self.attention(normed)), self.norm2)
        return x, self._drop(self.down(F.gelu(self.up(normed))))

    def _drop(self, branch: Tensor) -> Tensor:
        """Apply dropout, then drop the whole branch for some clips (drop path), both with the same probability."""
        if self.dropout == 0.0 or not self.training:
            return branch
        branch = F.dropout(branch, self.dropout)
        return branch * F.dropout(branch.new_ones(len(branch), 1, 1), self.dropout)


class SelfAttention(nn.Module):
    """Multi-head self-attention with one fused projection laid out [query | key | value]."""

    def __init__(self, dim: int, heads: int, *, qkv_bias: bool):
        super().__init__()
        self.heads = heads
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.out = Linear(dim, dim)
        init_linear(self.qkv, self.out)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, L, D) for ``x`` (B, L, D)."""
        query, key, value = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        return self.out(join_heads(F.scaled_dot_product_attention(query, key, value)))


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Return ``x`` (B, L, D) as (B, H, L, D / H)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """Return ``x`` (B, H, L, D / H) as (B, L, D)."""
    return x.transpose(1, 2).flatten(2)


def init_linear(*layers: nn.Linear) -> None:
    """Draw weights from a normal distribution of deviation 0.02, cut at two deviations; zero the biases."""
    for layer in layers:
        nn.init.trunc_normal_(layer.weight, std=0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def init_positions(*parameters: nn.Parameter) -> None:
    """Draw learnt tokens and positions like the weights of the linear layers."""
    for parameter in parameters:
        nn.init.trunc_normal_(parameter, std=0.02)
