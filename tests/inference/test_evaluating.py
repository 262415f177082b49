"""Networks stay where they are when they are asked there."""

from __future__ import annotations

import pytest
from torch import nn

from sedlab.inference.evaluating import on_device


class Rooted(nn.Linear):
    """Must not be moved."""

    def _apply(self, *_, **__):
        raise AssertionError("moved")


def test_a_network_that_is_there_is_not_moved():
    network = Rooted(1, 1)
    assert on_device(network, "cpu") is network
    with pytest.raises(AssertionError):
        on_device(network, "meta")
