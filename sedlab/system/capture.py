"""Capture of CUDA graphs that leaves torch as it was, also where it fails.

torch's own context manager does not: after a capture that failed, its stream stays the current one, the allocator goes
on as if the capture did (memory that other streams have used is never given back), and the generator of the device
refuses to draw.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch

#: Graphs whose capture failed: the allocator of page-locked memory goes on asking them.
_failed: list[torch.cuda.CUDAGraph] = []


@contextmanager
def capturing(graph: torch.cuda.CUDAGraph, *, stream: torch.cuda.Stream, pool: tuple[int, int]) -> Iterator[None]:
    """Capture the work of this block, which is queued on ``stream``, in ``graph``, whose memory is of ``pool``.

    Raises
    ------
    RuntimeError
        When something in the block cannot be captured, or draws random numbers on the host: each replay would repeat
        what followed from them.
    """
    present = torch.cuda.current_stream(stream.device)
    # The derivative of what only a cycle of Python's holds would tie the capture to the stream that it was made on.
    gc.collect()
    try:
        # Threads that load data may pin memory meanwhile: only this one must keep to what can be captured.
        with (
            torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"),
            host_draws_nothing(),
        ):
            yield
    except BaseException:
        torch.cuda.set_stream(present)
        _failed.append(graph)
        _end_allocation(stream.device.index, pool)
        generator = torch.cuda.default_generators[stream.device.index]
        generator.graphsafe_set_state(generator.clone_state())
        raise


@contextmanager
def host_draws_nothing() -> Iterator[None]:
    """Raise RuntimeError at the end of a block that drew random numbers of the host's generator."""
    before = torch.get_rng_state()
    yield
    if not torch.equal(torch.get_rng_state(), before):
        raise RuntimeError("the host draws random numbers within a step, which a recording would repeat")


def root_of(error: BaseException) -> BaseException:
    """Return the error that others came of: one within a capture makes its end fail, too."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _end_allocation(device: int, pool: tuple[int, int]) -> None:
    # Private, so that other versions of torch may not have it; what it mends costs memory alone.
    with suppress(AttributeError, RuntimeError):
        torch._C._cuda_endAllocateToPool(device, pool)  # an error if the capture has come to its end
        torch._C._cuda_releasePool(device, pool)
