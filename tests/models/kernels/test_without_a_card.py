"""The kernels in Triton against the plain layers by Triton's interpreter, and compiled for an H100, without a card.

In a process that alone sees Triton: beside a PyTorch for CPUs it lies in a folder of its own (``.ci/run`` puts it
there), since torch.compile would look for a card if it were in the environment.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

KERNELS = Path(__file__).parent / "gpu"
FOLDER = Path(sys.prefix) / "triton"


@pytest.mark.slow
def test_every_kernel_gives_the_plain_numbers_and_fits_an_h100():
    if not FOLDER.is_dir() and not importlib.util.find_spec("triton"):
        pytest.skip(f"no Triton in {FOLDER} (.ci/run installs it) or the environment")
    path = os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(KERNELS)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 40, done.stdout
