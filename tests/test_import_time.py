"""`import sedlab` and the command line are quick, because heavy libraries are imported where they are used."""

import pytest
from shell import python

HEAVY = ("torch", "lightning_fabric", "sed_scores_eval", "pandas", "matplotlib", "plotly", "scipy.signal", "IPython")


@pytest.mark.parametrize("module", ["sedlab", "sedlab.cli"])
def test_import_brings_no_heavy_library(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    assert python("-c", code).split() == []


def test_networks_come_without_the_compiler():
    """It takes two seconds to import, and most who use a network never compile it."""
    code = "import sys, torch, sedlab.models.detector, sedlab.models.tagger; from sedlab.models.layers import BiGru"
    code += "; BiGru(2, 2)(torch.zeros(1, 3, 2)); print('torch._dynamo' in sys.modules)"
    assert python("-c", code).strip() == "False"


def test_checkpoints_are_read_without_the_compiler(tmp_path):
    """They are compared with a network without memory, for whose arithmetic PyTorch would import it."""
    code = f"""
import sys
from sedlab.checkpoints.loading import load_network
from sedlab.checkpoints.own import save_detector
from sedlab.config.loading import load_experiment
from sedlab.models.detector import Detector

experiment = load_experiment("nano")
for arch in experiment.archs:
    save_detector({str(tmp_path / "own.pt")!r}, Detector(experiment.node("stage1", arch, 1).detector))
    load_network({str(tmp_path / "own.pt")!r})
print(sorted({{"torch._dynamo", "sympy"}} & set(sys.modules)))
"""
    assert python("-c", code).strip() == "[]"
