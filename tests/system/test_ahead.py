"""Results in order, whatever order threads finish in, and no more of them than there is room for."""

from __future__ import annotations

import threading
import time

import pytest

from sedlab.system.ahead import Ahead


@pytest.mark.parametrize("num_threads", [1, 3])
def test_results_come_in_order_and_a_bounded_number_ahead(num_threads):
    begun = []

    def slow_at_first(number: int) -> int:
        begun.append(number)
        time.sleep(0.02 if number % 3 == 0 else 0.0)
        return 2 * number

    with Ahead(slow_at_first, iter(range(30)), num_threads=num_threads, ready=2) as results:
        for given, result in enumerate(results):
            assert result == 2 * given
            assert len(begun) <= given + 1 + num_threads + 2
            if given == 5:
                deadline = time.monotonic() + 60
                while len(begun) < given + 1 + num_threads + 2:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
        assert given == 29
        assert list(results) == []


def items_that_fail():
    yield 1
    raise OSError("no more of it")


@pytest.mark.parametrize(
    ("function", "items"), [(lambda number: 1 // (1 - number), [0, 1, 2]), (int, items_that_fail())]
)
def test_an_error_is_raised_in_its_turn(function, items):
    results = Ahead(function, items)
    assert next(results) == 1
    with pytest.raises((ZeroDivisionError, OSError)):
        next(results)
    assert list(results) == []


def test_who_waits_for_a_result_does_not_wait_for_the_item_after_the_next():
    more, waited = threading.Event(), []

    def items():
        yield 1
        waited.append(more.wait(60))

    results = Ahead(int, items())
    assert next(results) == 1 and waited == []
    more.set()
    results.close()
    assert list(results) == []


def test_patience_has_an_end():
    more = threading.Event()
    results = Ahead(lambda _: more.wait(60), [1], patience_seconds=0.05)
    with pytest.raises(TimeoutError):
        next(results)
    more.set()
