"""The curves in view as data: which are drawn, the tables of their points, and the files that are saved of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.curves.bands import CurveBands
from sedlab.scoring.curves.system import SystemCurves
from sedlab.scoring.curves.tables import COLUMNS, operating_points
from sedlab.views.explorers.curves.controls import CurveControls
from sedlab.views.explorers.panel import ALL
from sedlab.views.figures.curves.drawn import DrawnCurve, curves_figure, drawn_curves, with_thresholds
from sedlab.views.figures.embed import figure_to_png, figure_to_svg
from sedlab.views.figures.frame import Picture

#: The files there are, by the ending of their names.
KINDS = ("PNG", "SVG", "TSV")


@dataclass(frozen=True, eq=False)
class CurvesInView:
    """The curves of some systems, and what of them is drawn."""

    found: Mapping[str, SystemCurves] = field(default_factory=dict)
    """{system: its curves}"""
    drawn: Sequence[DrawnCurve] = ()
    metric: str = ""
    label: str = ALL
    """What is chosen as the class, which names the files."""
    heading: str = ""

    @property
    def classes(self) -> list[str]:
        """The classes that have a curve."""
        return list(dict.fromkeys(label for found in self.found.values() for label in found.classes))

    @property
    def max_rate(self) -> float:
        """The rate at which curves end."""
        return max(found.max_rate for found in self.found.values()) if self.found else 1.0

    @property
    def points(self) -> pd.DataFrame:
        """Every point of what is drawn, see `curve_points`."""
        tables = [one.points for one in self.drawn]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))

    @property
    def at_thresholds(self) -> pd.DataFrame:
        """What the thresholds give, a row a curve: columns of `curve_points`, and `area`, the metric."""
        marked = [one for one in self.drawn if one.at is not None]
        table = operating_points((one.system, one.label, one.at) for one in marked)
        return table.assign(area=[one.curve.area for one in marked])

    def chosen(
        self, controls: CurveControls, thresholds: Mapping[str, float], bands: Mapping[str, CurveBands], *, title: str
    ) -> CurvesInView:
        """Return the same curves, of which those are drawn that the controls say; ``title``: what they are of."""
        labels = controls.labels(self.classes)
        return replace(
            self,
            drawn=drawn_curves(self.found, labels, bands=bands, thresholds=thresholds),
            metric=controls.metric.value,
            label=controls.label.value,
            heading=controls.heading(title),
        )

    def at(self, thresholds: Mapping[str, float]) -> CurvesInView:
        """Return the same with its operating points at other thresholds; quick enough for a slider."""
        return replace(self, drawn=with_thresholds(self.drawn, self.found, thresholds))

    def figure(self) -> Picture:
        """Return what is drawn as a matplotlib figure."""
        return curves_figure(self.drawn, self.metric, max_rate=self.max_rate, title=self.heading)

    def file(self, kind: str) -> tuple[str, bytes]:
        """Return the name and the content of a file, see `KINDS`."""
        stem = f"{self.metric}_{self.label}".replace("/", "_").replace(" ", "_")
        if kind == "PNG":
            return f"{stem}.png", figure_to_png(self.figure(), dpi=200)
        if kind == "SVG":
            return f"{stem}.svg", figure_to_svg(self.figure()).encode()
        return f"{stem}.tsv", self.points.to_csv(sep="\t", index=False).encode()

    def save(self, path: str | Path) -> None:
        """Save a file of the kind that its name ends in."""
        kind = Path(path).suffix.removeprefix(".").upper()
        if kind not in KINDS:
            raise SedlabError(f"{path}: curves are saved as .png, .svg or .tsv. Give one of these endings.")
        Path(path).write_bytes(self.file(kind)[1])
