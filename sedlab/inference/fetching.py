"""Batches on their way to a device, and its results as arrays, fetched a few batches behind it: neither waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

#: Batches that a GPU may have before it; more would only take memory.
_BEHIND = 2


def fetched(batches: Iterable[Sequence[Tensor]]) -> Iterator[list[np.ndarray]]:
    """Yield the tensors of each batch as float32 arrays; those of a GPU are two batches behind what it was given."""
    coming: deque[tuple[torch.cuda.Event, list[Tensor]]] = deque()
    for values in batches:
        if any(value.device.type == "cuda" for value in values) or coming:
            # To page-locked memory, which torch takes for it; so this goes on before the numbers are there.
            arriving = [value.float().to("cpu", non_blocking=True) for value in values]
            arrival = torch.cuda.Event()
            arrival.record()
            coming.append((arrival, arriving))
            if len(coming) > _BEHIND:
                yield _arrived(*coming.popleft())
        else:
            yield [value.float().cpu().numpy() for value in values]
    while coming:
        yield _arrived(*coming.popleft())


def collected(batches: Iterable[Sequence[Tensor]], num_rows: int) -> list[np.ndarray]:
    """Return the tensors of all batches, one after another along their first axis, as float32 arrays."""
    arrays: list[np.ndarray] = []
    start = 0
    for values in fetched(batches):
        arrays = arrays or [np.empty((num_rows, *value.shape[1:]), dtype=np.float32) for value in values]
        for array, value in zip(arrays, values, strict=True):
            array[start : start + len(value)] = value
        start += len(values[0])
    return arrays


def memory_for(device: str | torch.device, shape: tuple[int, ...], *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return memory of the host to fill for ``device``; a GPU fetches from it by itself, so it is page-locked then."""
    device = torch.device(device)
    if device.type != "cuda" or 0 in shape:
        return torch.empty(shape, dtype=dtype)
    if device.index is not None:
        torch.cuda.set_device(device)  # each thread has its own, and would else wake the first GPU
    return torch.empty(shape, dtype=dtype, pin_memory=True)


def _arrived(arrival: torch.cuda.Event, values: list[Tensor]) -> list[np.ndarray]:
    arrival.synchronize()
    return [value.numpy() for value in values]
