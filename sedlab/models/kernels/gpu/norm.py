"""Residual sum and layer norm in one pass, with a result in half precision beside the sum.

Under autocast, the plain operations write the sum, its norm in float32 and a copy of that in half precision: three
kernels that move twice the bytes of one.

Shape letters: R rows (all axes but the last), D width; W is D filled up to a power of 2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sedlab.models.kernels.gpu.language import jit, serves, tl, triton
from sedlab.models.kernels.precision import compute_dtype

_TILE = 4096  # elements of a block of rows
_PROGRAMS = 4  # for each multiprocessor, in the backward pass


def serves_norm(x: Tensor) -> bool:
    """Return whether the kernels take ``x`` (..., D)."""
    return serves(x) and x.shape[-1] <= _TILE and x.dtype != torch.float64


def sum_and_norm(
    x: Tensor, branch: Tensor | None, norm: nn.LayerNorm, *, factor: float = 1.0, keeps_norm: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the sum ``s = factor · x + branch`` and ``norm(s)`` in the compute type, all of the shape (..., D).

    With ``keeps_norm`` the first one is ``norm(s)`` too, in the sum's own type: what a post-norm block goes on with.
    """
    dtype = compute_dtype(x)
    first, second = _SumAndNorm.apply(x, branch, norm.weight, norm.bias, norm.eps, factor, keeps_norm, dtype)
    return first, second


class _SumAndNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, branch: Tensor | None, weight: Tensor, bias: Tensor, eps: float, factor: float,
        keeps_norm: bool, dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        x = x.contiguous()
        dim = x.shape[-1]
        rows, width = x.numel() // dim, triton.next_power_of_2(dim)
        is_sum = branch is not None or factor != 1.0
        branch = x if branch is None else branch.contiguous()
        total = x.new_empty(x.shape, dtype=torch.promote_types(x.dtype, branch.dtype)) if is_sum else x
        half = x.new_empty(x.shape, dtype=dtype)
        full = torch.empty_like(total) if keeps_norm else half
        moments = x.new_empty(2, rows, dtype=torch.float32)
        _forward[(triton.cdiv(rows, _TILE // width),)](
            x, branch, weight, bias, total, half, full, moments, rows, dim, eps, factor, W=width, M=_TILE // width,
            IS_SUM=is_sum, HAS_BRANCH=branch is not x, KEEPS=keeps_norm, num_warps=4,
        )  # fmt: skip
        ctx.save_for_backward(total, weight, moments)
        ctx.factor, ctx.keeps_norm, ctx.types = factor, keeps_norm, (x.dtype, branch.dtype if branch is not x else None)
        if keeps_norm:
            return full, half
        # the sum itself is not a new tensor where there is nothing to add
        return (total if is_sum else x.view_as(x)), half

    @staticmethod
    def backward(ctx: Any, grad_first: Tensor, grad_half: Tensor) -> tuple[Tensor | None, ...]:
        total, weight, moments = ctx.saved_tensors
        dim = total.shape[-1]
        rows, width = total.numel() // dim, triton.next_power_of_2(dim)
        x_type, branch_type = ctx.types
        grad_x = total.new_empty(total.shape, dtype=x_type)
        grad_branch = grad_x if branch_type is None else total.new_empty(total.shape, dtype=branch_type)
        tile = _TILE // width
        programs = min(triton.cdiv(rows, tile), _PROGRAMS * _places(total))
        parts = total.new_empty(2, programs, dim, dtype=torch.float32)
        _backward[(programs,)](
            grad_first.contiguous(), grad_half.contiguous(), total, weight, moments, grad_x, grad_branch, parts, rows,
            dim, ctx.factor, W=width, M=tile, HAS_BRANCH=branch_type is not None, KEEPS=ctx.keeps_norm, num_warps=4,
        )  # fmt: skip
        grad_weight, grad_bias = parts.sum(dim=1).to(weight.dtype)
        return grad_x, None if branch_type is None else grad_branch, grad_weight, grad_bias, None, None, None, None


def _places(x: Tensor) -> int:
    """Return the number of multiprocessors, or a small number without a card."""
    return torch.cuda.get_device_properties(x.device).multi_processor_count if x.is_cuda else 2


@jit
def _forward(
    x, branch, weight, bias, total, half, full, moments, rows, dim, eps, factor,
    W: tl.constexpr, M: tl.constexpr, IS_SUM: tl.constexpr, HAS_BRANCH: tl.constexpr, KEEPS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * M + tl.arange(0, M)
    column = tl.arange(0, W)
    inside = (row < rows)[:, None] & (column < dim)[None, :]
    at = row[:, None].to(tl.int64) * dim + column[None, :]
    value = tl.load(x + at, mask=inside, other=0.0).to(tl.float32) * factor
    if HAS_BRANCH:
        value += tl.load(branch + at, mask=inside, other=0.0).to(tl.float32)
    if IS_SUM:
        tl.store(total + at, value.to(total.dtype.element_ty), mask=inside)
    mean = tl.sum(value, 1) / dim
    away = tl.where(inside, value - mean[:, None], 0.0)
    inverse = 1.0 / tl.sqrt(tl.sum(away * away, 1) / dim + eps)
    tl.store(moments + row, mean, mask=row < rows)
    tl.store(moments + rows + row, inverse, mask=row < rows)
    scale = tl.load(weight + column, mask=column < dim, other=0.0).to(tl.float32)[None, :]
    shift = tl.load(bias + column, mask=column < dim, other=0.0).to(tl.float32)[None, :]
    result = away * inverse[:, None] * scale + shift
    tl.store(half + at, result.to(half.dtype.element_ty), mask=inside)
    if KEEPS:
        tl.store(full + at, result.to(full.dtype.element_ty), mask=inside)


@jit
def _backward(
    grad_first, grad_half, total, weight, moments, grad_x, grad_branch, parts, rows, dim, factor,
    W: tl.constexpr, M: tl.constexpr, HAS_BRANCH: tl.constexpr, KEEPS: tl.constexpr,
):  # fmt: skip
    column = tl.arange(0, W)
    in_width = column < dim
    scale = tl.load(weight + column, mask=in_width, other=0.0).to(tl.float32)[None, :]
    weight_sums = tl.zeros((W,), tl.float32)
    bias_sums = tl.zeros((W,), tl.float32)
    for start in range(tl.program_id(0) * M, rows, tl.num_programs(0) * M):
        row = start + tl.arange(0, M)
        inside = (row < rows)[:, None] & in_width[None, :]
        at = row[:, None].to(tl.int64) * dim + column[None, :]
        first = tl.load(grad_first + at, mask=inside, other=0.0).to(tl.float32)
        grad = tl.load(grad_half + at, mask=inside, other=0.0).to(tl.float32)
        if KEEPS:
            grad += first
        mean = tl.load(moments + row, mask=row < rows, other=0.0)[:, None]
        inverse = tl.load(moments + rows + row, mask=row < rows, other=0.0)[:, None]
        value = tl.load(total + at, mask=inside, other=0.0).to(tl.float32)
        scaled = tl.where(inside, (value - mean) * inverse, 0.0)
        weight_sums += tl.sum(grad * scaled, 0)
        bias_sums += tl.sum(grad, 0)
        grad = grad * scale
        along = tl.sum(grad * scaled, 1)[:, None] / dim
        result = (grad - tl.sum(grad, 1)[:, None] / dim - scaled * along) * inverse
        if not KEEPS:
            result += first
        tl.store(grad_x + at, (result * factor).to(grad_x.dtype.element_ty), mask=inside)
        if HAS_BRANCH:
            tl.store(grad_branch + at, result.to(grad_branch.dtype.element_ty), mask=inside)
    to = parts + tl.program_id(0) * dim + column
    tl.store(to, weight_sums, mask=in_width)
    tl.store(to + tl.num_programs(0) * dim, bias_sums, mask=in_width)
