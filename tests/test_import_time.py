"""`import sedlab` and the command line are quick, because heavy libraries are imported where they are used."""

import pytest
from shell import python

HEAVY = ("torch", "lightning_fabric", "sed_scores_eval", "pandas", "matplotlib", "plotly", "scipy.signal", "IPython")


@pytest.mark.parametrize("module", ["sedlab", "sedlab.cli"])
def test_import_brings_no_heavy_library(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    assert python("-c", code).split() == []
