"""Work ahead: threads prepare what is asked for next while the last is being used.

Threads, not processes: what they do (copies, system calls, decoding) lets Python go on beside them, nothing has to be
sent anywhere, and no shared memory is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: Results that lie ready for the one who asks, beside those that threads are at.
READY = 2
_JOIN_SECONDS = 5.0


@dataclass
class _Desk(Generic[_Item, _Result]):
    """What the threads and the one who asks share. Threads know this alone, so an `Ahead` nobody has is collected."""

    items: Iterator[_Item]
    most: int
    """Items that may be under way or ready."""
    reading: threading.Lock = field(default_factory=threading.Lock)
    """Held while the next item is made, which may take long; who waits for a result does not wait for it."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    taken: int = 0
    given: int = 0
    done: dict[int, tuple[_Result | None, BaseException | None]] = field(default_factory=dict)
    no_more: bool = False

    def take(self) -> tuple[int, _Item] | None:
        """Return the next item with its number, as soon as there is room for its result; None when there is none."""
        with self.reading:
            with self.changed:
                self.changed.wait_for(lambda: self.no_more or self.taken - self.given < self.most)
                if self.no_more:
                    return None
            error = None
            try:
                item = next(self.items)
            except BaseException as raised:
                error = raised
            with self.changed:
                if error is None:
                    self.taken += 1
                    return self.taken - 1, item
                if not isinstance(error, StopIteration):
                    self.done[self.taken] = None, error
                    self.taken += 1
                self.no_more = True
                self.changed.notify_all()
                return None

    def put(self, number: int, result: _Result | None, error: BaseException | None) -> None:
        """Leave a result, or the reason why there is none."""
        with self.changed:
            self.done[number] = result, error
            self.changed.notify_all()

    def give(self, patience_seconds: float | None) -> tuple[_Result | None, BaseException | None] | None:
        """Return the next result in order, None after the last; TimeoutError when it does not come."""
        with self.changed:
            came = self.changed.wait_for(
                lambda: self.given in self.done or (self.no_more and self.given == self.taken), patience_seconds
            )
            if not came:
                raise TimeoutError
            if self.given not in self.done:
                return None
            found = self.done.pop(self.given)
            self.given += 1
            self.changed.notify_all()
            return found

    def close(self) -> None:
        """Let the threads end after what they are at."""
        with self.changed:
            self.no_more, self.given = True, self.taken
            self.done.clear()
            self.changed.notify_all()


class Ahead(Iterator[_Result]):
    """``function`` of each of ``items``, in order, computed ahead by threads; a context manager that ends them.

    An error of ``function`` or ``items`` is raised in its turn, and ends the work. Threads that nobody waits for any
    more end by themselves, at the latest with the program.

    Parameters
    ----------
    items : iterable
        May be endless; it is read by one thread at a time.
    num_threads : int
        At least one.
    ready : int
        How many results may lie ready.
    patience_seconds : float or None
        Longest wait for a result; TimeoutError after it. None: for ever.
    """

    def __init__(
        self,
        function: Callable[[_Item], _Result],
        items: Iterable[_Item],
        *,
        num_threads: int = 1,
        ready: int = READY,
        patience_seconds: float | None = None,
    ) -> None:
        self._desk: _Desk[_Item, _Result] = _Desk(iter(items), num_threads + ready)
        self._patience = patience_seconds
        self._threads = [
            threading.Thread(target=_work, args=(self._desk, function), name=f"sedlab-ahead-{number}", daemon=True)
            for number in range(num_threads)
        ]
        for thread in self._threads:
            thread.start()

    def __next__(self) -> _Result:
        found = self._desk.give(self._patience)
        if found is None:
            raise StopIteration
        result, error = found
        if error is not None:
            self._desk.close()
            raise error
        return result

    def close(self) -> None:
        """End the threads; one that hangs is left behind."""
        self._desk.close()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def __enter__(self) -> Ahead[_Result]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_desk"):
            self._desk.close()


def _work(desk: _Desk[_Item, _Result], function: Callable[[_Item], _Result]) -> None:
    while (task := desk.take()) is not None:
        number, item = task
        result: Any = None
        error: BaseException | None = None
        try:
            result = function(item)
        except BaseException as raised:
            error = raised
        desk.put(number, result, error)
        # What was given away is not held here until the next one is done.
        del task, item, result, error
