"""sedlab: a notebook-based research workbench for sound event detection.

Importing it is quick: rooms and heavy libraries load when a name is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_EXPORTS = {
    "SedlabError": "sedlab.errors",
    "check_parameters": "sedlab.pipeline.steps.parameters",
    "explore": "sedlab.runs.explore.desk",
    "load_corpus": "sedlab.data.corpora.load",
    "load_detector": "sedlab.inference.loading",
    "load_experiment": "sedlab.config.loading",
    "load_transformer": "sedlab.checkpoints.loading",
    "new_run": "sedlab.runs.variants",
    "open_run": "sedlab.runs.run",
    "open_sweep": "sedlab.runs.sweeps.folders",
    "read_score_file": "sedlab.scoring.scores.file",
}
_ROOMS = (
    "audio",
    "checkpoints",
    "config",
    "data",
    "inference",
    "models",
    "pipeline",
    "postprocess",
    "report",
    "runs",
    "scoring",
    "training",
    "views",
    "weights",
)

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"sedlab.{name}")
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("sedlab")
    raise AttributeError(f"module 'sedlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS, "__version__"])
