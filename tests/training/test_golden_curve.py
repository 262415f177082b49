"""Training gives the losses it has always given: a change that is not meant to alter them must reproduce them.

Exactly the same on one machine with the same libraries; within 1e-4 of those recorded on another one. When a change is
meant to alter them: `python tests/training/record_curves.py`, and the new files are part of the change.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from golden_curve import NODES, STEPS, curve, curve_file


def parsed(text: str) -> tuple[list[str], np.ndarray]:
    header, *rows = (line.split() for line in text.splitlines())
    return header, np.array(rows, dtype=float)


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """Return a function: node -> its losses, trained once."""
    return functools.cache(lambda node: curve(*node, tmp_path_factory.mktemp("first")))


@pytest.mark.parametrize("node", NODES, ids=lambda node: "-".join(map(str, node)))
def test_losses_are_those_recorded(first_run, node):
    names, losses = parsed(first_run(node))
    recorded_names, recorded = parsed(curve_file(*node).read_text(encoding="utf-8"))
    assert names == recorded_names
    assert len(losses) == STEPS
    np.testing.assert_allclose(losses, recorded, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("node", [NODES[0], NODES[4]], ids=lambda node: "-".join(map(str, node)))
def test_a_second_run_gives_the_same_losses_to_the_bit(tmp_path, first_run, node):
    assert curve(*node, tmp_path) == first_run(node)
