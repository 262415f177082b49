"""Stands for a CUDA graph on a CPU: records the operators of some work and does them again on the same tensors.

As on a GPU, all that is left of the Python code is the operators and the tensors they read and wrote: a number that the
host computed stays what it was, and what the host may not know while a graph is recorded is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
#: They wait for the device, or copy from the host's memory.
REFUSED = {aten._local_scalar_dense.default, aten.nonzero.default, aten.lift_fresh.default, aten.masked_select.default}


class Tape(TorchDispatchMode):
    """The operators told while it is active, forward and backward."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, tuple, dict, Any]] = []

    def __torch_dispatch__(self, operator: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if operator in REFUSED:
            raise RuntimeError(f"{operator} cannot be recorded")
        result = operator(*args, **(kwargs or {}))
        self.steps.append((operator, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        """Do it again."""
        with torch.no_grad():
            for operator, args, kwargs, result in self.steps:
                _write(result, operator(*args, **kwargs))


class TapeRecorder:
    """Records as `sedlab.training.device.graphs.CudaRecorder` does."""

    def __init__(self) -> None:
        self.tapes: list[Tape] = []

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do the work of this block as it is."""
        yield

    def record(self, work: Callable[[Any], Any], inputs: Any) -> tuple[Callable[[], object], Any]:
        """Return the replay of ``work(inputs)`` and its result."""
        with Tape() as tape:
            result = work(inputs)
        self.tapes.append(tape)
        return tape.replay, result


def _write(target: Any, value: Any) -> None:
    """Bring what an operator returns into the tensors that it returned when it was recorded."""
    if isinstance(target, Tensor):
        # A view, or an argument that was changed in place, has the new numbers already.
        if target.untyped_storage().data_ptr() != value.untyped_storage().data_ptr():
            target.copy_(value)
    elif isinstance(target, tuple | list):
        for one, other in zip(target, value, strict=True):
            _write(one, other)
