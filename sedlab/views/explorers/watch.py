"""`views.watch(run)`: what another process is doing in a run, beside the other views."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def watch(run: Any) -> None:
    """Show how far a run is that another process works on; the same as `sedlab.runs.watch`, a run or its folder."""
    # That room imports this one, so it is looked up by name, and only now.
    import_module("sedlab.runs").watch(run)
