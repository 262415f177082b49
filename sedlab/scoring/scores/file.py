"""Frame logits of a set of clips in one HDF5 file: predictions, ensembles and pseudo-labels all have this form.

Layout: datasets ``filenames`` (clips,) strings without extension and ``strong_logits`` (clips, frames, classes)
float32, as in the published pseudo-labels of the CP-JKU DCASE 2024 Task 4 system, which can be read as they are. Files
written here also carry attributes: ``classes``, ``frame_times`` and whatever the writer knows (model, commit, ...).

Logits are stored in float32 and never rounded: the area under a ROC curve changes as soon as scores tie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sedlab.data.stored_logits import open_logits, write_logits
from sedlab.data.targets import frame_times as detector_frame_times
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.scoring.scores.tables import Arrays, LazyTables, ScoreTables
from sedlab.system.memory import check_fits

FORMAT = "sedlab-scores-1"
#: Boundaries that differ by less are one boundary written with fewer digits.
SAME_TIME = 1e-6
# A recorder's week; more is another unit.
_MAX_SECONDS = 7 * 24 * 3600
_CLIPS = ("clips", "Predict again, or evaluate the scored clips only.")
_CLASSES = ("classes", "Use a model that was trained for these classes.")
_TOO_LARGE = "Split it by clips, or use a larger machine."
#: Probabilities made at a time from logits, 32 MiB of them.
_CELLS_AT_ONCE = 2**22
Attribute = str | int | float | bool


@dataclass(frozen=True, eq=False)
class ScoreFile:
    """Logits of a set of clips on one frame grid."""

    clip_ids: list[str]
    """One name a clip, unique."""
    logits: np.ndarray
    """(clips, frames, classes) float32: before the logistic function, without class mask."""
    classes: tuple[str, ...]
    frame_times: np.ndarray
    """(frames + 1,) float64 boundaries in seconds; frame k covers [frame_times[k], frame_times[k + 1])."""
    attrs: dict[str, Attribute] = field(default_factory=dict)
    """What else is known about the scores: model, commit, members of an ensemble."""

    @property
    def probabilities(self) -> np.ndarray:
        """Logistic function of the logits, (clips, frames, classes) float64.

        In double precision, because float32 rounds every logit above 17 to the same probability 1.
        """
        from scipy.special import expit

        return expit(self.logits.astype(np.float64))

    def select(self, clip_ids: Sequence[str], classes: Sequence[str] | None = None) -> ScoreFile:
        """Return the scores of ``clip_ids`` and ``classes`` (default: all classes), in that order.

        Raises
        ------
        SedlabError
            When a clip or class has no scores.
        """
        where = str(self.attrs.get("path", "scores"))
        rows = _positions(clip_ids, self.clip_ids, where, *_CLIPS)
        if classes is None:
            return replace(self, clip_ids=list(clip_ids), logits=self.logits[rows])
        columns = _positions(classes, self.classes, where, *_CLASSES)
        logits = self.logits[:, :, columns][rows]
        return replace(self, clip_ids=list(clip_ids), classes=tuple(classes), logits=logits)

    def tables(self) -> ScoreTables:
        """Return the probabilities as {clip id: score table}, made when they are looked at."""
        clip_position, class_position = (
            {name: index for index, name in enumerate(names)} for names in (self.clip_ids, self.classes)
        )
        frames = np.arange(self.logits.shape[1])

        def arrays(clip_ids: Sequence[str], classes: Sequence[str]) -> Iterator[Arrays]:
            from scipy.special import expit

            columns = [class_position[label] for label in classes]
            size = max(1, _CELLS_AT_ONCE // max(1, len(frames) * len(columns)))
            for start in range(0, len(clip_ids), size):
                names = list(clip_ids[start : start + size])
                rows = [clip_position[name] for name in names]
                yield names, self.frame_times, expit(self.logits[np.ix_(rows, frames, columns)].astype(np.float64))

        return LazyTables(self.clip_ids, self.classes, arrays)


def write_score_file(path: str | Path, scores: ScoreFile) -> None:
    """Write ``scores`` to ``path``, whole or not at all.

    Raises
    ------
    SedlabError
        When logits are not finite (a diverged model), or the file cannot be written.
    """
    logits = np.asarray(scores.logits, dtype=np.float32)
    _check_contents(path, scores.clip_ids, logits, scores.classes, scores.frame_times)
    known = {name: value for name, value in scores.attrs.items() if name != "path"}
    times = np.asarray(scores.frame_times, dtype=np.float64)
    frame = {"format": FORMAT, "frame_times": times, "classes": list(scores.classes)}
    write_logits(path, scores.clip_ids, logits, {**known, **frame})


def read_score_file(path: str | Path, clip_id: str | None = None) -> ScoreFile:
    """Read scores written by ``write_score_file`` or published pseudo-labels: of all clips, or of one.

    A file without attributes has the 27 task classes and 156 frames of 64 ms. The path read is kept as
    ``attrs["path"]``.

    Raises
    ------
    SedlabError
        When the file is absent, truncated, lacks a dataset, its shapes do not fit together, or the clip is not there.
    """
    path = Path(path)
    absent = "Run the stage that writes it, or correct the path."
    damaged = "It may be truncated: delete it and write or download it again."
    with open_logits(path, "score file", absent=absent, form="score file", damaged=damaged) as file:
        clip_ids = file.clip_ids if clip_id is None else [clip_id]
        rows = None if clip_id is None else _positions([clip_id], file.clip_ids, str(path), *_CLIPS)
        # Beside the logits, whether each is finite.
        size = file.logits.size if rows is None else np.prod(file.logits.shape[1:])
        check_fits(size * 5.0, f"{path}: logits of shape {file.logits.shape}", _TOO_LARGE)
        # What is too large for single precision becomes infinite, and is refused as that.
        with np.errstate(over="ignore"):
            logits = np.asarray(file.read(rows), dtype=np.float32)
        frame_times = np.asarray(file.attrs.pop("frame_times", detector_frame_times()))
        if frame_times.dtype.kind not in "fiu":
            raise ValueError("'frame_times' are not numbers")
    classes = file.classes or CLASSES
    _check_contents(path, clip_ids, logits, classes, frame_times)
    attrs = {name: value for name, value in file.attrs.items() if isinstance(value, Attribute) and name != "format"}
    return ScoreFile(clip_ids, logits, classes, frame_times.astype(np.float64), {**attrs, "path": str(path)})


def time_problem(boundaries: np.ndarray) -> str | None:
    """Return what is wrong with the boundaries of frames in seconds, (frames + 1,); None if nothing is.

    They begin with the clip, at most a frame late, and go on from there for no longer than a week.
    """
    if boundaries.ndim != 1 or len(boundaries) < 2:
        return "are no list of boundaries"
    if not np.isfinite(boundaries).all():
        return "are not all finite"
    if not (np.diff(boundaries) > 0).all():
        return "run backwards"
    if boundaries[0] < -SAME_TIME or boundaries[0] >= boundaries[1] - boundaries[0]:
        return f"begin at {boundaries[0]:g} s, not with the clip at 0"
    if boundaries[-1] > _MAX_SECONDS:
        return f"go on for {boundaries[-1]:g} s"
    return None


def _positions(wanted: Sequence[str], known: Sequence[str], where: str, what: str, remedy: str) -> list[int]:
    position = {name: index for index, name in enumerate(known)}
    missing = sorted(set(wanted) - position.keys())
    if missing:
        raise SedlabError(
            f"{where}: no scores for {len(missing)} of {len(wanted)} {what} (first: {missing[0]!r}). {remedy}"
        )
    return [position[name] for name in wanted]


def _check_contents(
    path: str | Path, clip_ids: Sequence[str], logits: np.ndarray, classes: Sequence[str], frame_times: np.ndarray
) -> None:
    if problem := time_problem(np.asarray(frame_times)):
        raise SedlabError(f"{path}: frame_times {problem}. Write the scores with their own frame times, in seconds.")
    expected = (len(clip_ids), len(frame_times) - 1, len(classes))
    if logits.shape != expected:
        raise SedlabError(
            f"{path}: strong_logits has shape {logits.shape}, expected {expected} (clips, frames, classes). "
            "Write the scores with their own classes and frame times."
        )
    if "" in clip_ids:
        raise SedlabError(f"{path}: a clip without name. Name every clip; write the file again.")
    if len(set(clip_ids)) != len(clip_ids):
        seen: set[str] = set()
        twice = next(clip_id for clip_id in clip_ids if clip_id in seen or seen.add(clip_id))
        raise SedlabError(f"{path}: clip {twice!r} occurs twice. Clip names must be unique; write the file again.")
    finite = np.isfinite(logits).all(axis=(1, 2))
    if not finite.all():
        first = clip_ids[int(np.argmin(finite))]
        raise SedlabError(
            f"{path}: logits are not finite for {int((~finite).sum())} of {len(clip_ids)} clips (first: {first}). "
            "The model has diverged: train again with a lower learning rate."
        )
