"""Apply a function to many files with several threads, in order and with bounded memory.

Threads, not processes: decoding, filtering and rounding happen outside of Python's lock, and nothing need be started or
sent. ``benchmarks/preparing.py`` measures it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sedlab.system.allocation import keep_freed_memory

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Items begun before the oldest is done, by thread: enough that one slow file does not hold up the others.
_AHEAD = 4


def in_parallel(
    function: Callable[[_Item], _Result], items: Iterable[_Item], *, workers: int
) -> Iterator[tuple[_Item, _Result]]:
    """Yield each item with what ``function`` returns for it, in the order of the items.

    Whatever ends the iteration early, an error of ``function`` or of the caller, what was begun is finished and nothing
    else begun.
    """
    keep_freed_memory()
    waiting: deque[tuple[_Item, Future[_Result]]] = deque()
    pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="files")
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) >= _AHEAD * max(1, workers):
                oldest, future = waiting.popleft()
                yield oldest, future.result()
        while waiting:
            oldest, future = waiting.popleft()
            yield oldest, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
