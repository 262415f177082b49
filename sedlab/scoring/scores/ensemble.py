"""Several models as one: the mean of their logits.

The published pseudo-labels are such means over fine-tuned ATST, fPaSST and BEATs detectors (arXiv 2408.00791).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedlab.errors import SedlabError, count_of
from sedlab.scoring.scores.file import ScoreFile


def ensemble(files: Sequence[ScoreFile]) -> ScoreFile:
    """Return the arithmetic mean of the logits of ``files``, clips in the order of the first.

    The order of clips in the other files does not matter. Ensembling a file with itself returns its logits unchanged.

    Raises
    ------
    SedlabError
        When there is no file, or clips, classes or frame grids differ.
    """
    if not files:
        raise SedlabError("ensemble: no score files given. Name at least one.")
    first = files[0]
    for other in files[1:]:
        _check_same_set(first, other)
    # The sum in double precision is exact enough that identical members give back their own float32 values.
    total = np.zeros(first.logits.shape, dtype=np.float64)
    for file in files:
        total += file.select(first.clip_ids).logits
    members = ", ".join(_name(file) for file in files)
    logits = (total / len(files)).astype(np.float32)
    return ScoreFile(
        list(first.clip_ids), logits, first.classes, first.frame_times, {"model": "ensemble", "members": members}
    )


def _check_same_set(first: ScoreFile, other: ScoreFile) -> None:
    pair = f"{_name(first)} and {_name(other)}"
    differing = sorted(set(first.clip_ids) ^ set(other.clip_ids))
    if differing:
        shown = ", ".join(differing[:5]) + (", ..." if len(differing) > 5 else "")
        raise SedlabError(
            f"ensemble of {pair}: {count_of(len(differing), 'clip is', 'clips are')} scored by only one of them "
            f"({shown}). Predict the same clips with every model."
        )
    if first.classes != other.classes:
        labels = sorted(set(first.classes) ^ set(other.classes)) or ["their order"]
        raise SedlabError(f"ensemble of {pair}: classes differ ({', '.join(labels)}). Use models of one label space.")
    if first.frame_times.shape != other.frame_times.shape or not np.allclose(first.frame_times, other.frame_times):
        raise SedlabError(
            f"ensemble of {pair}: frame grids differ ({first.logits.shape[1]} and {other.logits.shape[1]} frames). "
            "Use models with the same output grid."
        )


def _name(file: ScoreFile) -> str:
    return str(file.attrs.get("model") or file.attrs.get("path") or "unnamed")
