"""From frame probabilities to a list of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError

EVENT_COLUMNS = ["onset", "offset", "label", "confidence"]

#: One for all classes, or one per class by name or in their order.
Thresholds = float | Mapping[str, float] | Sequence[float]


def detect_events(
    probabilities: np.ndarray,
    classes: Sequence[str],
    frame_times: np.ndarray,
    thresholds: Thresholds = 0.5,
) -> pd.DataFrame:
    """Return the events of one clip: maximal runs of frames whose probability exceeds the class's threshold.

    Parameters
    ----------
    probabilities : (frames, classes) float
    classes : sequence of str
    frame_times : (frames + 1,) float
        Boundaries in seconds.

    Returns
    -------
    DataFrame
        onset, offset (seconds), label, confidence (mean probability over the event, weighted by duration); by onset,
        then in the order of ``classes``.

    Raises
    ------
    SedlabError
        When shapes do not fit or a class has no threshold.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    frame_times = np.asarray(frame_times, dtype=np.float64)
    expected = (len(frame_times) - 1, len(classes))
    if probabilities.shape != expected:
        raise SedlabError(f"probabilities have shape {probabilities.shape}, expected {expected} (frames, classes).")

    active = probabilities > threshold_row(thresholds, classes)
    label, start, stop = active_runs(active.T)

    widths = np.diff(frame_times)[:, None]
    mass = np.concatenate((np.zeros((1, len(classes))), np.cumsum(probabilities * widths, axis=0)))
    onset, offset = frame_times[start], frame_times[stop]
    confidence = (mass[stop, label] - mass[start, label]) / (offset - onset)
    return event_table(onset, offset, label, confidence, classes)


def event_table(
    onset: np.ndarray, offset: np.ndarray, label: np.ndarray, confidence: np.ndarray, classes: Sequence[str]
) -> pd.DataFrame:
    """Return events as a table by onset, then in the order of ``classes``; ``label`` are indices into these."""
    order = np.lexsort((label, onset))
    columns = (onset, offset, np.array(classes, dtype=object)[label], confidence)
    return pd.DataFrame({name: values[order] for name, values in zip(EVENT_COLUMNS, columns, strict=True)})


def active_runs(active: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, first frame and frame after the last of each run of True in ``active`` (rows, frames), row by row."""
    silence = np.zeros((len(active), 1), dtype=np.int8)
    edges = np.diff(np.concatenate((silence, active.astype(np.int8), silence), axis=1), axis=1)
    # Both come row by row and in time, so the n-th start belongs to the n-th stop.
    row, start = np.nonzero(edges == 1)
    _, stop = np.nonzero(edges == -1)
    return row, start, stop


def threshold_row(thresholds: Thresholds, classes: Sequence[str]) -> np.ndarray:
    """Return the threshold of each class (classes,); SedlabError when a class has none."""
    if isinstance(thresholds, Mapping):
        missing = [label for label in classes if label not in thresholds]
        if missing:
            raise SedlabError(
                f"no threshold for class {missing[0]!r}. Give one for each of the {len(classes)} classes."
            )
        return np.array([thresholds[label] for label in classes], dtype=float)
    row = np.asarray(thresholds, dtype=float)
    if row.shape not in ((), (len(classes),)):
        raise SedlabError(f"{row.size} thresholds for {len(classes)} classes. Give one for all, or one for each class.")
    return np.broadcast_to(row, (len(classes),))
