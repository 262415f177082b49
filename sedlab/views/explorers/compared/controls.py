"""The controls of the panel of pseudo-labels: which clips, which two scores, what to show of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from sedlab.scoring.audit.compared import ComparedSubset
from sedlab.scoring.names import ALL, class_name
from sedlab.views.explorers.compared.shown import CONFIDENCE, SECONDS, SHOWN, SUBSETS
from sedlab.views.explorers.controls.slider import NamedSlider
from sedlab.views.explorers.panel import dropdown

USUAL_THRESHOLD = 0.5


class CompareControls:
    """What to compare and to show; each control is an attribute."""

    def __init__(self, subsets: Sequence[str], threshold: float) -> None:
        self.subset = dropdown("Clips", subsets)
        self.first, self.second = dropdown("Before", []), dropdown("After", [])
        self.threshold = NamedSlider(description="Threshold", value=threshold, min=0.02, max=0.98, step=0.01)
        self.shown = dropdown("Show", SHOWN)
        self.label = dropdown("Class", [ALL])
        self.masked = widgets.Checkbox(description="also what the class mask hides", indent=False)

    @property
    def drawn(self) -> list[widgets.Widget]:
        """All, in their order."""
        return [self.subset, self.first, self.second, self.threshold, self.shown, self.label, self.masked]

    def offer_scores(self, compared: ComparedSubset, first: str, second: str) -> None:
        """Offer the scores of a set of clips, and choose two."""
        for control, name in ((self.first, first), (self.second, second)):
            control.options, control.value = list(compared.scores), name

    def offer_classes(self, taught: Sequence[str]) -> None:
        """Offer these classes, and all of them."""
        options = (("all classes", ALL), *((class_name(label), label) for label in taught))
        if options != tuple(self.label.options):
            self.label.options = options

    def show_fitting(self, *, masks: bool) -> None:
        """Show the controls that mean something for what is shown; ``masks``: whether a mask hides classes."""
        shown = self.shown.value
        for control, where in (
            (self.label, shown == CONFIDENCE),
            (self.masked, shown == SECONDS and masks),
            (self.threshold, shown in (SECONDS, SUBSETS)),
        ):
            control.layout.display = "" if where else "none"

    def options(self, usual: ComparedSubset, opening: str) -> dict[str, Any]:
        """Return what differs from how the panel opens, as arguments of its ``at``."""
        first, second = usual_pair(usual)
        chosen = {
            "subset": (self.subset.value, opening),
            "first": (self.first.value, first),
            "second": (self.second.value, second),
            "threshold": (round(self.threshold.value, 4), USUAL_THRESHOLD),
            "show": (self.shown.value, SECONDS),
        }
        return {name: now for name, (now, at_first) in chosen.items() if now != at_first}


def usual_pair(compared: ComparedSubset) -> tuple[str, str]:
    """Return what is compared in a set of clips unless others are chosen."""
    *_, first, second = compared.scores
    return compared.pair or (first, second)
