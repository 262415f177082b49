"""Bidirectional GRU in which one kernel goes through all frames of a layer.

cuDNN launches two kernels for each frame, layer and direction (PyTorch never asks it for its persistent GRU on recent
cards). Here a program takes 16 clips in one direction from the first frame to the last. The recurrent weights of a
direction (384 KiB at 256 units in half precision) are more than a multiprocessor holds, so each step reads them again
from the second-level cache; `gru_shares` shares the units out instead. What does not depend on the previous step stands
outside as large matrix products: the input's gates, and in the backward pass all gradients of weights.

Shape letters: B clips, T frames, I inputs, H units, G = 3 H gates in the order reset, update, new; 2 directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sedlab.models.kernels.gpu import gru_shares
from sedlab.models.kernels.gpu.language import jit, serves, tl, triton
from sedlab.models.kernels.precision import compute_dtype

_CLIPS = 16  # the least that matrix units take
_UNITS = (16, 32, 64, 128, 256)
_HALF = (torch.float16, torch.bfloat16)


def serves_gru(x: Tensor, units: int) -> bool:
    """Return whether the kernels take ``x`` and so many units; on a card in half precision alone."""
    return serves(x) and units in _UNITS and (not x.is_cuda or compute_dtype(x) in _HALF)


def bidirectional_gru(x: Tensor, weights: Sequence[Sequence[Tensor]], *, in_shares: bool = False) -> Tensor:
    """Return (B, T, 2 H), the forward direction first, for ``x`` (B, T, I).

    ``weights`` are those of ``nn.GRU.all_weights``: for each layer, forward then reverse, ``weight_ih`` (G, I),
    ``weight_hh`` (G, H), ``bias_ih`` and ``bias_hh`` (G). ``in_shares`` takes the kernels of `gru_shares` where the
    card is large enough for so many clips.
    """
    if x.is_cuda:
        num = torch.cuda.get_device_properties(x.device).multi_processor_count
        in_shares = in_shares and gru_shares.fits(len(x), weights[0][1].shape[-1], num)
    dtype = compute_dtype(x)
    x = x.to(dtype)
    for forward, reverse in zip(weights[::2], weights[1::2], strict=True):
        weight_ih, weight_hh, bias_ih, bias_hh = (
            torch.stack(pair).to(dtype) for pair in zip(forward, reverse, strict=True)
        )
        gates = F.linear(x, weight_ih.flatten(0, 1), bias_ih.flatten())
        x = _Recurrence.apply(gates.view(*gates.shape[:2], 2, -1), weight_hh, bias_hh, in_shares).flatten(2)
    return x


class _Recurrence(torch.autograd.Function):
    """The steps of both directions: the input's gates (B, T, 2, G) to hidden states (B, T, 2, H).

        r, z = σ(gates_rz + W_rz h + b_rz);  n = tanh(gates_n + r (W_n h + b_n));  h' = (1 - z) n + z h

    Source: arXiv 1406.1078, in PyTorch's form.
    """

    @staticmethod
    def forward(ctx: Any, gates: Tensor, weight: Tensor, bias: Tensor, in_shares: bool) -> Tensor:
        clips, frames, _, _ = gates.shape
        units = weight.shape[-1]
        gates, weight, bias = gates.contiguous(), weight.contiguous(), bias.contiguous()
        hidden = gates.new_empty(clips, frames, 2, units)
        learns = any(ctx.needs_input_grad)
        # reset, update, new, W_n h + b_n of every step
        states = gates.new_empty(clips, frames, 2, 4, units) if learns else hidden
        if in_shares:
            gru_shares.forward(gates, weight, bias, hidden, states, learns=learns)
        else:
            _forward[(triton.cdiv(clips, _CLIPS), 2)](
                gates, weight, bias, hidden, states, clips, frames, H=units, K=min(units, 32), M=_CLIPS,
                LEARNS=learns, num_warps=_warps(units), num_stages=3,
            )  # fmt: skip
        if learns:
            ctx.save_for_backward(weight, hidden, states)
            ctx.in_shares = in_shares
        return hidden

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        weight, hidden, states = ctx.saved_tensors
        clips, frames, _, units = hidden.shape
        grad_gates = hidden.new_empty(clips, frames, 2, 3, units)
        # that of W_n h + b_n, where the others' recurrent part has the gradient of the gate
        grad_product = torch.empty_like(hidden)
        tensors = (grad.contiguous(), weight, hidden, states, grad_gates, grad_product)
        if ctx.in_shares:
            gru_shares.backward(*tensors)
        else:
            _backward[(triton.cdiv(clips, _CLIPS), 2)](
                *tensors, clips, frames, H=units, K=min(units, 32), M=_CLIPS, num_warps=_warps(units), num_stages=3
            )
        recurrent = torch.cat([grad_gates[..., :2, :], grad_product[..., None, :]], dim=3).flatten(3)  # (B, T, 2, G)
        after, before = (slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))
        grad_weight = [
            recurrent[:, after[way], way].flatten(0, 1).mT @ hidden[:, before[way], way].flatten(0, 1)
            for way in range(2)
        ]
        grad_bias = recurrent.sum(dim=(0, 1), dtype=torch.float32).to(weight.dtype)
        return grad_gates.flatten(3), torch.stack(grad_weight), grad_bias, None


def _warps(units: int) -> int:
    return 8 if units == 256 else 4


@jit
def _forward(
    gates, weight, bias, hidden, states, clips, frames,
    H: tl.constexpr, K: tl.constexpr, M: tl.constexpr, LEARNS: tl.constexpr,
):  # fmt: skip
    way = tl.program_id(1)  # 0 forward, 1 reverse
    clip = tl.program_id(0) * M + tl.arange(0, M)
    unit, part = tl.arange(0, H), tl.arange(0, K)
    inside = (clip < clips)[:, None]
    matrix = weight + way * 3 * H * H + unit[None, :] * H + part[:, None]  # (K of the inputs, outputs)
    bias_r = tl.load(bias + way * 3 * H + unit).to(tl.float32)[None, :]
    bias_z = tl.load(bias + way * 3 * H + H + unit).to(tl.float32)[None, :]
    bias_n = tl.load(bias + way * 3 * H + 2 * H + unit).to(tl.float32)[None, :]
    h = tl.zeros((M, H), tl.float32)
    for step in range(frames):
        frame = step + way * (frames - 1 - 2 * step)
        before = frame - 1 + 2 * way
        place = (clip[:, None] * frames + frame) * 2 + way
        sum_r = tl.zeros((M, H), tl.float32)
        sum_z = tl.zeros((M, H), tl.float32)
        sum_n = tl.zeros((M, H), tl.float32)
        # The state goes through memory, where a product finds it in parts; at the first step it is zero.
        source = hidden + ((clip[:, None] * frames + before) * 2 + way) * H + part[None, :]
        has_before = (clip < tl.where(step > 0, clips, 0))[:, None]
        for first in range(0, H, K):
            state = tl.load(source + first, mask=has_before, other=0.0)
            sum_r = tl.dot(state, tl.load(matrix + first), sum_r, input_precision="ieee")
            sum_z = tl.dot(state, tl.load(matrix + H * H + first), sum_z, input_precision="ieee")
            sum_n = tl.dot(state, tl.load(matrix + 2 * H * H + first), sum_n, input_precision="ieee")
        given = gates + place * 3 * H + unit[None, :]
        r = tl.sigmoid(tl.load(given, mask=inside, other=0.0).to(tl.float32) + sum_r + bias_r)
        z = tl.sigmoid(tl.load(given + H, mask=inside, other=0.0).to(tl.float32) + sum_z + bias_z)
        product = sum_n + bias_n
        # tanh by the sigmoid: Triton has no tanh of its own on every device
        n = 2.0 * tl.sigmoid(2.0 * (tl.load(given + 2 * H, mask=inside, other=0.0).to(tl.float32) + r * product)) - 1.0
        h = n + z * (h - n)
        tl.store(hidden + place * H + unit[None, :], h.to(hidden.dtype.element_ty), mask=inside)
        if LEARNS:
            to = states + place * 4 * H + unit[None, :]
            tl.store(to, r.to(states.dtype.element_ty), mask=inside)
            tl.store(to + H, z.to(states.dtype.element_ty), mask=inside)
            tl.store(to + 2 * H, n.to(states.dtype.element_ty), mask=inside)
            tl.store(to + 3 * H, product.to(states.dtype.element_ty), mask=inside)
        tl.debug_barrier()  # other threads of this program read the state that these have written


@jit
def _backward(
    grad, weight, hidden, states, grad_gates, grad_product, clips, frames,
    H: tl.constexpr, K: tl.constexpr, M: tl.constexpr,
):  # fmt: skip
    way = tl.program_id(1)
    clip = tl.program_id(0) * M + tl.arange(0, M)
    unit, part = tl.arange(0, H), tl.arange(0, K)
    inside = (clip < clips)[:, None]
    matrix = weight + way * 3 * H * H + part[:, None] * H + unit[None, :]  # (K of the outputs, inputs)
    later = tl.zeros((M, H), tl.float32)  # the gradient that comes from the step after
    for back in range(frames):
        step = frames - 1 - back
        frame = step + way * (frames - 1 - 2 * step)
        before = frame - 1 + 2 * way
        place = (clip[:, None] * frames + frame) * 2 + way
        at = states + place * 4 * H + unit[None, :]
        r = tl.load(at, mask=inside, other=0.0).to(tl.float32)
        z = tl.load(at + H, mask=inside, other=0.0).to(tl.float32)
        n = tl.load(at + 2 * H, mask=inside, other=0.0).to(tl.float32)
        product = tl.load(at + 3 * H, mask=inside, other=0.0).to(tl.float32)
        source = hidden + ((clip[:, None] * frames + before) * 2 + way) * H + unit[None, :]
        h = tl.load(source, mask=(clip < tl.where(step > 0, clips, 0))[:, None], other=0.0).to(tl.float32)
        total = tl.load(grad + place * H + unit[None, :], mask=inside, other=0.0).to(tl.float32) + later
        of_n = total * (1.0 - z) * (1.0 - n * n)
        of_z = total * (h - n) * z * (1.0 - z)
        of_r = of_n * product * r * (1.0 - r)
        to = grad_gates + place * 3 * H + unit[None, :]
        tl.store(to, of_r.to(grad_gates.dtype.element_ty), mask=inside)
        tl.store(to + H, of_z.to(grad_gates.dtype.element_ty), mask=inside)
        tl.store(to + 2 * H, of_n.to(grad_gates.dtype.element_ty), mask=inside)
        tl.store(grad_product + place * H + unit[None, :], (of_n * r).to(grad_product.dtype.element_ty), mask=inside)
        tl.debug_barrier()
        later = total * z
        rows_rz = grad_gates + place * 3 * H + part[None, :]
        rows_n = grad_product + place * H + part[None, :]
        for first in range(0, H, K):
            rows = matrix + first * H
            later = tl.dot(
                tl.load(rows_rz + first, mask=inside, other=0.0), tl.load(rows), later, input_precision="ieee"
            )
            later = tl.dot(
                tl.load(rows_rz + H + first, mask=inside, other=0.0), tl.load(rows + H * H), later,
                input_precision="ieee",
            )  # fmt: skip
            later = tl.dot(
                tl.load(rows_n + first, mask=inside, other=0.0), tl.load(rows + 2 * H * H), later,
                input_precision="ieee",
            )  # fmt: skip
