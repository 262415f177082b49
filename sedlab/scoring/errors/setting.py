"""At which thresholds and with which post-processing events were detected whose errors are named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sedlab.scoring.names import class_name

#: What is done to scores before a threshold is applied, as a player calls it, and in words.
WAYS = {"none": "no post-processing", "median": "median filter", "boxes": "event boxes"}


@dataclass(frozen=True)
class Setting:
    """One threshold for all classes but those with one of their own, and a post-processing; can be a key of a dict."""

    threshold: float = 0.5
    own: tuple[tuple[str, float], ...] = ()
    """(class, threshold), in alphabetical order"""
    postprocess: str = "median"
    """One of `WAYS`"""

    @classmethod
    def of(
        cls, threshold: float, thresholds: Mapping[str, float] | None = None, postprocess: str = "median"
    ) -> Setting:
        """Return the setting with these thresholds of single classes; one that is that of all is none of its own."""
        own = {label: value for label, value in (thresholds or {}).items() if value != threshold}
        return cls(float(threshold), tuple(sorted(own.items())), postprocess)

    @property
    def thresholds(self) -> dict[str, float]:
        """Thresholds of single classes."""
        return dict(self.own)

    def of_classes(self, classes: Iterable[str]) -> dict[str, float]:
        """Return the threshold of each class."""
        return dict.fromkeys(classes, self.threshold) | self.thresholds

    def __str__(self) -> str:
        own = ", ".join(f"{class_name(label)} {value:g}" for label, value in self.own)
        return (
            f"threshold {self.threshold:g}{f' ({own})' if own else ''}, {WAYS.get(self.postprocess, self.postprocess)}"
        )
