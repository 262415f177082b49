"""A call in another process has the result, or the error, that it would have here."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from sedlab.system import aside as module
from sedlab.system.aside import aside


def test_arrays_larger_than_a_pipe_go_there_and_back():
    values = np.random.default_rng(0).normal(size=(300, 1000)).astype(np.float32)
    futures = [aside(operator.add, values, number) for number in (1, 2)]
    for number, future in enumerate(futures, start=1):
        np.testing.assert_array_equal(future.result(timeout=300), values + np.float32(number))


def test_an_error_is_the_result():
    with pytest.raises(ValueError, match="invalid literal"):
        aside(int, "x").result(timeout=300)


def test_a_process_that_dies_is_told_and_its_work_done_here(monkeypatch, capsys):
    monkeypatch.setattr(module, "_WORDS", ["false"])
    assert aside(operator.add, np.ones(100_000), 1).result(timeout=300)[0] == 2
    assert "warning: add: a process beside this one failed" in capsys.readouterr().err
