"""The class-wise median filter on score tables, whatever their frames are: lengths are seconds here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, PlainSerializer

from sedlab.errors import SedlabError
from sedlab.grid import FRAME_SECONDS
from sedlab.labels import MEDIAN_FILTER_FRAMES
from sedlab.postprocess.median import median_filter, median_lengths
from sedlab.scoring.scores.tables import Arrays, LazyTables, ScoreTables, check_classes, score_arrays, table_classes

#: In a file a length is ``{"seconds": 0.448}``.
Length = Annotated[
    float,
    Field(strict=True, gt=0, allow_inf_nan=False),
    BeforeValidator(lambda value: value.get("seconds") if isinstance(value, dict) else value),
    PlainSerializer(lambda seconds: {"seconds": seconds}),
]


@dataclass(frozen=True)
class MedianParams:
    """Filter lengths of the tuned classes, and where they come from."""

    format: Literal["sedlab-median-1"] = field(default="sedlab-median-1", kw_only=True, repr=False)
    seconds: Annotated[dict[str, Length], Field(alias="classes", min_length=1)]
    """Window length of each tuned class; the odd number of frames nearest to it is used."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """How they were found: scores, ground truth, metric, grid, values reached, version."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The tuned classes."""
        return tuple(self.seconds)

    def scores(self, tables: ScoreTables, classes: Sequence[str] | None = None) -> ScoreTables:
        """Return filtered score tables of ``classes`` (default: those of ``tables``).

        Classes that were not tuned have their published length; those without one stay as they are. Errors are those of
        ``median_filtered``.
        """
        check_classes(tables, self.classes)
        classes = table_classes(tables) if classes is None else classes
        published = {label: frames * FRAME_SECONDS for label, frames in MEDIAN_FILTER_FRAMES.items()}
        lengths = [self.seconds.get(label, published.get(label, 0.0)) for label in classes]
        return median_filtered(tables, classes, lengths)


def median_filtered(scores: ScoreTables, classes: Sequence[str], seconds: Sequence[float] | None = None) -> ScoreTables:
    """Return the tables of ``classes``, median filtered along time when they are looked at.

    Parameters
    ----------
    scores : {clip id: score table}
        With frames of one length in each table.
    seconds : one length per class, optional
        Length of the filter; the odd number of frames nearest to it is used, at least 1 and at most those of the
        clip. Default: the published lengths of the task's classes.

    Raises
    ------
    SedlabError
        For a class without scores or published length, and rows of unequal length (event boxes).
    """
    check_classes(scores, classes)
    lengths = np.array(median_lengths(classes)) * FRAME_SECONDS if seconds is None else np.asarray(seconds)
    of_class = dict(zip(classes, lengths, strict=True))

    def filtered(clip_ids: Sequence[str], chosen: Sequence[str]) -> Iterator[Arrays]:
        wanted = np.array([of_class[label] for label in chosen])
        for ids, times, values in score_arrays(scores, clip_ids, chosen):
            yield ids, times, median_filter(values, _num_frames(wanted, times, ids[0]))

    for clip_ids, times, _ in score_arrays(scores, list(scores), classes[:1]):
        _num_frames(lengths, times, clip_ids[0])
    return LazyTables(list(scores), classes, filtered)


def _num_frames(seconds: np.ndarray, times: np.ndarray, clip_id: str) -> np.ndarray:
    """Return filter lengths in frames of the clips with these boundaries; SedlabError where rows are no frames."""
    frames = np.diff(times)
    # Tables written with few digits have frames of 0.064 s and of 0.06 s side by side in rounding only.
    if np.ptp(frames) > 0.1 * frames.mean():
        raise SedlabError(
            f"clip {clip_id}: rows of {frames.min():.3f} s to {frames.max():.3f} s cannot be median filtered. "
            "These scores are post-processed already: evaluate them with --postprocess none."
        )
    longest = len(frames) - (len(frames) + 1) % 2
    return np.clip(2 * np.round((seconds / frames.mean() - 1) / 2).astype(int) + 1, 1, longest)
