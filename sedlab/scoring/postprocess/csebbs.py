"""Sound event bounding boxes on score tables, with the settings of each tuned class.

Classes become boxes of their own (``sedlab.postprocess.csebbs``): tuned ones by their setting, others by ``UNTUNED``.
Only untuned classes of MAESTRO Real become one box a second with the mean score there, as published: their metric works
on seconds and does not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field

from sedlab.errors import SedlabError
from sedlab.labels import MAESTRO_CLASSES
from sedlab.postprocess.csebbs import Boxes, csebbs, segment_boxes
from sedlab.postprocess.decode import event_table, threshold_row
from sedlab.scoring.scores.tables import Arrays, LazyTables, ScoreTables, check_classes, score_arrays, table_classes

Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
#: In a file null stands for infinity, which JSON lacks.
Criterion = Annotated[
    float, Field(strict=True, gt=0), BeforeValidator(lambda value: np.inf if value is None else value)
]


@dataclass(frozen=True)
class CsebbsSetting:
    """How the boxes of one class are made."""

    step: Positive
    """Length of the step filter in seconds."""
    absolute: Criterion = np.inf
    """Neighbours are merged where the score between them falls by less; infinity switches this criterion off."""
    relative: Criterion = np.inf
    """Neighbours are merged where the score between them falls by a smaller factor; infinity: switched off."""


#: The setting of classes that no event to tune on is there for: the middle of what is tried for the others.
UNTUNED = CsebbsSetting(step=0.5, absolute=0.225)


@dataclass(frozen=True)
class CsebbsParams:
    """Settings of the tuned classes, and where they come from."""

    format: Literal["sedlab-csebbs-1"] = field(default="sedlab-csebbs-1", kw_only=True, repr=False)
    settings: Annotated[dict[str, CsebbsSetting], Field(alias="classes", min_length=1)]
    provenance: dict[str, Any] = field(default_factory=dict)
    """How they were found: scores, ground truth, metric, grid, values reached, version."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The tuned classes."""
        return tuple(self.settings)

    def detect(
        self,
        probabilities: np.ndarray,
        classes: Sequence[str],
        frame_times: np.ndarray,
        thresholds: float | Mapping[str, float] | None = None,
    ) -> pd.DataFrame:
        """Return the boxes of one clip whose confidence exceeds their class's threshold; without thresholds every box.

        Arguments and result are those of `sedlab.postprocess.decode.detect_events`.

        Raises
        ------
        SedlabError
            When a tuned class has no scores, or a score is not in [0, 1].
        """
        self._check(classes)
        boxes = self.boxes(np.asarray(probabilities)[None], classes, frame_times)
        events = event_table(boxes.onset, boxes.offset, boxes.track, boxes.confidence, classes)
        if thresholds is None:
            return events
        limit = dict(zip(classes, threshold_row(thresholds, classes), strict=True))
        return events[events["confidence"] > events["label"].map(limit)].reset_index(drop=True)

    def scores(self, tables: ScoreTables, classes: Sequence[str] | None = None) -> ScoreTables:
        """Return score tables of ``classes`` that hold a box's confidence within it and 0 between boxes.

        Made when they are looked at. Rows end where a box of any of the classes looked at does, so tables of untuned
        classes of MAESTRO alone have rows of one second.

        Raises
        ------
        SedlabError
            When a class has no scores, and later where a score is not in [0, 1].
        """
        columns = table_classes(tables)
        self._check(columns)
        classes = columns if classes is None else list(classes)
        check_classes(tables, classes)

        def boxed(clip_ids: Sequence[str], chosen: Sequence[str]) -> Iterator[Arrays]:
            for ids, times, values in score_arrays(tables, clip_ids, chosen):
                boxes = self.boxes(values, chosen, times)
                for clip_id, rows in zip(ids, _box_rows(boxes, len(ids), len(chosen), times[-1]), strict=True):
                    yield [clip_id], *rows

        return LazyTables(list(tables), classes, boxed)

    def boxes(self, probabilities: np.ndarray, classes: Sequence[str], frame_times: np.ndarray) -> Boxes:
        """Return every box of clips (clips, frames, classes); ``track`` is ``clip * classes + class``.

        SedlabError where a score is not in [0, 1].
        """
        tuned = [k for k, label in enumerate(classes) if label in self.settings or label not in MAESTRO_CLASSES]
        others = [k for k in range(len(classes)) if k not in tuned]
        parts = []
        if tuned:
            chosen = [self.settings.get(classes[k], UNTUNED) for k in tuned]
            steps, absolute, relative = (
                np.array([getattr(setting, name) for setting in chosen]) for name in ("step", "absolute", "relative")
            )
            boxes = csebbs(probabilities[:, :, tuned], frame_times, steps, absolute, relative)
            parts.append(_on_tracks(boxes, tuned, len(classes)))
        if others:
            parts.append(_on_tracks(segment_boxes(probabilities[:, :, others], frame_times), others, len(classes)))
        return Boxes.joined(parts)

    def _check(self, classes: Sequence[str]) -> None:
        missing = [label for label in self.settings if label not in classes]
        if missing:
            raise SedlabError(
                f"scores lack {len(missing)} of {len(self.settings)} classes the boxes were tuned for (first: "
                f"{missing[0]!r}). Tune on scores of this model."
            )


def _on_tracks(boxes: Boxes, chosen: Sequence[int], num_classes: int) -> Boxes:
    """Return boxes of the ``chosen`` classes with their tracks among all classes."""
    clip, k = np.divmod(boxes.track, len(chosen))
    return Boxes(clip * num_classes + np.array(chosen)[k], boxes.onset, boxes.offset, boxes.confidence)


def _box_rows(boxes: Boxes, num_clips: int, num_classes: int, end: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the boundaries (rows + 1,) and the scores (1, rows, classes) of each clip."""
    starts = np.searchsorted(boxes.track, np.arange(num_clips + 1) * num_classes)
    for start, stop in pairwise(starts):
        onset, offset = boxes.onset[start:stop], boxes.offset[start:stop]
        edges = np.unique(np.concatenate(([0.0, max(end, offset.max())], onset, offset)))
        first = np.searchsorted(edges, onset)
        counts = np.searchsorted(edges, offset) - first
        row = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
        values = np.zeros((1, len(edges) - 1, num_classes))
        values[0, row, np.repeat(boxes.track[start:stop] % num_classes, counts)] = np.repeat(
            boxes.confidence[start:stop], counts
        )
        yield edges, values
