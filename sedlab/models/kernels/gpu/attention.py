"""Attention whose logits carry a gated bias, without any array of the size of all attention weights.

Forward, keys and values pass by a block of queries, and the softmax is kept up to date. The backward pass computes the
attention weights again in three kernels: one for keys and values; one for queries and gates, whose gradient is a sum
over the keys; one for the bias, whose gradient is a sum over the clips. No atomic additions: results repeat.

Shape letters: B clips, H heads, L tokens, E width of a head; M queries and N keys of a block.
Source: Dao, arXiv 2307.08691 (the order of the loops).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sedlab.models.kernels.gpu.language import jit, serves, tl, triton

_BLOCK = 64
_WARPS = 4
_WIDTHS = (16, 32, 64, 128)


def serves_attention(query: Tensor) -> bool:
    """Return whether the kernels take heads like ``query`` (B, H, L, E)."""
    return serves(query) and query.shape[-1] in _WIDTHS and query.dtype != torch.float64


def gated_bias_attention(query: Tensor, key: Tensor, value: Tensor, gate: Tensor, bias: Tensor) -> Tensor:
    """Return ``softmax(query keyᵀ / √E + gate · bias) value``.

    Shapes: query, key, value (B, H, L, E), gate (B, H, L, 1), bias (H, L, L). Gate and bias are taken in the queries'
    type.
    """
    return _Attention.apply(query, key, value, gate.to(query.dtype), bias.to(query.dtype))


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, gate: Tensor, bias: Tensor) -> Tensor:
        clips, heads, length, width = query.shape
        query, key, value = (_by_token(tensor) for tensor in (query, key, value))
        gate, bias = gate.contiguous(), bias.contiguous()
        output = query.new_empty(clips, length, heads, width).transpose(1, 2)
        log_sum = query.new_empty(clips, heads, length, dtype=torch.float32)
        grid = (triton.cdiv(length, _BLOCK), clips * heads)
        _forward[grid](
            query, key, value, gate, bias, output, log_sum, *_strides(query, key, value, output), heads, length,
            width**-0.5, E=width, M=_BLOCK, N=_BLOCK, num_warps=_WARPS,
        )  # fmt: skip
        ctx.save_for_backward(query, key, value, gate, bias, output, log_sum)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        query, key, value, gate, bias, output, log_sum = ctx.saved_tensors
        clips, heads, length, width = query.shape
        grad = _by_token(grad)
        # of each query: its output times the gradient, which the softmax subtracts
        inner = torch.linalg.vecdot(output.float(), grad.float()).contiguous()
        grads = [query.new_empty(clips, length, heads, width).transpose(1, 2) for _ in range(3)]
        grad_gate, grad_bias = torch.empty_like(gate), torch.empty_like(bias)
        tensors = (query, key, value, gate, bias, grad, log_sum, inner)
        strides, sizes = _strides(query, key, value, grad), (heads, length, width**-0.5)
        options = {"E": width, "M": _BLOCK, "N": _BLOCK, "num_warps": _WARPS}
        blocks = triton.cdiv(length, _BLOCK)
        _backward_keys[(blocks, clips * heads)](
            *tensors, grads[1], grads[2], *strides, *_strides(grads[1]), *sizes, **options
        )
        _backward_queries[(blocks, clips * heads)](
            *tensors, grads[0], grad_gate, *strides, *_strides(grads[0]), *sizes, **options
        )
        options["num_warps"] = 2 * _WARPS
        _backward_bias[(blocks, blocks, heads)](*tensors, grad_bias, *strides, *sizes, clips, **options)
        return (*grads, grad_gate, grad_bias)


def _by_token(x: Tensor) -> Tensor:
    """Return ``x`` (B, H, L, E) with the width of a head side by side."""
    return x if x.stride(-1) == 1 else x.contiguous()


def _strides(*tensors: Tensor) -> list[int]:
    return [stride for tensor in tensors for stride in tensor.stride()[:3]]


@jit
def _rows(start, clip_head, heads, stride_b, stride_h, stride_l, COUNT: tl.constexpr, E: tl.constexpr):
    """Return offsets (COUNT, E) of a block of tokens of one head."""
    tokens = start + tl.arange(0, COUNT)
    base = (clip_head // heads).to(tl.int64) * stride_b + (clip_head % heads) * stride_h
    return base + tokens[:, None] * stride_l + tl.arange(0, E)[None, :]


@jit
def _forward(
    query, key, value, gate, bias, output, log_sum,
    qb, qh, ql, kb, kh, kl, vb, vh, vl, ob, oh, ol,
    heads, length, scale, E: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    start, clip_head = tl.program_id(0) * M, tl.program_id(1)
    head = clip_head % heads
    at = start + tl.arange(0, M)
    inside = at < length
    q = tl.load(query + _rows(start, clip_head, heads, qb, qh, ql, M, E), mask=inside[:, None], other=0.0)
    g = tl.load(gate + clip_head * length + at, mask=inside, other=0.0).to(tl.float32)
    highest = tl.full((M,), float("-inf"), tl.float32)
    total = tl.zeros((M,), tl.float32)
    sums = tl.zeros((M, E), tl.float32)
    for first in range(0, length, N):
        keys = first + tl.arange(0, N)
        exists = keys < length
        k = tl.load(key + _rows(first, clip_head, heads, kb, kh, kl, N, E), mask=exists[:, None], other=0.0)
        v = tl.load(value + _rows(first, clip_head, heads, vb, vh, vl, N, E), mask=exists[:, None], other=0.0)
        both = inside[:, None] & exists[None, :]
        place = (head * length + at[:, None]).to(tl.int64) * length + keys[None, :]
        b = tl.load(bias + place, mask=both, other=0.0).to(tl.float32)
        logits = tl.dot(q, tl.trans(k), input_precision="ieee") * scale + g[:, None] * b
        logits = tl.where(exists[None, :], logits, float("-inf"))
        higher = tl.maximum(highest, tl.max(logits, 1))
        shrink = tl.exp(highest - higher)
        weights = tl.exp(logits - higher[:, None])
        total = total * shrink + tl.sum(weights, 1)
        sums = sums * shrink[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        highest = higher
    sums = sums / total[:, None]
    to = output + _rows(start, clip_head, heads, ob, oh, ol, M, E)
    tl.store(to, sums.to(output.dtype.element_ty), mask=inside[:, None])
    tl.store(log_sum + clip_head * length + at, highest + tl.log(total), mask=inside)


@jit
def _logit_gradients(q, k, v, grad, g, b, log_sums, inners, both, scale):
    """Return attention weights (M, N) of a block and the gradient of its logits."""
    logits = tl.dot(q, tl.trans(k), input_precision="ieee") * scale + g[:, None] * b
    weights = tl.where(both, tl.exp(logits - log_sums[:, None]), 0.0)
    grad_weights = tl.dot(grad, tl.trans(v), input_precision="ieee")
    return weights, weights * (grad_weights - inners[:, None])


@jit
def _backward_keys(
    query, key, value, gate, bias, grad, log_sum, inner, grad_key, grad_value,
    qb, qh, ql, kb, kh, kl, vb, vh, vl, ob, oh, ol, gkb, gkh, gkl,
    heads, length, scale, E: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    start, clip_head = tl.program_id(0) * N, tl.program_id(1)
    head = clip_head % heads
    keys = start + tl.arange(0, N)
    exists = keys < length
    k = tl.load(key + _rows(start, clip_head, heads, kb, kh, kl, N, E), mask=exists[:, None], other=0.0)
    v = tl.load(value + _rows(start, clip_head, heads, vb, vh, vl, N, E), mask=exists[:, None], other=0.0)
    sums_k = tl.zeros((N, E), tl.float32)
    sums_v = tl.zeros((N, E), tl.float32)
    for first in range(0, length, M):
        at = first + tl.arange(0, M)
        inside = at < length
        q = tl.load(query + _rows(first, clip_head, heads, qb, qh, ql, M, E), mask=inside[:, None], other=0.0)
        o = tl.load(grad + _rows(first, clip_head, heads, ob, oh, ol, M, E), mask=inside[:, None], other=0.0)
        g = tl.load(gate + clip_head * length + at, mask=inside, other=0.0).to(tl.float32)
        log_sums = tl.load(log_sum + clip_head * length + at, mask=inside, other=0.0)
        inners = tl.load(inner + clip_head * length + at, mask=inside, other=0.0)
        both = inside[:, None] & exists[None, :]
        place = (head * length + at[:, None]).to(tl.int64) * length + keys[None, :]
        b = tl.load(bias + place, mask=both, other=0.0).to(tl.float32)
        weights, grad_logits = _logit_gradients(q, k, v, o, g, b, log_sums, inners, both, scale)
        sums_v += tl.dot(tl.trans(weights.to(o.dtype)), o, input_precision="ieee")
        sums_k += tl.dot(tl.trans(grad_logits.to(q.dtype)), q, input_precision="ieee")
    to = _rows(start, clip_head, heads, gkb, gkh, gkl, N, E)
    tl.store(grad_key + to, (sums_k * scale).to(grad_key.dtype.element_ty), mask=exists[:, None])
    tl.store(grad_value + to, sums_v.to(grad_value.dtype.element_ty), mask=exists[:, None])


@jit
def _backward_queries(
    query, key, value, gate, bias, grad, log_sum, inner, grad_query, grad_gate,
    qb, qh, ql, kb, kh, kl, vb, vh, vl, ob, oh, ol, gqb, gqh, gql,
    heads, length, scale, E: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    start, clip_head = tl.program_id(0) * M, tl.program_id(1)
    head = clip_head % heads
    at = start + tl.arange(0, M)
    inside = at < length
    q = tl.load(query + _rows(start, clip_head, heads, qb, qh, ql, M, E), mask=inside[:, None], other=0.0)
    o = tl.load(grad + _rows(start, clip_head, heads, ob, oh, ol, M, E), mask=inside[:, None], other=0.0)
    g = tl.load(gate + clip_head * length + at, mask=inside, other=0.0).to(tl.float32)
    log_sums = tl.load(log_sum + clip_head * length + at, mask=inside, other=0.0)
    inners = tl.load(inner + clip_head * length + at, mask=inside, other=0.0)
    sums_q = tl.zeros((M, E), tl.float32)
    sums_g = tl.zeros((M,), tl.float32)
    for first in range(0, length, N):
        keys = first + tl.arange(0, N)
        exists = keys < length
        k = tl.load(key + _rows(first, clip_head, heads, kb, kh, kl, N, E), mask=exists[:, None], other=0.0)
        v = tl.load(value + _rows(first, clip_head, heads, vb, vh, vl, N, E), mask=exists[:, None], other=0.0)
        both = inside[:, None] & exists[None, :]
        place = (head * length + at[:, None]).to(tl.int64) * length + keys[None, :]
        b = tl.load(bias + place, mask=both, other=0.0).to(tl.float32)
        _, grad_logits = _logit_gradients(q, k, v, o, g, b, log_sums, inners, both, scale)
        sums_q += tl.dot(grad_logits.to(k.dtype), k, input_precision="ieee")
        sums_g += tl.sum(grad_logits * b, 1)
    to = grad_query + _rows(start, clip_head, heads, gqb, gqh, gql, M, E)
    tl.store(to, (sums_q * scale).to(grad_query.dtype.element_ty), mask=inside[:, None])
    tl.store(grad_gate + clip_head * length + at, sums_g.to(grad_gate.dtype.element_ty), mask=inside)


@jit
def _backward_bias(
    query, key, value, gate, bias, grad, log_sum, inner, grad_bias,
    qb, qh, ql, kb, kh, kl, vb, vh, vl, ob, oh, ol,
    heads, length, scale, clips, E: tl.constexpr, M: tl.constexpr, N: tl.constexpr,
):  # fmt: skip
    start, first, head = tl.program_id(0) * M, tl.program_id(1) * N, tl.program_id(2)
    at, keys = start + tl.arange(0, M), first + tl.arange(0, N)
    inside, exists = at < length, keys < length
    both = inside[:, None] & exists[None, :]
    place = (head * length + at[:, None]).to(tl.int64) * length + keys[None, :]
    b = tl.load(bias + place, mask=both, other=0.0).to(tl.float32)
    sums = tl.zeros((M, N), tl.float32)
    for clip in range(clips):
        clip_head = clip * heads + head
        q = tl.load(query + _rows(start, clip_head, heads, qb, qh, ql, M, E), mask=inside[:, None], other=0.0)
        o = tl.load(grad + _rows(start, clip_head, heads, ob, oh, ol, M, E), mask=inside[:, None], other=0.0)
        k = tl.load(key + _rows(first, clip_head, heads, kb, kh, kl, N, E), mask=exists[:, None], other=0.0)
        v = tl.load(value + _rows(first, clip_head, heads, vb, vh, vl, N, E), mask=exists[:, None], other=0.0)
        g = tl.load(gate + clip_head * length + at, mask=inside, other=0.0).to(tl.float32)
        log_sums = tl.load(log_sum + clip_head * length + at, mask=inside, other=0.0)
        inners = tl.load(inner + clip_head * length + at, mask=inside, other=0.0)
        _, grad_logits = _logit_gradients(q, k, v, o, g, b, log_sums, inners, both, scale)
        sums += grad_logits * g[:, None]
    tl.store(grad_bias + place, sums.to(grad_bias.dtype.element_ty), mask=both)
