"""The layers that the networks are made of, in plain PyTorch, and the one switch to faster kernels.

A few layers take most of the time of a training step. `sedlab.models.kernels` computes the same with the same weights:
on a CPU where `has_kernel` says so, on a GPU in the ways that were chosen for it (`sedlab.models.kernels.choice`).
Everywhere else (in other precisions, where torch.compile is at work) the plain form counts, which is also what to read.

Shape letters: B clips, C channels, T frames, F mel bins; H heads, L tokens, E width of a head.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._compile import _disable_dynamo

from sedlab.models.kernels import (
    choice,
    cnn_block,
    context_gate,
    fast_dropout,
    flex_attention,
    gate_times_bias,
    gated_attention,
    grouped_convolution,
    gru,
    gru_directions,
    kept_casts,
    onednn_linear,
)
from sedlab.models.kernels.precision import compute_dtype

Pool = tuple[int, int]

#: Ways that torch.compile can take in; elsewhere it meets the plain ones, which it fuses itself.
_COMPILABLE = ("blocks", "unfold", "fft", "half")


def has_kernel(x: Tensor) -> bool:
    """Return whether the kernels serve layers with the input ``x``: float32 on a CPU, without autocast or compiler."""
    return _is_eager_on_cpu(x) and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def _is_eager_on_cpu(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def _way(layer: str, x: Tensor) -> str:
    way = choice.way(layer, x)
    return way if way in _COMPILABLE or not torch.compiler.is_compiling() else "plain"


class Linear(nn.Linear):
    """``nn.Linear`` over the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., out_features) for ``x`` (..., in_features)."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias`` (..., O) for ``x`` (..., I), ``weight`` (O, I) and ``bias`` (O)."""
    if has_kernel(x) and onednn_linear.IS_AVAILABLE:
        return onednn_linear.linear(x, weight, bias)
    if _way("weights", x) == "kept_casts":
        dtype = compute_dtype(x)
        return F.linear(x, kept_casts.cast(weight, dtype), None if bias is None else kept_casts.cast(bias, dtype))
    return F.linear(x, weight, bias)


def dropout(x: Tensor, probability: float, training: bool) -> Tensor:
    """Return ``x`` with elements zeroed with ``probability`` and the others scaled up; ``x`` itself if not training."""
    if not training or probability == 0.0:
        return x
    if _is_eager_on_cpu(x):  # in every precision
        return fast_dropout.dropout(x, probability)
    return F.dropout(x, probability)


class BiGru(nn.GRU):
    """Bidirectional GRU of one or more layers, the forward direction first."""

    def __init__(self, input_dim: int, hidden_dim: int, *, num_layers: int = 1):
        super().__init__(input_dim, hidden_dim, num_layers=num_layers, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, 2 · hidden_dim) for ``x`` (B, T, input_dim)."""
        return _eager_gru(self, x) if torch.compiler.is_compiling() else _gru(self, x)


def _gru(layers: BiGru, x: Tensor) -> Tensor:
    way = choice.way("gru", x)
    if way in ("triton", "triton_shares"):
        from sedlab.models.kernels.gpu import gru as persistent_gru

        if persistent_gru.serves_gru(x, layers.hidden_size):
            return persistent_gru.bidirectional_gru(x, layers.all_weights, in_shares=way == "triton_shares")
    if way == "directions":
        return gru_directions.bidirectional_gru(x, layers.all_weights)
    if has_kernel(x):
        return gru.bidirectional_gru(x, layers.all_weights)
    return nn.GRU.forward(layers, x)[0]


# The compiler would unroll the loop over the frames. Not `torch.compiler.disable`: that imports the compiler here and
# now, which would cost two seconds wherever networks are used.
_eager_gru = _disable_dynamo(_gru)


def norm_gate_and_pool(
    x: Tensor, norm: nn.Module, weight: Tensor, bias: Tensor, *, pool: Pool, dropout: float = 0.0, training: bool
) -> Tensor:
    """Return `gate_and_pool` of ``norm(x)``, a batch norm that is in the mode that ``training`` says."""
    way, options = _way("cnn_block", x), {"pool": pool, "dropout": dropout if training else 0.0}
    if way == "triton":
        from sedlab.models.kernels.gpu import cnn_block as fused_block

        if fused_block.serves_block(x, norm):
            return fused_block.norm_gate_and_pool(x, norm, weight, bias, **options)
    if way == "compile" and type(norm) is nn.BatchNorm2d:
        return cnn_block.compiled(x, norm, weight, bias, **options)
    if way.startswith("channels_last"):
        with_cudnn = way == "channels_last"
        return cnn_block.norm_gate_and_pool(x, norm, weight, bias, with_cudnn=with_cudnn, **options)
    return gate_and_pool(norm(x), weight, bias, pool=pool, dropout=dropout, training=training)


def gate_and_pool(
    x: Tensor, weight: Tensor, bias: Tensor, *, pool: Pool, dropout: float = 0.0, training: bool = False
) -> Tensor:
    """Return ``avg_pool(dropout(x · σ(weight x + bias)))``: (B, C, T, F) to (B, C, T // pool[0], F // pool[1]).

    The gate is a linear layer over the channels at every position: ``weight`` (C, C), ``bias`` (C).
    Source: context gating, Miech et al., arXiv 1706.06905.
    """
    if has_kernel(x):
        return context_gate.gate_and_pool(x, weight, bias, pool, dropout if training else 0.0)
    gate = F.conv2d(x, weight[:, :, None, None], bias).sigmoid()
    return F.avg_pool2d(F.dropout(x * gate, dropout, training), pool)


def gated_bias_attention(
    query: Tensor, key: Tensor, value: Tensor, gate: Tensor, bias: Tensor, *, dropout: float = 0.0
) -> Tensor:
    """Return ``softmax(query keyᵀ / √E + gate · bias) value`` (B, H, L, E) from queries, keys and values of that shape.

    ``bias`` (H, L, L) is added to the logits of (query, key), times the query's ``gate`` (B, H, L, 1); ``dropout`` is
    the probability that an attention weight is zeroed.
    """
    way = "plain" if dropout else _way("gated_attention", query)
    if way == "triton":
        from sedlab.models.kernels.gpu import attention

        if attention.serves_attention(query):
            return attention.gated_bias_attention(query, key, value, gate, bias)
    if way == "flex":
        return flex_attention.gated_bias_attention(query, key, value, gate, bias)
    if has_kernel(query) and not dropout and way == "plain":
        return gated_attention.gated_bias_attention(query, key, value, gate, bias)
    if _way("gated_attention", query) == "half":
        mask = gate_times_bias.gate_times_bias(gate, bias, query.dtype)
    else:
        mask = (gate * bias).to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)


def position_convolution(x: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
    """Return (B, L, D), ``x`` (B, L, D) convolved along its tokens: token l sees tap k of token l + k - K // 2.

    ``weight`` is (D, D / groups, K), ``bias`` (D).
    """
    way = _way("position_convolution", x)
    if way == "fft":
        return grouped_convolution.by_spectrum(x, weight, bias, groups)
    if way != "plain":
        return grouped_convolution.by_blocks(x, weight, bias, groups, block=1 if way == "unfold" else 16)
    # In two dimensions, where a CPU has fast kernels for tokens whose channels lie side by side.
    weight = weight[..., None].contiguous(memory_format=torch.channels_last)
    image = x.transpose(1, 2)[..., None]
    convolved = F.conv2d(image, weight, bias, padding=(weight.shape[2] // 2, 0), groups=groups)
    # an even kernel gives one output too many
    return convolved[:, :, : x.shape[1], 0].transpose(1, 2)


def sum_and_norm(x: Tensor, branch: Tensor | None, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
    """Return the sum ``x + branch`` and its layer norm, both (B, L, D); without a branch, ``x`` and its norm."""
    if _way("residual_norm", x) == "triton":
        from sedlab.models.kernels.gpu import norm as fused_norm

        if fused_norm.serves_norm(x):
            return fused_norm.sum_and_norm(x, branch, norm)
    if branch is not None:
        x = x + branch
    return x, norm(x)


def norm_of_sum(x: Tensor, branch: Tensor, norm: nn.LayerNorm, *, factor: float) -> tuple[Tensor, Tensor]:
    """Return the layer norm of ``factor · x + branch`` twice (B, L, D): to add to, and for the products to come.

    Under autocast the second one may be in half precision already.
    """
    if _way("residual_norm", x) == "triton":
        from sedlab.models.kernels.gpu import norm as fused_norm

        if fused_norm.serves_norm(x):
            return fused_norm.sum_and_norm(x, branch, norm, factor=factor, keeps_norm=True)
    normed = norm(torch.add(branch, x, alpha=factor))
    return normed, normed


def for_products(x: Tensor) -> Tensor:
    """Return ``x`` as several products can share it: cast once where autocast would cast it for each."""
    return x.to(compute_dtype(x)) if _way("residual_norm", x) == "triton" else x
