"""Grouped convolution along the tokens as large matrix products, for long kernels.

cuDNN computes BEATs' positional convolution (16 groups of 48 channels, 128 taps) without tensor cores. Here a window of
the input is one long row, so that each group is a matrix product. A product per output position would have 48 columns
and copy the input 128 times. So a row serves P positions at once: it is P - 1 tokens longer, and the weight becomes a
banded matrix in which position p of the block sees taps shifted by p. P = 16 costs 12 % more arithmetic than P = 1 and
copies the input 9 times instead of 128.

In the spectrum (`by_spectrum`) the convolution is a small product of complex matrices for each frequency.

Shape letters: B clips, L tokens, D width; G groups, C input and O output channels of a group (C = O = D / G), K taps; P
positions of a block, N blocks, J = P + K - 1 tokens of a window.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sedlab.models.kernels.precision import compute_dtype


def by_blocks(x: Tensor, weight: Tensor, bias: Tensor, groups: int, *, block: int = 16) -> Tensor:
    """Return the convolution (B, L, D) of ``x`` (B, L, D): token l sees taps k of token l + k - K // 2.

    ``weight`` is (D, C, K), ``bias`` (D). ``block`` is P; with 1 it is the plain unfolding.
    """
    dtype = compute_dtype(x)
    return _ByBlocks.apply(x.to(dtype), weight.to(dtype), bias.to(dtype), groups, block)


def by_spectrum(x: Tensor, weight: Tensor, bias: Tensor, groups: int) -> Tensor:
    """Return the same as `by_blocks`, in float32 by fast Fourier transforms over the tokens."""
    length, taps, dtype = x.shape[1], weight.shape[-1], compute_dtype(x)
    size = _quick_size(length + taps - 1)
    with torch.autocast(x.device.type, enabled=False):
        padded = F.pad(x.float(), (0, 0, taps // 2, 0)).unflatten(-1, (groups, -1))  # (B, L', G, C)
        spectrum = torch.fft.rfft(padded, size, dim=1).permute(1, 2, 0, 3)
        response = torch.fft.rfft(weight.float().unflatten(0, (groups, -1)), size, dim=-1).conj()  # (G, O, C, bins)
        product = spectrum @ response.permute(3, 0, 2, 1)  # (bins, G, B, O)
        convolved = torch.fft.irfft(product.permute(2, 0, 1, 3), size, dim=1)[:, :length]
        return (convolved.flatten(2) + bias.float()).to(dtype)


class _ByBlocks(torch.autograd.Function):
    """Products per group, forward and backward; nothing is kept but the input and the weight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, block: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.groups, ctx.block = groups, block
        return _convolve(x, weight, groups, block, weight.shape[-1] // 2, bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        groups, block, taps = ctx.groups, ctx.block, weight.shape[-1]
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        grad = grad.contiguous()
        grad_x = grad_weight = grad_bias = None
        if needs_x:  # the same with inputs and outputs exchanged and the taps turned round
            turned = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flip(-1)
            grad_x = _convolve(grad, turned, groups, block, taps - 1 - taps // 2)
        if needs_weight:
            grad_weight = _weight_gradient(x, grad, groups, block, taps)
        if needs_bias:
            grad_bias = grad.sum(dim=(0, 1), dtype=torch.promote_types(grad.dtype, torch.float32)).to(grad.dtype)
        return grad_x, grad_weight, grad_bias, None, None


def _convolve(x: Tensor, weight: Tensor, groups: int, block: int, before: int, bias: Tensor | None = None) -> Tensor:
    """Return the convolution in which the first tap of token 0 is ``before`` tokens ahead of it."""
    clips, length, _ = x.shape
    products = _windows(x, groups, block, before, weight.shape[-1]) @ _banded(weight, groups, block)
    tokens = products.view(groups, clips, -1, len(weight) // groups)[:, :, :length].permute(1, 2, 0, 3)
    convolved = tokens.flatten(2)
    return convolved if bias is None else convolved + bias


def _windows(x: Tensor, groups: int, block: int, before: int, taps: int) -> Tensor:
    """Return what each block sees, as rows (G, B · N, J · C)."""
    clips, length, dim = x.shape
    channels, blocks = dim // groups, -(-length // block)
    rows, tokens = blocks * block + taps - 1, block + taps - 1
    padded = x.new_zeros(groups, clips, rows, channels)
    padded[:, :, before : before + length] = x.view(clips, length, groups, channels).permute(2, 0, 1, 3)
    # Windows overlap, which matrix products do not take (rows closer than they are long): they are copied.
    windows = padded.as_strided(
        (groups, clips, blocks, tokens * channels),
        (clips * rows * channels, rows * channels, block * channels, 1),
    )
    return windows.reshape(groups, clips * blocks, -1)


def _banded(weight: Tensor, groups: int, block: int) -> Tensor:
    """Return the matrix (G, J · C, P · O) of all positions of a block: [j, p] holds tap j - p, or zeros."""
    taps = weight.shape[-1]
    by_tap = weight.unflatten(0, (groups, -1)).permute(0, 3, 2, 1)  # (G, K, C, O)
    if block == 1:
        return by_tap.reshape(groups, -1, by_tap.shape[-1])
    padded = F.pad(by_tap, (0, 0, 0, 0, block - 1, block - 1))
    # A window over the padded taps moves forwards with j and backwards with p.
    shifted = padded.unfold(1, block, 1).permute(0, 1, 2, 4, 3).flip(3)
    return shifted.reshape(groups, (block + taps - 1) * shifted.shape[2], -1)


def _weight_gradient(x: Tensor, grad: Tensor, groups: int, block: int, taps: int) -> Tensor:
    """Return the gradient (D, C, K): that of the banded matrix, summed along its bands."""
    clips, length, dim = grad.shape
    channels, blocks = dim // groups, -(-length // block)
    rows = grad.new_zeros(groups, clips, blocks * block, channels)
    rows[:, :, :length] = grad.view(clips, length, groups, channels).permute(2, 0, 1, 3)
    windows = _windows(x, groups, block, taps // 2, taps)
    banded = windows.mT @ rows.view(groups, clips * blocks, block * channels)  # (G, J · C, P · O)
    by_group, by_token, by_input, by_position = (
        (block + taps - 1) * channels * block * channels,
        channels * block * channels,
        block * channels,
        channels,
    )
    bands = banded.as_strided(
        (groups, taps, channels, block, channels), (by_group, by_token, by_input, by_position + by_token, 1)
    )
    by_tap = bands.sum(dim=3, dtype=torch.promote_types(grad.dtype, torch.float32)).to(grad.dtype)  # (G, K, C, O)
    return by_tap.permute(0, 3, 2, 1).reshape(dim, channels, taps)


def _quick_size(size: int) -> int:
    """Return the least even number from ``size`` on that has no prime factor above 5."""
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1 and size % 2 == 0:
            return size
        size += 1
