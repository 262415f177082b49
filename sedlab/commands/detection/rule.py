"""From scores to events as the options of `sedlab detect` say: thresholds, post-processing, classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field, model_validator

from sedlab.errors import SedlabError, nearest
from sedlab.files import read_json

if TYPE_CHECKING:
    import pandas as pd

    from sedlab.inference.recording import RecordingScores
    from sedlab.scoring.postprocess import Postprocess

#: Of thresholds that differ from the others, a picture has room for so many.
_MOST_TOLD = 4


@dataclass(frozen=True)
class DetectionRule:
    """How events are read from the scores of a recording."""

    thresholds: dict[str, float]
    """One for every class of the network."""
    classes: tuple[str, ...]
    """Classes to report, in the order of the network."""
    postprocess: str | None = None
    """"none", "median", a file that says more, or None: median for events, none for scores."""
    tuned: Postprocess | None = None
    """What is in the file."""

    def events(self, scores: RecordingScores) -> pd.DataFrame:
        """Return onset, offset (seconds), label, confidence of the events of a recording."""
        if self.tuned is None:
            postprocess = self.postprocess or "median"
        else:
            postprocess = partial(self.tuned.detect, thresholds=self.thresholds)
        events = scores.events(thresholds=self.thresholds, postprocess=postprocess)
        return events[events["label"].isin(self.classes)].reset_index(drop=True)

    def told(self) -> str:
        """Return in words how events are read: the threshold of most classes, then the others', and what filters."""
        values = [self.thresholds[label] for label in self.classes]
        usual = max(values, key=values.count)
        others = [f"{label} {self.thresholds[label]:g}" for label in self.classes if self.thresholds[label] != usual]
        more = f" and {len(others) - _MOST_TOLD} more" if len(others) > _MOST_TOLD else ""
        apart = f" ({', '.join(others[:_MOST_TOLD])}{more})" if others else ""
        filtered = {None: "median filter", "median": "median filter", "none": "not filtered"}
        return f"threshold {usual:g}{apart}, {filtered.get(self.postprocess, f'post-processing {self.postprocess}')}"

    def score_table(self, scores: RecordingScores) -> pd.DataFrame:
        """Return onset, offset (seconds) and a column a class: as the network gave them, unless asked otherwise."""
        from sedlab.scoring.scores.tables import score_tables, select_classes

        if self.postprocess == "median":
            scores = scores.median_filtered()
        tables = score_tables(scores.probabilities[None], ["recording"], scores.classes, scores.frame_times)
        if self.tuned is not None:
            tables = self.tuned.scores(tables)
        return select_classes(tables, ["recording"], self.classes)["recording"]


def detection_rule(
    known: Sequence[str],
    *,
    thresholds: Sequence[str],
    postprocess: str | None,
    classes: Sequence[str],
    chosen: Path | None = None,
) -> DetectionRule:
    """Return the rule for a network with the classes ``known``; of ``thresholds`` later ones win.

    ``chosen`` is a file of thresholds that were set in the player: ``thresholds`` win, and so does ``postprocess``.
    SedlabError for an unknown class, a threshold that is not in [0, 1], a file that cannot be read.
    """
    from sedlab.scoring.thresholds.file import DEFAULT_THRESHOLD, Thresholds

    for label in classes:
        _check_class("--classes", label, known)
    reported = tuple(label for label in known if not classes or label in classes)
    usual, tuned = dict.fromkeys(known, DEFAULT_THRESHOLD), None
    if chosen is not None:
        file = Thresholds.read(chosen)
        usual = file.among(known, str(chosen))
        if postprocess is None and file.postprocess is not None:
            tuned = file.postprocess if file.postprocess.params else None
            postprocess = str(chosen) if tuned else file.postprocess.name
    if tuned is None:
        tuned = _tuned(postprocess)
    _check_tuned(postprocess, tuned, known)
    return DetectionRule(_thresholds(thresholds, known, usual), reported, postprocess, tuned)


def _thresholds(texts: Sequence[str], known: Sequence[str], usual: Mapping[str, float]) -> dict[str, float]:
    chosen = dict(usual)
    for text in texts:
        if Path(text).suffix == ".json" or Path(text).is_file():
            chosen |= _threshold_file(Path(text), known)
            continue
        label, equals, value = text.rpartition("=")
        if equals:
            _check_class(f"--threshold {text}", label, known)
        for name in [label] if equals else known:
            chosen[name] = _probability(f"--threshold {text}", value)
    return chosen


class _ThresholdFile(BaseModel):
    """A JSON object {class: threshold}, which may be the ``thresholds`` of a larger one."""

    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, content: object) -> object:
        if isinstance(content, dict) and str(content.get("format", "")).startswith("sedlab-thresholds"):
            raise ValueError("was saved from the player and also says how to post-process: it is for --thresholds")
        if isinstance(content, dict) and "format" in content:
            raise ValueError("holds post-processing, not thresholds: it is for --postprocess")
        return content if isinstance(content, dict) and "thresholds" in content else {"thresholds": content}


def _threshold_file(path: Path, known: Sequence[str]) -> dict[str, float]:
    remedy = 'Write thresholds from 0 to 1 as {"class": threshold, ...}, or correct the path.'
    thresholds = read_json(path, _ThresholdFile, remedy).thresholds
    for label in thresholds:
        _check_class(str(path), label, known)
    return thresholds


def _probability(where: str, value: str) -> float:
    try:
        threshold = float(value)
    except ValueError:
        raise SedlabError(
            f"{where}: {value!r} is no number, and no file of that name is there. Give 0.5, CLASS=0.3 or a JSON file."
        ) from None
    if not 0 <= threshold <= 1:
        raise SedlabError(f"{where}: {threshold:g} is not a probability. Give a number from 0 to 1.")
    return threshold


def _check_class(where: str, label: str, known: Sequence[str]) -> None:
    if label not in known:
        hint = nearest(label, known) or f" Its {len(known)} classes: {', '.join(known[:5])}, ..."
        raise SedlabError(f"{where}: the network has no class {label!r}.{hint}")


def _tuned(path: str | None) -> Postprocess | None:
    from sedlab.scoring.postprocess import Postprocess

    chosen = Postprocess.read(path or "none")
    return chosen if chosen.params else None


def _check_tuned(path: str | None, tuned: Postprocess | None, known: Sequence[str]) -> None:
    missing = [] if tuned is None else [label for label in tuned.classes or () if label not in known]
    if missing:
        raise SedlabError(
            f"{path}: was tuned for class {missing[0]!r}, which the network does not have. "
            "Tune on scores of this network."
        )
