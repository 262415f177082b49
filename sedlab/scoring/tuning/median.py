"""Class-wise lengths of the median filter: searched for, applied to scores, saved, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.files import write_json
from sedlab.grid import FRAME_SECONDS
from sedlab.labels import DESED_CLASSES, MEDIAN_FILTER_FRAMES
from sedlab.postprocess.decode import detect_events
from sedlab.progress import Progress
from sedlab.scoring.metrics.psds import PSDS1, Scenario, psds
from sedlab.scoring.scores.postprocessing import median_filtered
from sedlab.scoring.scores.tables import ScoreTables, check_classes, score_tables
from sedlab.scoring.tuning.csebbs_tuning import best_setting
from sedlab.scoring.tuning.parameter_file import REMEDY, Provenance, number, read_parameters, write_provenance

FORMAT = "sedlab-median-1"
#: Window lengths in frames; at 64 ms the longest is 2 s.
LENGTHS: tuple[int, ...] = tuple(range(1, 32, 2))


@dataclass(frozen=True)
class MedianParams:
    """Filter lengths of the tuned classes, and where they come from."""

    seconds: Mapping[str, float]
    """Window length of each tuned class; the odd number of frames nearest to it is used."""
    provenance: Provenance = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The tuned classes."""
        return tuple(self.seconds)

    def scores(self, tables: ScoreTables, classes: Sequence[str] | None = None) -> ScoreTables:
        """Return filtered score tables of ``classes`` (default: those of ``tables``).

        Classes that were not tuned have their published length; those without one stay as they are.

        Raises
        ------
        SedlabError
            When a class has no scores, rows are not frames of one length, or a clip is shorter than a filter.
        """
        if not tables:
            return {}
        check_classes(tables, self.classes)
        classes = list(next(iter(tables.values())).columns[2:]) if classes is None else classes
        published = {label: frames * FRAME_SECONDS for label, frames in MEDIAN_FILTER_FRAMES.items()}
        return median_filtered(
            tables, classes, [self.seconds.get(label, published.get(label, 0.0)) for label in classes]
        )

    def detect(
        self,
        probabilities: np.ndarray,
        classes: Sequence[str],
        frame_times: np.ndarray,
        thresholds: float | Mapping[str, float] = 0.5,
    ) -> pd.DataFrame:
        """Return the events of one clip after filtering; arguments and result are those of ``detect_events``."""
        tables = self.scores(score_tables(np.asarray(probabilities)[None], ["clip"], classes, np.asarray(frame_times)))
        return detect_events(tables["clip"].to_numpy()[:, 2:], classes, frame_times, thresholds)


@dataclass(frozen=True, eq=False)
class MedianTuning:
    """The best lengths and how all others did."""

    params: MedianParams
    best: dict[str, float]
    """Value reached by each class; nan for a class without event, which keeps the shortest filter."""
    lengths: tuple[int, ...]
    """Frames."""
    values: np.ndarray
    """(classes, lengths) value of every length."""


def tune_median(
    scores: ScoreTables,
    events: pd.DataFrame,
    durations: Mapping[str, float],
    *,
    classes: Sequence[str] = DESED_CLASSES,
    lengths: Sequence[int] = LENGTHS,
    scenario: Scenario = PSDS1,
    progress: Progress | None = None,
) -> MedianTuning:
    """Choose the filter length of each class with the largest PSDS of that class alone, the shortest of equals.

    Parameters
    ----------
    scores : {clip id: score table}
        Frame scores on grids of one frame length.
    events : DataFrame
        Ground truth: clip_id, onset, offset (seconds), label.
    durations : {clip id: seconds}
    classes : sequence of str
        The classes to tune.
    lengths : sequence of int
        Odd numbers of frames, ascending; those longer than the shortest clip are not tried.
    scenario : Scenario
        Without cross triggers: a class is tuned alone.
    progress : callable, optional
        Called with (done, total, what).

    Raises
    ------
    SedlabError
        As ``psds`` and ``median_filtered`` do, and when frames are not of one length or no class has an event.
    """
    check_classes(scores, classes)
    if not events["label"].isin(list(classes)).any():
        raise SedlabError("ground truth: no event of the classes to tune. Check its labels and clips.")
    frame = _frame_seconds(scores)
    shortest = min(len(table) for table in scores.values())
    tried = tuple(length for length in lengths if length <= shortest)
    values = np.empty((len(classes), len(tried)))
    for j, length in enumerate(tried):
        filtered = median_filtered(scores, classes, [length * frame] * len(classes))
        per_class = psds(filtered, events, durations, classes=classes, scenario=scenario).per_class
        values[:, j] = [per_class[label] for label in classes]
        if progress is not None:
            progress(j + 1, len(tried), "filter lengths")
    chosen = {label: best_setting(values[k]) for k, label in enumerate(classes)}
    best = {label: float(values[k, chosen[label]]) for k, label in enumerate(classes)}
    provenance = {
        "metric": "single-class PSDS",
        "scenario": asdict(scenario),
        "grid": {"frames": tried, "frame_seconds": frame},
        "value": best,
    }
    params = MedianParams({label: round(tried[j] * frame, 6) for label, j in chosen.items()}, provenance)
    return MedianTuning(params, best, tried, values)


def write_median(path: str | Path, params: MedianParams) -> None:
    """Write ``params`` as JSON."""
    classes = {label: {"seconds": seconds} for label, seconds in params.seconds.items()}
    write_json(path, {"format": FORMAT, "classes": classes, "provenance": write_provenance(params.provenance)})


def read_median(path: str | Path) -> MedianParams:
    """Read parameters written by ``write_median``.

    Raises
    ------
    SedlabError
        When the file is absent, of another kind, or a value is missing or not positive.
    """
    classes, provenance = read_parameters(path, FORMAT)
    seconds = {}
    for label, values in classes.items():
        length = number(path, label, values, "seconds")
        if length is None:
            raise SedlabError(f"{path}: class {label!r} has no length in seconds. {REMEDY}")
        seconds[label] = length
    return MedianParams(seconds, provenance)


def _frame_seconds(scores: ScoreTables) -> float:
    """Return the length of a frame, the same in all tables but for rounding."""
    frames = {clip_id: float((table["offset"] - table["onset"]).mean()) for clip_id, table in scores.items()}
    first = next(iter(frames.values()))
    for clip_id, seconds in frames.items():
        if abs(seconds - first) > 0.01 * first:
            raise SedlabError(
                f"clip {clip_id}: frames of {seconds:.4f} s, others of {first:.4f} s. "
                "Tune the median filter on scores of one frame length."
            )
    return round(first, 6)
