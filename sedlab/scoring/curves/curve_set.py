"""Curves of any systems on the same clips: computed when they are asked for, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import pandas as pd

from sedlab.errors import SedlabError, nearest
from sedlab.progress import Progress, no_progress
from sedlab.scoring.curves.bands import CurveBands, curve_bands
from sedlab.scoring.curves.system import SystemCurves
from sedlab.scoring.metrics.bootstrap import DEFAULT, Resampling
from sedlab.scoring.metrics.comparison import Comparison, by_importance, paired_bootstrap
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.psds import Scenario, psds
from sedlab.scoring.metrics.statistics.choice import METRICS, Counted, metric_statistics
from sedlab.scoring.metrics.statistics.curves import CurveStatistics

#: The metrics that are the area under a curve, of events and of seconds.
EVENT_CURVES, SEGMENT_CURVES = ("psds1", "psds2"), ("mpauc",)
#: What resampling needs of a system is large; as many are kept.
KEPT_STATISTICS = 4


class CurveSet:
    """The curves of several systems.

    Parameters
    ----------
    systems : sequence of str
        Their names.
    counted : function
        Takes a system and a post-processing and returns what counts of its scores, of all systems on the same clips.
    metrics : sequence of str
        ``EVENT_CURVES``, or ``SEGMENT_CURVES`` where ``counted`` gives `CountedSegments`.
    ways : sequence of str
        The kinds of post-processing that ``counted`` knows.
    resampling : Resampling
        Of bands and differences.
    """

    def __init__(
        self,
        systems: Sequence[str],
        counted: Callable[[str, str], Counted],
        *,
        metrics: Sequence[str] = EVENT_CURVES,
        ways: Sequence[str] = ("none", "median"),
        resampling: Resampling = DEFAULT,
    ) -> None:
        self.systems, self.metrics, self.ways = tuple(systems), tuple(metrics), tuple(ways)
        self.resampling = resampling
        self._counted = counted
        self._kept: dict[Hashable, Any] = {}

    def curves(self, system: str, metric: str, way: str) -> SystemCurves:
        """Return the curves of a system."""
        return self._once(("curves", system, metric, way), lambda: self._curves(system, metric, way))

    def bands(self, system: str, metric: str, way: str, *, progress: Progress = no_progress) -> CurveBands:
        """Return the bootstrap bands around them; ``progress`` counts resamples."""

        def make() -> CurveBands:
            end = self.curves(system, metric, way).max_rate
            return curve_bands(
                self._statistics(system, metric, way), end, resampling=self.resampling, progress=progress
            )

        return self._once(("bands", system, metric, way), make)

    def differences(self, a: str, b: str, metric: str, way: str, *, progress: Progress = no_progress) -> pd.DataFrame:
        """Return what B gained over A, overall and by class, with paired intervals, what matters most first.

        Columns are those of `Comparison.table` and `num_positive`, the events or seconds of the class.
        """

        def make() -> pd.DataFrame:
            pair = [self._statistics(system, metric, way) for system in (a, b)]
            found = paired_bootstrap(metric, *pair, resampling=self.resampling, progress=progress)
            units, missing = {metric: len(pair[0].units)}, {metric: pair[0].missing_classes}
            table = by_importance(Comparison(tuple(found), units, missing, self.resampling).table())
            points = self.curves(a, metric, way).points
            counts = {label: of_class.num_positive for label, of_class in points.items()}
            return table.assign(num_positive=table["label"].map(counts).fillna(sum(counts.values())).astype(int))

        return self._once(("differences", a, b, metric, way), make)

    def is_ready(self, what: str, *key: str) -> bool:
        """Return whether "curves", "bands" or "differences" of these arguments are there already."""
        return (what, *key) in self._kept

    def _curves(self, system: str, metric: str, way: str) -> SystemCurves:
        if metric not in self.metrics:
            known = " or ".join(self.metrics)
            raise SedlabError(f"no curve of {metric!r} on these clips.{nearest(metric, self.metrics)} Choose {known}.")
        counted, scenario = self._of(system, way), METRICS[metric]
        if isinstance(scenario, Scenario):
            result = psds(counted, scenario)
            return SystemCurves.of_psds(result, scenario.among(len(result.class_curves)))
        return SystemCurves.of_mpauc(segment_mpauc(counted))

    def _statistics(self, system: str, metric: str, way: str) -> CurveStatistics:
        key = ("statistics", system, metric, way)
        found = self._once(key, lambda: metric_statistics(metric, self._of(system, way)))
        kept = [name for name in list(self._kept) if name[0] == "statistics"]
        for name in kept[:-KEPT_STATISTICS]:
            # Perhaps not there any more: another thread may ask for other statistics meanwhile.
            self._kept.pop(name, None)
        return found

    def _of(self, system: str, way: str) -> Counted:
        if system not in self.systems:
            known = ", ".join(self.systems)
            raise SedlabError(f"no system {system!r} among these.{nearest(system, self.systems)} There are: {known}.")
        if way not in self.ways:
            raise SedlabError(
                f"no post-processing {way!r} of these scores.{nearest(way, self.ways)} Choose {' or '.join(self.ways)}."
            )
        return self._once(("counted", system, way), lambda: self._counted(system, way))

    def _once(self, key: tuple[str, ...], make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]
