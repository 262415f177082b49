"""Batch norm, context gate, dropout and average pooling of one convolutional layer, in one pass over its largest array.

Rows are positions (clip, frame, bin) with their channels side by side (channels_last). Forward: means and variances of
all rows by as many programs as the card has places for, one program that joins them, then one pass that reads every
row once and writes pooled ones. Backward: one pass that computes the gate again and sums what batch norm and gate
need, one that applies batch norm's means. Dropout's mask is computed from a seed and the element's number, twice.

Shape letters: B clips, C channels, T frames, F mel bins; R = B · T · F rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sedlab.models.kernels.gpu.language import jit, serves, tl, triton

Pool = tuple[int, int]

_CHANNELS = (16, 32, 64, 128)
_TILE = 2048  # elements of a block of rows; with twice as many, registers spill
_WARPS = 8
_STEP = 16  # partial statistics that are joined at once


def serves_block(x: Tensor, norm: nn.BatchNorm2d) -> bool:
    """Return whether the kernels take ``x`` (B, C, T, F) and this norm: plain, affine, with running statistics."""
    is_plain = type(norm) is nn.BatchNorm2d and norm.affine and norm.track_running_stats and norm.momentum is not None
    return serves(x) and is_plain and x.shape[1] in _CHANNELS and x.dtype != torch.float64 and x.numel() < 2**31


def norm_gate_and_pool(
    x: Tensor, norm: nn.BatchNorm2d, weight: Tensor, bias: Tensor, *, pool: Pool, dropout: float
) -> Tensor:
    """Return ``avg_pool(dropout(y · σ(weight y + bias)))`` with y = norm(x): (B, C, T, F) to (B, C, T', F').

    In training mode the running statistics move as those of ``nn.BatchNorm2d``.
    """
    return _Block.apply(
        x.contiguous(memory_format=torch.channels_last), norm.weight, norm.bias, weight.to(x.dtype), bias.float(),
        norm, pool, dropout,
    )  # fmt: skip


class _Block(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor, shift: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d,
        pool: Pool, dropout: float,
    ) -> Tensor:  # fmt: skip
        clips, channels, frames, bins = x.shape
        statistics = x.new_empty(4, channels, dtype=torch.float32)  # mean, 1 / deviation, factor, offset
        if norm.training:
            _measure(x, norm, scale, shift, statistics)
        else:
            inverse = torch.rsqrt(norm.running_var.float() + norm.eps)
            factor = scale.float() * inverse
            offset = shift.float() - norm.running_mean.float() * factor
            torch.stack([norm.running_mean.float(), inverse, factor, offset], out=statistics)
        # In training always, also if nothing is dropped: another kernel would have to be compiled for that.
        drops = norm.training or dropout > 0
        # on the device, so that a replayed graph draws anew
        seed = torch.randint(2**31 - 1, (1,), device=x.device) if drops else statistics
        pooled = (clips, frames // pool[0], bins // pool[1], channels)
        output = x.new_empty(pooled)
        num_rows, tile = output.numel() // channels, _TILE // channels
        weight, bias = weight.contiguous(), bias.contiguous()
        _forward[(triton.cdiv(num_rows, tile),)](
            x, statistics, weight, bias, seed, output, num_rows, frames, bins, dropout,
            C=channels, PT=pool[0], PF=pool[1], M=tile, DROPS=drops, num_warps=_WARPS,
        )  # fmt: skip
        ctx.save_for_backward(x, statistics, weight, bias, seed)
        ctx.pool, ctx.dropout, ctx.drops, ctx.training = pool, dropout, drops, norm.training
        return output.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, statistics, weight, bias, seed = ctx.saved_tensors
        _, channels, frames, bins = x.shape
        pool, dropout = ctx.pool, ctx.dropout
        grad = grad.contiguous(memory_format=torch.channels_last)
        grad_x = torch.empty_like(x)
        num_rows, tile = grad.numel() // channels, _TILE // channels
        programs = min(triton.cdiv(num_rows, tile), _places(x))
        sums = x.new_empty(programs, 3, channels, dtype=torch.float32)  # of the gate's gradient, of y's, of y's times x̂
        weight_sums = x.new_empty(programs, channels, channels, dtype=torch.float32)
        _backward_gate[(programs,)](
            grad, x, statistics, weight, bias, seed, grad_x, sums, weight_sums, num_rows, frames, bins, dropout,
            C=channels, PT=pool[0], PF=pool[1], M=tile, DROPS=ctx.drops, num_warps=_WARPS,
        )  # fmt: skip
        sums = sums.sum(dim=0)
        rows = x.numel() // channels
        _backward_norm[(triton.cdiv(rows, tile),)](
            x, statistics, sums, grad_x, rows, frames, bins, 1.0 / rows if ctx.training else 0.0,
            C=channels, PT=pool[0], PF=pool[1], M=tile, num_warps=4,
        )  # fmt: skip
        return grad_x, sums[2], sums[1], weight_sums.sum(dim=0).to(weight.dtype), sums[0], None, None, None


def _measure(x: Tensor, norm: nn.BatchNorm2d, scale: Tensor, shift: Tensor, statistics: Tensor) -> None:
    """Write the statistics of ``x`` and what follows from them, and move the running ones."""
    channels = x.shape[1]
    rows, tile = x.numel() // channels, _TILE // channels
    programs = min(triton.cdiv(rows, tile), 4 * _places(x))
    parts = x.new_empty(programs, 3, channels, dtype=torch.float32)  # count, mean, sum of squared differences
    _statistics[(programs,)](x, parts, rows, C=channels, M=tile, num_warps=4)
    _join[(1,)](
        parts, scale, shift, statistics, norm.running_mean, norm.running_var, norm.num_batches_tracked, programs,
        norm.eps, norm.momentum, C=channels, STEP=_STEP, num_warps=4,
    )  # fmt: skip


def _places(x: Tensor) -> int:
    """Return the number of multiprocessors, or a small number without a card."""
    return torch.cuda.get_device_properties(x.device).multi_processor_count if x.is_cuda else 3


@jit
def _statistics(x, parts, rows, C: tl.constexpr, M: tl.constexpr):
    channel = tl.arange(0, C)
    count = 0.0
    mean = tl.zeros((C,), tl.float32)
    squares = tl.zeros((C,), tl.float32)
    for start in range(tl.program_id(0) * M, rows, tl.num_programs(0) * M):
        row = start + tl.arange(0, M)
        inside = (row < rows)[:, None]
        values = tl.load(x + row[:, None] * C + channel[None, :], mask=inside, other=0.0).to(tl.float32)
        here = tl.minimum(rows - start, M).to(tl.float32)
        mean_here = tl.sum(values, 0) / here
        away = tl.where(inside, values - mean_here[None, :], 0.0)
        # Chan, Golub and LeVeque, 1983: two sets' means and squares joined without cancellation
        difference, together = mean_here - mean, count + here
        mean += difference * (here / together)
        squares += tl.sum(away * away, 0) + difference * difference * (count * here / together)
        count = together
    to = parts + tl.program_id(0) * 3 * C + channel
    tl.store(to, tl.zeros((C,), tl.float32) + count)
    tl.store(to + C, mean)
    tl.store(to + 2 * C, squares)


@jit
def _join(
    parts, scale, shift, statistics, running_mean, running_var, tracked, programs, eps, momentum,
    C: tl.constexpr, STEP: tl.constexpr,
):  # fmt: skip
    channel = tl.arange(0, C)
    count = tl.zeros((C,), tl.float32)
    mean = tl.zeros((C,), tl.float32)
    squares = tl.zeros((C,), tl.float32)
    for start in range(0, programs, STEP):
        program = start + tl.arange(0, STEP)
        at = parts + program[:, None] * 3 * C + channel[None, :]
        exists = (program < programs)[:, None]
        counts = tl.load(at, mask=exists, other=0.0)
        means = tl.load(at + C, mask=exists, other=0.0)
        here = tl.sum(counts, 0)
        mean_here = tl.sum(counts * means, 0) / here
        away = means - mean_here[None, :]
        squares_here = tl.sum(tl.load(at + 2 * C, mask=exists, other=0.0) + counts * away * away, 0)
        difference, together = mean_here - mean, count + here
        mean += difference * (here / together)
        squares += squares_here + difference * difference * (count * here / together)
        count = together
    inverse = 1.0 / tl.sqrt(squares / count + eps)
    factor = tl.load(scale + channel).to(tl.float32) * inverse
    tl.store(statistics + channel, mean)
    tl.store(statistics + C + channel, inverse)
    tl.store(statistics + 2 * C + channel, factor)
    tl.store(statistics + 3 * C + channel, tl.load(shift + channel).to(tl.float32) - mean * factor)
    old_mean, old_var = tl.load(running_mean + channel), tl.load(running_var + channel)
    tl.store(running_mean + channel, old_mean + momentum * (mean - old_mean))
    tl.store(running_var + channel, old_var + momentum * (squares / (count - 1.0) - old_var))
    tl.store(tracked, tl.load(tracked) + 1)


@jit
def _input_rows(output_row, i, j, frames, bins, PT: tl.constexpr, PF: tl.constexpr):
    """Return the numbers of the rows that are cell (i, j) of each pooled row's block."""
    pooled_bins, pooled_frames = bins // PF, frames // PT
    bin_at, rest = output_row % pooled_bins, output_row // pooled_bins
    frame_at, clip = rest % pooled_frames, rest // pooled_frames
    return (clip * frames + frame_at * PT + i) * bins + bin_at * PF + j


@jit
def _scrambled(x):
    """Return a number of 32 bits in which every bit depends on all of ``x``: lowbias32, Wellons, 2018."""
    x = (x ^ (x >> 16)) * 0x7FEB352D
    x = (x ^ (x >> 15)) * 0x846CA68B
    return x ^ (x >> 16)


@jit
def _kept(seed, at, dropout):
    """Return 1 / (1 - dropout) for the elements that are kept and 0 for the others."""
    # A counter-based generator such as Philox takes five times as many instructions, on every element.
    draw = _scrambled(_scrambled(at.to(tl.uint32)) + seed.to(tl.uint32))
    return tl.where((draw >> 8).to(tl.float32) * (1.0 / 16777216.0) >= dropout, 1.0 / (1.0 - dropout), 0.0)


@jit
def _forward(
    x, statistics, weight, bias, seed_at, output, num_rows, frames, bins, dropout,
    C: tl.constexpr, PT: tl.constexpr, PF: tl.constexpr, M: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    channel = tl.arange(0, C)
    row = tl.program_id(0) * M + tl.arange(0, M)
    inside = (row < num_rows)[:, None]
    factor = tl.load(statistics + 2 * C + channel)[None, :]
    offset = tl.load(statistics + 3 * C + channel)[None, :]
    matrix = tl.load(weight + channel[None, :] * C + channel[:, None])  # (inputs, outputs)
    gate_bias = tl.load(bias + channel)[None, :]
    sums = tl.zeros((M, C), tl.float32)
    for cell in range(PT * PF):
        at = _input_rows(row, cell // PF, cell % PF, frames, bins, PT, PF)[:, None] * C + channel[None, :]
        y = tl.load(x + at, mask=inside, other=0.0).to(tl.float32) * factor + offset
        gate = tl.sigmoid(tl.dot(y.to(matrix.dtype), matrix, input_precision="ieee") + gate_bias)
        if DROPS:
            gate = gate * _kept(tl.load(seed_at), at, dropout)
        sums += y * gate
    to = output + row[:, None] * C + channel[None, :]
    tl.store(to, (sums / (PT * PF)).to(output.dtype.element_ty), mask=inside)


@jit
def _backward_gate(
    grad, x, statistics, weight, bias, seed_at, grad_y, sums, weight_sums, num_rows, frames, bins, dropout,
    C: tl.constexpr, PT: tl.constexpr, PF: tl.constexpr, M: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    channel = tl.arange(0, C)
    mean = tl.load(statistics + channel)[None, :]
    inverse = tl.load(statistics + C + channel)[None, :]
    factor = tl.load(statistics + 2 * C + channel)[None, :]
    offset = tl.load(statistics + 3 * C + channel)[None, :]
    matrix = tl.load(weight + channel[:, None] * C + channel[None, :])  # (outputs, inputs)
    gate_bias = tl.load(bias + channel)[None, :]
    matrix_sums = tl.zeros((C, C), tl.float32)
    gate_sums = tl.zeros((C,), tl.float32)
    y_sums = tl.zeros((C,), tl.float32)
    product_sums = tl.zeros((C,), tl.float32)
    for start in range(tl.program_id(0) * M, num_rows, tl.num_programs(0) * M):
        row = start + tl.arange(0, M)
        inside = (row < num_rows)[:, None]
        pooled = tl.load(grad + row[:, None] * C + channel[None, :], mask=inside, other=0.0).to(tl.float32)
        pooled = pooled / (PT * PF)
        for cell in range(PT * PF):
            at = _input_rows(row, cell // PF, cell % PF, frames, bins, PT, PF)[:, None] * C + channel[None, :]
            value = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
            y = value * factor + offset
            y_half = y.to(matrix.dtype)
            gate = tl.sigmoid(tl.dot(y_half, tl.trans(matrix), input_precision="ieee") + gate_bias)
            product = pooled
            if DROPS:
                product = product * _kept(tl.load(seed_at), at, dropout)
            logit = product * y * gate * (1.0 - gate)
            logit_half = logit.to(matrix.dtype)
            of_y = product * gate + tl.dot(logit_half, matrix, input_precision="ieee")
            tl.store(grad_y + at, of_y.to(grad_y.dtype.element_ty), mask=inside)
            matrix_sums += tl.dot(tl.trans(logit_half), y_half, input_precision="ieee")
            gate_sums += tl.sum(logit, 0)
            y_sums += tl.sum(of_y, 0)
            product_sums += tl.sum(of_y * (value - mean) * inverse, 0)
    program = tl.program_id(0)
    tl.store(sums + program * 3 * C + channel, gate_sums)
    tl.store(sums + program * 3 * C + C + channel, y_sums)
    tl.store(sums + program * 3 * C + 2 * C + channel, product_sums)
    tl.store(weight_sums + program * C * C + channel[:, None] * C + channel[None, :], matrix_sums)


@jit
def _backward_norm(
    x, statistics, sums, grad, rows, frames, bins, share,
    C: tl.constexpr, PT: tl.constexpr, PF: tl.constexpr, M: tl.constexpr,
):  # fmt: skip
    channel = tl.arange(0, C)
    row = tl.program_id(0) * M + tl.arange(0, M)
    bin_at, frame_at = row % bins, (row // bins) % frames
    inside = (row < rows)[:, None]
    # What fills no block of the pooling has no gradient of its own, but its share of batch norm's means.
    is_pooled = ((bin_at < bins // PF * PF) & (frame_at < frames // PT * PT))[:, None]
    at = row[:, None] * C + channel[None, :]
    value = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    of_y = tl.load(grad + at, mask=inside & is_pooled, other=0.0).to(tl.float32)
    scaled = (value - tl.load(statistics + channel)[None, :]) * tl.load(statistics + C + channel)[None, :]
    means = (tl.load(sums + C + channel)[None, :] + scaled * tl.load(sums + 2 * C + channel)[None, :]) * share
    result = (of_y - means) * tl.load(statistics + 2 * C + channel)[None, :]
    tl.store(grad + at, result.to(grad.dtype.element_ty), mask=inside)
