"""The steps of a bidirectional GRU with the units shared out among programs, each of which keeps its weights.

The recurrent weights of a direction do not fit one multiprocessor, but a quarter of them (96 KiB at 256 units) fits its
registers. Four programs then go through the frames together: after each step they exchange their part of the state
through memory and wait for each other at a counter. They must all run at the same time, so they are for cards that have
a multiprocessor for each (`fits`). A program that waits in vain (it never should) goes on with what is no number, so
that nobody takes the result for one.

Shape letters: B clips, T frames, H units, G = 3 H gates; 2 directions; M clips of a block, U units of a share.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sedlab.models.kernels.gpu.language import jit, tl

_CLIPS = 16  # the least that matrix units take
_SHARE = 64
#: Looks at the counter before a program gives up: seconds, where a step takes microseconds.
_LOOKS = 1 << 22


def fits(clips: int, units: int, multiprocessors: int) -> bool:
    """Return whether all programs run at the same time, those of another network beside them as well."""
    blocks, ways, shares = _layout(clips, units)[0]
    return 2 * blocks * ways * shares <= multiprocessors


def forward(gates: Tensor, weight: Tensor, bias: Tensor, hidden: Tensor, states: Tensor, *, learns: bool) -> None:
    """Write the states ``hidden`` (B, T, 2, H), and with ``learns`` what the backward pass needs (B, T, 2, 4, H)."""
    clips, frames, _, units = hidden.shape
    grid, options = _layout(clips, units)
    counters = torch.zeros(grid[0] * 2, dtype=torch.int32, device=gates.device)
    for begin, end in _stretches(gates, frames):
        _forward[grid](
            gates, weight, bias, hidden, states, counters, clips, frames, begin, end, LEARNS=learns, **options
        )


def backward(
    grad: Tensor, weight: Tensor, hidden: Tensor, states: Tensor, grad_gates: Tensor, grad_product: Tensor
) -> None:
    """Write the gradients of the gates (B, T, 2, 3, H) and of the new gate's recurrent part (B, T, 2, H)."""
    clips, frames, _, units = hidden.shape
    grid, options = _layout(clips, units)
    counters = torch.zeros(grid[0] * 2, dtype=torch.int32, device=grad.device)
    carried = grad.new_zeros(clips, 2, units, dtype=torch.float32)
    for begin, end in _stretches(grad, frames):
        _backward[grid](
            grad, weight, hidden, states, grad_gates, grad_product, carried, counters, clips, frames, begin, end,
            **options,
        )  # fmt: skip


def _layout(clips: int, units: int) -> tuple[tuple[int, int, int], dict[str, int]]:
    share = min(units, _SHARE)
    options = {"H": units, "U": share, "M": _CLIPS, "LOOKS": _LOOKS, "num_warps": 8 if units == 256 else 4}
    return (-(-clips // _CLIPS), 2, units // share), options


def _stretches(x: Tensor, frames: int) -> list[tuple[int, int]]:
    """Return the steps of each launch: all of them, or one by one where programs run one after another."""
    return [(0, frames)] if x.is_cuda else [(step, step + 1) for step in range(frames)]


@jit
def _meet(counter, target, LOOKS: tl.constexpr):
    """Wait for the other shares; return whether all have come."""
    tl.debug_barrier()  # this program's threads have written their part
    seen = tl.atomic_add(counter, 1, sem="acq_rel", scope="gpu") + 1
    looks = 0
    while (seen < target) & (looks < LOOKS):
        seen = tl.atomic_add(counter, 0, sem="acquire", scope="gpu")
        looks += 1
    tl.debug_barrier()
    return seen >= target


@jit
def _forward(
    gates, weight, bias, hidden, states, counters, clips, frames, begin, end,
    H: tl.constexpr, U: tl.constexpr, M: tl.constexpr, LOOKS: tl.constexpr, LEARNS: tl.constexpr,
):  # fmt: skip
    way = tl.program_id(1)  # 0 forward, 1 reverse
    clip = tl.program_id(0) * M + tl.arange(0, M)
    unit, every = tl.program_id(2) * U + tl.arange(0, U), tl.arange(0, H)
    inside = (clip < clips)[:, None]
    counter = counters + tl.program_id(0) * 2 + way
    matrix = weight + way * 3 * H * H + unit[None, :] * H + every[:, None]  # (inputs, outputs of this share)
    weight_r = tl.load(matrix)
    weight_z = tl.load(matrix + H * H)
    weight_n = tl.load(matrix + 2 * H * H)
    bias_r = tl.load(bias + way * 3 * H + unit).to(tl.float32)[None, :]
    bias_z = tl.load(bias + way * 3 * H + H + unit).to(tl.float32)[None, :]
    bias_n = tl.load(bias + way * 3 * H + 2 * H + unit).to(tl.float32)[None, :]
    first_before = begin + way * (frames - 1 - 2 * begin) - 1 + 2 * way
    h = tl.load(
        hidden + ((clip[:, None] * frames + first_before) * 2 + way) * H + unit[None, :],
        mask=(clip < tl.where(begin > 0, clips, 0))[:, None], other=0.0,
    ).to(tl.float32)  # fmt: skip
    for step in range(begin, end):
        frame = step + way * (frames - 1 - 2 * step)
        before = frame - 1 + 2 * way
        place = (clip[:, None] * frames + frame) * 2 + way
        source = hidden + ((clip[:, None] * frames + before) * 2 + way) * H + every[None, :]
        has_before = (clip < tl.where(step > 0, clips, 0))[:, None]
        state = tl.load(source, mask=has_before, other=0.0, cache_modifier=".cg")
        given = gates + place * 3 * H + unit[None, :]
        given_r = tl.load(given, mask=inside, other=0.0).to(tl.float32)
        given_z = tl.load(given + H, mask=inside, other=0.0).to(tl.float32)
        given_n = tl.load(given + 2 * H, mask=inside, other=0.0).to(tl.float32)
        r = tl.sigmoid(given_r + tl.dot(state, weight_r, input_precision="ieee") + bias_r)
        z = tl.sigmoid(given_z + tl.dot(state, weight_z, input_precision="ieee") + bias_z)
        product = tl.dot(state, weight_n, input_precision="ieee") + bias_n
        n = 2.0 * tl.sigmoid(2.0 * (given_n + r * product)) - 1.0  # tanh
        h = n + z * (h - n)
        tl.store(hidden + place * H + unit[None, :], h.to(hidden.dtype.element_ty), mask=inside)
        if LEARNS:
            to = states + place * 4 * H + unit[None, :]
            tl.store(to, r.to(states.dtype.element_ty), mask=inside)
            tl.store(to + H, z.to(states.dtype.element_ty), mask=inside)
            tl.store(to + 2 * H, n.to(states.dtype.element_ty), mask=inside)
            tl.store(to + 3 * H, product.to(states.dtype.element_ty), mask=inside)
        if step + 1 < end:
            has_met = _meet(counter, (step + 1) * (H // U), LOOKS)
            h = tl.where(has_met, h, float("nan"))


@jit
def _backward(
    grad, weight, hidden, states, grad_gates, grad_product, carried, counters, clips, frames, begin, end,
    H: tl.constexpr, U: tl.constexpr, M: tl.constexpr, LOOKS: tl.constexpr,
):  # fmt: skip
    way = tl.program_id(1)
    clip = tl.program_id(0) * M + tl.arange(0, M)
    unit, every = tl.program_id(2) * U + tl.arange(0, U), tl.arange(0, H)
    inside = (clip < clips)[:, None]
    counter = counters + tl.program_id(0) * 2 + way
    matrix = weight + way * 3 * H * H + every[:, None] * H + unit[None, :]  # (outputs, inputs of this share)
    weight_r = tl.load(matrix)
    weight_z = tl.load(matrix + H * H)
    weight_n = tl.load(matrix + 2 * H * H)
    carry = carried + (clip[:, None] * 2 + way) * H + unit[None, :]
    later = tl.load(carry, mask=inside, other=0.0)  # what reaches the state directly from the step after
    for back in range(begin, end):
        step = frames - 1 - back
        frame = step + way * (frames - 1 - 2 * step)
        before, after = frame - 1 + 2 * way, frame + 1 - 2 * way
        place = (clip[:, None] * frames + frame) * 2 + way
        # what reaches it through the gates of the step after, which all shares have written
        place_after = (clip[:, None] * frames + after) * 2 + way
        rows = grad_gates + place_after * 3 * H + every[None, :]
        has_after = (clip < tl.where(back > 0, clips, 0))[:, None]
        rows_r = tl.load(rows, mask=has_after, other=0.0, cache_modifier=".cg")
        rows_z = tl.load(rows + H, mask=has_after, other=0.0, cache_modifier=".cg")
        rows_n = tl.load(
            grad_product + place_after * H + every[None, :], mask=has_after, other=0.0, cache_modifier=".cg"
        )
        later = tl.dot(rows_r, weight_r, later, input_precision="ieee")
        later = tl.dot(rows_z, weight_z, later, input_precision="ieee")
        later = tl.dot(rows_n, weight_n, later, input_precision="ieee")
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
        later = total * z
        if back + 1 < end:
            has_met = _meet(counter, (back + 1) * (H // U), LOOKS)
            later = tl.where(has_met, later, float("nan"))
    tl.store(carry, later, mask=inside)
