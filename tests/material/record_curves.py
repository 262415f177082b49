"""Write the golden training curves anew, after a change that is meant to alter them.

python tests/training/record_curves.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from golden_curve import CURVES, NODES, curve, curve_file


def main() -> None:
    """Train every node of the golden curves and write its losses."""
    torch.set_num_threads(1)
    CURVES.mkdir(exist_ok=True)
    for node in NODES:
        with tempfile.TemporaryDirectory() as folder:
            curve_file(*node).write_text(curve(*node, Path(folder)), encoding="utf-8")
        print(curve_file(*node))


if __name__ == "__main__":
    main()
