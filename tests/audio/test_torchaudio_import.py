"""torchaudio works beside every build of torch."""

from __future__ import annotations

import subprocess
import sys

import torch

from sedlab.audio.torchaudio_import import import_torchaudio, torchaudio_status


def test_torchaudio_imports_and_computes():
    torchaudio = import_torchaudio()
    assert torchaudio is import_torchaudio()
    resampled = torchaudio.functional.resample(torch.zeros(1, 32000), 32000, 16000)
    assert resampled.shape == (1, 16000)
    assert torchaudio.__version__ in torchaudio_status()


def test_an_unloadable_extension_is_replaced():
    # in a fresh interpreter: the first attempt fails as a CUDA build does beside a CPU-only torch
    program = """
import importlib
from sedlab.audio import torchaudio_import
real, calls = importlib.import_module, []
def import_module(name):
    calls.append(name)
    if len(calls) == 1:
        raise OSError("Could not load this library: _torchaudio.abi3.so")
    return real(name)
importlib.import_module = import_module
torchaudio = torchaudio_import.import_torchaudio()
assert calls == ["torchaudio", "torchaudio"], calls
assert torchaudio_import.torchaudio_status().endswith("compiled extension not used")
"""
    subprocess.run([sys.executable, "-c", program], check=True)
