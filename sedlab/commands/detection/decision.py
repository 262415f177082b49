"""How scores become detections, as the options --thresholds, --threshold and --postprocess say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sedlab.errors import SedlabError

if TYPE_CHECKING:
    from sedlab.scoring.postprocess import Postprocess
    from sedlab.scoring.thresholds.file import Thresholds


@dataclass(frozen=True)
class DecisionRule:
    """How scores become detections: as the options say, or a file of thresholds that were set in the player."""

    thresholds: Thresholds
    postprocess: Postprocess
    told: str
    """The post-processing in words."""

    @classmethod
    def of(cls, file: Path | None, threshold: float, postprocess: str | None, *, usual: str) -> DecisionRule:
        """Return what the options --thresholds, --threshold, --postprocess decide; ``usual`` is the last's default."""
        from sedlab.scoring.postprocess import Postprocess
        from sedlab.scoring.thresholds.file import DEFAULT_THRESHOLD, Thresholds

        if file is None:
            return cls(Thresholds(others=threshold), Postprocess.read(postprocess or usual), postprocess or usual)
        if threshold != DEFAULT_THRESHOLD:
            raise SedlabError(
                f"--thresholds {file} and --threshold {threshold:g} both say what is a detection. Give one."
            )
        chosen = Thresholds.read(file)
        if postprocess is None and chosen.postprocess is not None:
            return cls(chosen, chosen.postprocess, f"{chosen.postprocess.name} of {file}")
        return cls(chosen, Postprocess.read(postprocess or usual), postprocess or usual)

    def among(self, classes: Sequence[str], scored: Sequence[str] = ()) -> dict[str, float] | float:
        """Return the threshold of each of ``classes``, or one for all.

        SedlabError for thresholds of a class that is neither among these nor of the task nor ``scored``.
        """
        from sedlab.labels import CLASSES

        if not self.thresholds.of_class:
            return self.thresholds.others
        known = self.thresholds.among(list(dict.fromkeys((*classes, *CLASSES, *scored))), "--thresholds")
        return {label: known[label] for label in classes}

    def told_thresholds(self, classes: Sequence[str], scored: Sequence[str] = ()) -> str:
        """Return the thresholds in words; arguments are those of `among`."""
        found = self.among(classes, scored)
        if isinstance(found, float):
            return f"threshold {found:g}"
        own = ", ".join(f"{label} {found[label]:g}" for label in self.thresholds.of_class if label in found)
        return f"threshold {self.thresholds.others:g}{f' ({own})' if own else ''}"
