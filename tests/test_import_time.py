"""`import sedlab` and the command line's help are quick, because heavy libraries are imported where they are used."""

import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "lightning_fabric", "sed_scores_eval", "matplotlib", "plotly", "scipy.signal", "IPython")


@pytest.mark.parametrize("module", ["sedlab", "sedlab.cli"])
def test_import_brings_no_heavy_library(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_import_takes_less_than_a_second():
    # Net of the interpreter's own start; the best of three, because a busy machine says nothing about sedlab.
    def seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    assert min(seconds("import sedlab") for _ in range(3)) - min(seconds("pass") for _ in range(3)) < 1.0
