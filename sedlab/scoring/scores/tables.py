"""Probabilities as one table a clip, the form sed_scores_eval works on, and that library's import.

A score table has the columns onset, offset (seconds) and one column a class; rows follow each other without gaps.
Frame scores have equally long rows; event boxes from other post-processing need not.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError

ScoreTables = Mapping[str, pd.DataFrame]
#: Clip ids, boundaries (rows + 1,) in seconds, scores (clips, rows, classes).
Arrays = tuple[list[str], np.ndarray, np.ndarray]


class LazyTables(Mapping[str, pd.DataFrame]):
    """Score tables that are made when they are looked at: those of all clips and classes are never there at once.

    Parameters
    ----------
    clip_ids, classes : sequence of str
        What there are scores of.
    arrays : function
        Takes some of the clip ids and some of the classes, and yields their scores as `score_arrays` does.
    """

    def __init__(
        self,
        clip_ids: Sequence[str],
        classes: Sequence[str],
        arrays: Callable[[Sequence[str], Sequence[str]], Iterator[Arrays]],
    ) -> None:
        self.classes, self.arrays = tuple(classes), arrays
        self._clip_ids = dict.fromkeys(clip_ids)

    def __getitem__(self, clip_id: str) -> pd.DataFrame:
        if clip_id not in self._clip_ids:
            raise KeyError(clip_id)
        ((_, times, values),) = self.arrays([clip_id], self.classes)
        return score_tables(values, [clip_id], self.classes, times)[clip_id]

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._clip_ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._clip_ids)

    def __len__(self) -> int:
        return len(self._clip_ids)


def among(scores: ScoreTables, clip_ids: Sequence[str]) -> ScoreTables:
    """Return the tables of ``clip_ids``, in that order."""
    if isinstance(scores, LazyTables):
        return LazyTables(clip_ids, scores.classes, scores.arrays)
    return {clip_id: scores[clip_id] for clip_id in clip_ids}


def score_tables(
    probabilities: np.ndarray, clip_ids: Sequence[str], classes: Sequence[str], frame_times: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Return {clip id: score table}.

    Parameters
    ----------
    probabilities : (clips, frames, classes) float
    frame_times : (frames + 1,) float
        Boundaries in seconds, the same for all clips.
    """
    times = np.stack((frame_times[:-1], frame_times[1:]), axis=1)
    columns = pd.Index(["onset", "offset", *classes])
    return {
        clip_id: pd.DataFrame(np.concatenate((times, values), axis=1), columns=columns)
        for clip_id, values in zip(clip_ids, probabilities, strict=True)
    }


def score_arrays(scores: ScoreTables, clip_ids: Sequence[str], classes: Sequence[str]) -> Iterator[Arrays]:
    """Yield the scores of clips with the same boundaries together; of many clips in several pieces."""
    if isinstance(scores, LazyTables):
        yield from scores.arrays(clip_ids, classes)
        return
    groups: dict[bytes, tuple[list[str], list[np.ndarray]]] = {}
    for clip_id in clip_ids:
        values = _columns(scores[clip_id], classes)
        ids, arrays = groups.setdefault(values[:, :2].tobytes(), ([], []))
        ids.append(clip_id)
        arrays.append(values)
    for ids, arrays in groups.values():
        stacked = np.stack(arrays)
        yield ids, np.append(stacked[0, :, 0], stacked[0, -1, 1]), stacked[:, :, 2:]


def select_classes(scores: ScoreTables, clip_ids: Sequence[str], classes: Sequence[str]) -> ScoreTables:
    """Return the tables of ``clip_ids`` with the columns of ``classes`` only, in that order."""
    columns = pd.Index(["onset", "offset", *classes])
    return {clip_id: pd.DataFrame(_columns(scores[clip_id], classes), columns=columns) for clip_id in clip_ids}


def table_classes(scores: ScoreTables) -> list[str]:
    """Return the classes that the tables have scores of; there is at least one table."""
    if isinstance(scores, LazyTables):
        return list(scores.classes)
    return list(next(iter(scores.values())).columns[2:])


def table_ends(scores: ScoreTables) -> dict[str, float]:
    """Return {clip id: seconds at which its scores end}."""
    if not isinstance(scores, LazyTables):
        return {clip_id: float(table["offset"].iloc[-1]) for clip_id, table in scores.items()}
    return {clip_id: float(times[-1]) for ids, times, _ in scores.arrays(list(scores), ()) for clip_id in ids}


def check_classes(scores: ScoreTables, classes: Sequence[str]) -> None:
    """Raise SedlabError unless the tables have a column for each of ``classes``."""
    known = table_classes(scores) if scores else classes
    missing = [label for label in classes if label not in known]
    if missing:
        raise SedlabError(
            f"scores have no column for {len(missing)} of {len(classes)} classes (first: {missing[0]!r}). "
            "Evaluate the classes the model was trained for."
        )


def check_clips(scores: ScoreTables, clip_ids: Sequence[str]) -> None:
    """Raise SedlabError unless every one of ``clip_ids`` has a score table."""
    missing = sorted(set(clip_ids) - scores.keys())
    if missing:
        raise SedlabError(
            f"no scores for {len(missing)} of {len(clip_ids)} clips of the ground truth (first: {missing[0]}). "
            "Predict these clips, or restrict the ground truth to the scored ones."
        )


def sed_scores_eval() -> ModuleType:
    """Import and return sed_scores_eval.

    The library takes more than a second to import and one of its dependencies warns about pkg_resources, so it is
    loaded where it is used and nowhere else.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sed_scores_eval as library
    return library


def _columns(table: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Return onset, offset and ``classes`` of a table as an array; by position, as pandas selects by name slowly."""
    return table.to_numpy()[:, [table.columns.get_loc(name) for name in ("onset", "offset", *classes)]]
