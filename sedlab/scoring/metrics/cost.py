"""What metrics of many clips and classes cost: when one is left out, and how much memory the others need."""

from __future__ import annotations

from collections.abc import Sequence

from sedlab.scoring.scores.tables import ScoreTables

#: With more classes PSDS2 is only computed when it is named: it holds each class against each other one of a clip.
PSDS2_CLASSES = 100
# Measured (benchmarks/scoring.py): bytes for each row of a score table while one class is counted; how often
# counts change a row, at most, and what a change keeps for resampling.
_ROW_BYTES, _CHANGES_A_ROW, _CHANGE_BYTES, _CROSS_BYTES = 130, 0.7, 24, 8


def left_out(metrics: Sequence[str], named: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Return which of ``metrics`` are left out because they take too long with so many classes, unless ``named``."""
    return [name for name in metrics if name == "psds2" and name not in named and len(classes) > PSDS2_CLASSES]


def needed_bytes(
    systems: Sequence[ScoreTables], classes: Sequence[str], metrics: Sequence[str], resampled: bool
) -> float:
    """Return about how many bytes metrics need beside the scores of ``systems``; resampling keeps all classes."""
    rows = sum(len(scores) * len(next(iter(scores.values()))) for scores in systems if scores)
    kept = {"psds1": _CHANGE_BYTES, "psds2": _CHANGE_BYTES + _CROSS_BYTES * len(classes)}
    largest = max((kept.get(metric, 0) for metric in metrics), default=0) if resampled else 0
    return rows * (_ROW_BYTES / len(systems) + _CHANGES_A_ROW * largest * len(classes))
