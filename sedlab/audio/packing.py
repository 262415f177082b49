"""Tensors inside records: find them, put others in their place, move all of them in one copy.

An augmentation's draws are a few numbers a clip. Each of them copied on its own costs an accelerator's host more than
the augmentation, so the draws of a step are laid side by side in page-locked memory and travel together.

A record is any nesting of tuples, lists, named tuples and dataclasses; what is not a tensor stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

_Record = TypeVar("_Record")

#: Bytes to whose multiples each tensor of a packed copy is moved up: those of the largest elements.
_ALIGNMENT = 16


def tensors_in(record: Any) -> list[Tensor]:
    """Return the tensors of ``record`` in a fixed order; one that occurs twice is listed twice."""
    return list(_walk(record))


def map_tensors(record: _Record, change: Callable[[Tensor], Tensor]) -> _Record:
    """Return ``record`` with ``change`` applied to each tensor, in the order of `tensors_in`."""
    if isinstance(record, Tensor):
        return change(record)
    if is_dataclass(record) and not isinstance(record, type):
        return replace(record, **{name: map_tensors(value, change) for name, value in _members(record)})
    if isinstance(record, tuple | list):
        values = [map_tensors(value, change) for value in record]
        return record._make(values) if hasattr(record, "_make") else type(record)(values)
    return record


def with_tensors(record: _Record, tensors: Sequence[Tensor]) -> _Record:
    """Return ``record`` with ``tensors`` in place of its own, in the order of `tensors_in`."""
    remaining = iter(tensors)
    return map_tensors(record, lambda _: next(remaining))


def moved(record: _Record, device: torch.device) -> _Record:
    """Return ``record``, whose tensors are on the host, on ``device``, without waiting for it."""
    tensors = tensors_in(record)
    if device.type == "cpu" or not tensors:
        return record
    packed = pack(tensors, pin_memory=device.type == "cuda").to(device, non_blocking=True)
    return with_tensors(record, unpack(packed, tensors))


def pack(tensors: Sequence[Tensor], *, pin_memory: bool = False) -> Tensor:
    """Return the bytes of ``tensors``, which are on the host, in one uint8 tensor."""
    places, size = _places(tensors)
    packed = torch.empty(size, dtype=torch.uint8, pin_memory=pin_memory)
    for place, tensor in zip(places, tensors, strict=True):
        _at(packed, place, tensor).copy_(tensor)
    return packed


def unpack(packed: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Return the tensors that were packed, as views of ``packed``; dtypes and shapes are those of ``like``."""
    places, _ = _places(like)
    return [_at(packed, place, tensor) for place, tensor in zip(places, like, strict=True)]


def _places(tensors: Sequence[Tensor]) -> tuple[list[int], int]:
    """Return where the bytes of each tensor begin, and where those of the last one end."""
    places, end = [], 0
    for tensor in tensors:
        places.append(-(-end // _ALIGNMENT) * _ALIGNMENT)
        end = places[-1] + tensor.nbytes
    return places, end


def _at(packed: Tensor, place: int, like: Tensor) -> Tensor:
    return packed[place : place + like.nbytes].view(like.dtype).view(like.shape)


def _walk(record: Any) -> Iterator[Tensor]:
    if isinstance(record, Tensor):
        yield record
    elif is_dataclass(record) and not isinstance(record, type):
        for _, value in _members(record):
            yield from _walk(value)
    elif isinstance(record, tuple | list):
        for value in record:
            yield from _walk(value)


def _members(record: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(record, field.name)) for field in fields(record)]
