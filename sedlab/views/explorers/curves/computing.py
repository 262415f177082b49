"""The curves in view and their bands: curves are computed at once, bands beside the kernel's own work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sedlab.progress import Progress
from sedlab.scoring.curves.bands import CurveBands
from sedlab.scoring.curves.curve_set import CurveSet
from sedlab.scoring.curves.system import SystemCurves
from sedlab.views.explorers.curves.working import WorkingBar

#: (metric, post-processing)
Scores = tuple[str, str]


class CurveComputing:
    """Curves and bands of a `CurveSet`, with a bar while some are computed.

    ``run`` is `Panel.run` of the explorer.
    """

    def __init__(self, curves: CurveSet, run: Callable[[Callable[[], None]], None]) -> None:
        self._curves = curves
        self.bar = WorkingBar(run)

    def curves(self, systems: Sequence[str], scores: Scores) -> dict[str, SystemCurves]:
        """Return the curves of systems, computed now if they are not there yet."""
        if not self._are_ready("curves", systems, scores):
            with self.bar.on("curves"):
                for done, name in enumerate(systems):
                    self.bar.told(done, len(systems))
                    self._curves.curves(name, *scores)
        return {name: self._curves.curves(name, *scores) for name in systems}

    def bands(self, systems: Sequence[str], scores: Scores) -> dict[str, CurveBands]:
        """Return the bands that are there already."""
        ready = [name for name in systems if self._are_ready("bands", [name], scores)]
        return {name: self._curves.bands(name, *scores) for name in ready}

    def need_bands(
        self, systems: Sequence[str], scores: Scores, done: Callable[[], None], cancelled: Callable[[], None]
    ) -> None:
        """Compute the bands that are not there yet; nothing is begun anew that is at work.

        ``done`` is called when they are there later, not when they are there on return.
        """
        key = (tuple(systems), scores)
        if not self._are_ready("bands", systems, scores) and self.bar.job != key:

            def make(progress: Progress) -> None:
                for name in systems:
                    self._curves.bands(name, *scores, progress=progress)

            self.bar.begin("bands", key, make, done, cancelled)

    def _are_ready(self, what: str, systems: Sequence[str], scores: Scores) -> bool:
        return all(self._curves.is_ready(what, name, *scores) for name in systems)
