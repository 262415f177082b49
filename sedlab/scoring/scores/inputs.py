"""What an evaluation reads from disk: scores of a set of clips, their ground truth, their durations.

Scores come as an HDF5 score file (ours or published pseudo-labels) or as a folder with one TSV a clip, the form of
sed_scores_eval. Whatever their form, they leave here as checked score tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sedlab.data.corpora.reading import stem
from sedlab.data.tsv import as_probabilities, line_number, read_numbers, read_tsv
from sedlab.errors import SedlabError, count_of
from sedlab.labels import SOFT_THRESHOLD
from sedlab.scoring.scores.file import SAME_TIME, read_score_file, time_problem
from sedlab.scoring.scores.tables import ScoreTables


@dataclass(frozen=True, eq=False)
class EvaluationScores:
    """Probabilities of a set of clips as score tables."""

    tables: ScoreTables
    """{clip id: columns onset, offset (seconds), one a class}; all with the same classes."""
    classes: tuple[str, ...]
    path: Path


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Annotated events of a set of clips."""

    events: pd.DataFrame
    """clip_id, onset, offset (seconds), label, confidence (1 where the file has none)."""
    clip_ids: tuple[str, ...]
    """Every clip the file lists, with or without event, in file order."""
    soft: bool
    """Whether the file says how sure the annotators were."""
    path: Path

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted(set(self.events["label"])))

    @property
    def active(self) -> pd.DataFrame:
        """The events that count as such: all of hard labels, those of soft labels above 0.5."""
        return self.events[self.events["confidence"] > SOFT_THRESHOLD]

    @property
    def needs_scores(self) -> set[str]:
        """The clips that cannot do without scores: all of soft labels, those with an event of hard ones."""
        return set(self.clip_ids if self.soft else self.events["clip_id"])

    def select(self, clip_ids: Sequence[str]) -> GroundTruth:
        """Return the ground truth of those of ``clip_ids`` that it lists."""
        chosen = set(clip_ids)
        return replace(
            self,
            events=self.events[self.events["clip_id"].isin(chosen)].reset_index(drop=True),
            clip_ids=tuple(clip_id for clip_id in self.clip_ids if clip_id in chosen),
        )


def read_scores(path: str | Path) -> EvaluationScores:
    """Read an HDF5 score file, whose logits become probabilities, or a folder of score TSVs named ``<clip id>.tsv``.

    Raises
    ------
    SedlabError
        When there is nothing to read, a file is damaged, classes differ between clips, a value is not a probability,
        or rows do not follow each other in time without gaps.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path)
    scores = read_score_file(path)
    return EvaluationScores(scores.tables(), scores.classes, path)


def read_ground_truth(path: str | Path) -> GroundTruth:
    """Read a table with the columns filename, onset, offset, event_label and, for soft labels, confidence.

    A row with a file name only is a clip without event.

    Raises
    ------
    SedlabError
        For missing columns, incomplete rows, times that do not make an event, a confidence outside [0, 1].
    """
    path = Path(path)
    columns = ("filename", "onset", "offset", "event_label", "confidence")
    table = read_tsv(path, columns, numbers=("onset", "offset", "confidence"), optional=("confidence",))
    _refuse(path, table["filename"] == "", table, "a row without file name", "Name the clip of every row.")
    soft = "confidence" in table
    if not soft:
        table["confidence"] = np.where(table["event_label"] == "", np.nan, 1.0)
    table["clip_id"] = stem(table["filename"])
    numbers = table[["onset", "offset", "confidence"]]
    empty = numbers.isna().all(axis=1) & (table["event_label"] == "")
    rows = table[~empty]
    incomplete = numbers[~empty].isna().any(axis=1) | (rows["event_label"] == "")
    _refuse(path, incomplete, rows, "an incomplete event", "Fill all its columns, or leave only the file name.")
    wrong = (rows["onset"] < 0) | (rows["offset"] <= rows["onset"])
    _refuse(path, wrong, rows, "an event that does not end after its onset", "Onset and offset are seconds from 0.")
    table["confidence"] = as_probabilities(table["confidence"])
    outside = ~rows["confidence"].between(0, 1)
    _refuse(path, outside, rows, "a confidence outside 0 to 1", "Correct it.")
    events = rows.rename(columns={"event_label": "label"})
    return GroundTruth(
        events=events[["clip_id", "onset", "offset", "label", "confidence"]].reset_index(drop=True),
        clip_ids=tuple(table["clip_id"].drop_duplicates()),
        soft=soft,
        path=path,
    )


def read_durations(path: str | Path) -> dict[str, float]:
    """Read a table with the columns filename and duration; return {clip id: seconds}.

    Raises
    ------
    SedlabError
        For missing columns, a duration that is not positive, a clip with two durations.
    """
    path = Path(path)
    table = read_tsv(path, ("filename", "duration"), numbers=("duration",))
    table["clip_id"] = stem(table["filename"])
    _refuse(path, ~(table["duration"] > 0), table, "no positive duration", "Durations are seconds.")
    rows = table.drop_duplicates(["clip_id", "duration"])
    _refuse(path, rows["clip_id"].duplicated(), rows, "a second, different duration of a clip", "Remove one.")
    return dict(zip(rows["clip_id"], rows["duration"].tolist(), strict=True))


def _refuse(path: Path, wrong: pd.Series, table: pd.DataFrame, what: str, remedy: str) -> None:
    """Raise SedlabError that names the first row of ``table`` for which ``wrong`` is true."""
    if wrong.any():
        row = wrong.idxmax()
        raise SedlabError(f"{path}, line {line_number(row)}: {what} ({table['filename'][row]}). {remedy}")


def _read_folder(path: Path) -> EvaluationScores:
    # macOS leaves a companion "._name" beside every file it copies to a foreign disk.
    files = sorted(file for file in path.glob("*.tsv") if not file.name.startswith("._"))
    if not files:
        raise SedlabError(
            f"{path}: holds no score tables (*.tsv). Give the folder with one TSV a clip, or a score file."
        )
    tables: ScoreTables = {}
    classes: tuple[str, ...] = ()
    for file, clip_id in zip(files, stem(pd.Series([file.stem for file in files])), strict=True):
        table = _read_table(file)
        found = tuple(table.columns[2:])
        classes = classes or found
        if set(found) != set(classes):
            odd = sorted(set(found) ^ set(classes))[0]
            raise SedlabError(
                f"{file}: other classes than {files[0].name} (first difference: {odd!r}). "
                "All score tables of a folder need the same columns."
            )
        if clip_id in tables:
            raise SedlabError(f"{file}: clip {clip_id!r} occurs twice in the folder. Keep one table a clip.")
        tables[clip_id] = table if found == classes else table[["onset", "offset", *classes]]
    return EvaluationScores(tables, classes, path)


def _read_table(file: Path) -> pd.DataFrame:
    """Return a score table with exact boundaries; checked, because the library's own messages name no file."""
    names, values = read_numbers(file)
    if names[:2] != ("onset", "offset") or len(names) < 3 or not len(values):
        found = ", ".join(name[:40] for name in names[:3])
        raise SedlabError(
            f"{file}: not a score table ({count_of(len(values), 'row')}, columns {found}). "
            "Expected tab-separated onset, offset and one column a class."
        )
    values[:, 2:] = as_probabilities(values[:, 2:])
    scores, onset, offset = values[:, 2:], values[:, 0], values[:, 1]
    outside = ~((scores >= 0) & (scores <= 1))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise SedlabError(
            f"{file}, line {row + 2}: {scores[row, column]:g} in column {names[column + 2]!r} is not a "
            "probability. Scores lie in 0 to 1; apply the logistic function to logits."
        )
    apart = np.abs(onset[1:] - offset[:-1]) > SAME_TIME
    # The negated form, so that a boundary that is no number is refused too.
    wrong = ~(offset > onset) | np.append(False, apart)
    if wrong.any():
        raise SedlabError(
            f"{file}, line {int(np.argmax(wrong)) + 2}: this row does not follow the one before in time, or ends "
            "before it begins. Sort the rows; each starts where the last one ended."
        )
    values[1:, 0] = offset[:-1]
    if problem := time_problem(np.append(values[0, 0], offset)):
        raise SedlabError(f"{file}: its rows {problem}. Onset and offset are seconds from the clip's beginning.")
    return pd.DataFrame(values, columns=pd.Index(names))
