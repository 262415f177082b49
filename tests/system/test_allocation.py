"""Arrays of one size that come and go take their memory from each other."""

from __future__ import annotations

import platform
import resource

import numpy as np
import pytest

from sedlab.system.allocation import keep_freed_memory


def faults(rounds):
    """Return how often the system had to bring a page while arrays of 2 MB came and went."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        np.ones(2**19, dtype=np.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_used_again():
    assert keep_freed_memory()
    faults(4)
    assert faults(50) < 50 * 2**21 / 4096 / 10
