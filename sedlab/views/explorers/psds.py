"""Curves of any systems: over all classes or of one, how sure they are, and where the thresholds stand on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.curves.curve_set import CurveSet
from sedlab.scoring.curves.tables import COLUMNS, operating_points
from sedlab.scoring.names import class_name, metric_name
from sedlab.system.frontend import person_present
from sedlab.views.explorers.controls.saving import SaveButtons
from sedlab.views.explorers.copying import CopyCall
from sedlab.views.explorers.curves.controls import CurveControls
from sedlab.views.explorers.curves.differences import DifferenceTable
from sedlab.views.explorers.curves.plot import CurvePlot
from sedlab.views.explorers.curves.standing import told_points
from sedlab.views.explorers.curves.thresholds import SharedThresholds
from sedlab.views.explorers.curves.working import WorkingBar
from sedlab.views.explorers.panel import ALL, RUN_FIRST, Panel, picture
from sedlab.views.figures.curves.drawn import AXES, DrawnCurve, curves_figure, drawn_curves, with_thresholds
from sedlab.views.figures.embed import figure_to_png, figure_to_svg
from sedlab.views.figures.frame import Picture

KINDS = ("PNG", "SVG", "TSV")


class PsdsExplorer(Panel):
    """PSD-ROC curves of systems (ROC curves for mpAUC), with thresholds that a player beside it shares.

    Point at a curve for threshold, events found and false alarms an hour; press a point to set the threshold of its
    class, or on the curve over all classes those of all. The mark on each curve is where the thresholds stand now.

    Parameters
    ----------
    curves : CurveSet
        Of the systems that can be chosen.
    desk : Explorer, optional
        Its player's thresholds, class and post-processing are shared; the clips of a class are opened in its list.
    player : ClipPlayer, optional
        Shared in its place where there is no desk. Without either there is a slider here.
    systems : sequence of str, optional
        Those to begin with; the last one if left out.
    metric, postprocess, label : str, optional
        What else to begin with: a metric and a post-processing of ``curves``; a class, or "each": every class apart.
    thresholds : {class: threshold}, optional
        Thresholds to begin with, in place of the player's.
    band : bool
        Whether bands are drawn from the beginning; they take a second or more.
    clips_of : function, optional
        Takes a class and returns {key of a clip: what to frame in it} of the clips that hold it.
    call : function, optional
        Takes the options above and returns the line of Python that shows this view again.
    interactive : bool, optional
        A plot that answers the pointer; where a person sits if left out.
    title : str
        What the curves are of, such as the subset.

    Attributes
    ----------
    drawn : list of DrawnCurve
        The curves in view.
    """

    def __init__(
        self,
        curves: CurveSet,
        desk: Any = None,
        *,
        player: Any = None,
        systems: Sequence[str] | None = None,
        metric: str | None = None,
        postprocess: str | None = None,
        label: str | None = None,
        thresholds: Mapping[str, float] | None = None,
        band: bool = False,
        clips_of: Callable[[str], Mapping[str, Mapping[str, Any]]] | None = None,
        call: Callable[..., str] | None = None,
        interactive: bool | None = None,
        title: str = "",
        remedy: str = RUN_FIRST,
    ) -> None:
        super().__init__()
        self.curves, self._desk, self._clips_of, self._call, self._title = curves, desk, clips_of, call, title
        self.drawn: list[DrawnCurve] = []
        self.add_class("sedlab-curve-explorer")
        if not curves.systems:
            self.say_empty("There are no scores to compare.", remedy)
            return
        player = player if desk is None else desk.player
        self._shared = SharedThresholds(player, lambda: self.run(self._mark), lambda: self.run(self._follow))
        self.player = self._shared.player
        way = postprocess or (self.player.postprocess if self.player.postprocess in curves.ways else None)
        self.controls = controls = CurveControls(curves, systems or curves.systems[-1:], metric, way)
        controls.band.value = band
        answers = person_present() if interactive is None else interactive
        self.picture = CurvePlot(self.choose) if answers else picture()
        self.said = widgets.HTML()
        self.progress = WorkingBar()
        can_open = clips_of is not None and hasattr(desk, "narrow")
        self.table = DifferenceTable(self.choose_class, self.open_clips if can_open else None)
        self.copy = CopyCall()
        self.files = SaveButtons({kind: partial(self._file, kind) for kind in KINDS}, what="the curves")
        self.arrange(
            controls.drawn,
            [
                *(self.progress, self.picture, self._shared.slider, self.said),
                *(controls.compared, self.table, self.files, self.copy),
            ],
        )
        self.on_change(self._show, controls.systems, controls.band)
        self.on_change(self._set_class, controls.label)
        self.on_change(lambda: self._set_scores(metric=True), controls.metric)
        self.on_change(lambda: self._set_scores(metric=False), controls.way)
        self.on_change(self.table.clear, controls.a, controls.b)
        controls.compare.on_click(lambda _: self.run(self.show_differences))
        self.run(lambda: self._begin(label or self.player.label or ALL, thresholds or {}))

    @property
    def selection(self) -> pd.DataFrame:
        """What the thresholds give now, a row a curve: columns of `curve_points`, and `area`, the metric."""
        marked = [one for one in self.drawn if one.at is not None]
        table = operating_points((one.system, one.label, one.at) for one in marked)
        return table.assign(area=[one.curve.area for one in marked])

    @property
    def points(self) -> pd.DataFrame:
        """Every point of the curves in view, see `curve_points`."""
        tables = [one.points for one in self.drawn]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))

    def figure(self) -> Picture:
        """Return the curves in view as a matplotlib figure."""
        return curves_figure(self.drawn, self._metric, max_rate=self._max_rate, title=self._heading())

    def save(self, path: str | Path) -> None:
        """Save the curves in view: as a picture (`.png`, `.svg`), or all their points as a table (`.tsv`)."""
        kind = Path(path).suffix.removeprefix(".").upper()
        if kind not in KINDS:
            raise SedlabError(f"{path}: curves are saved as .png, .svg or .tsv. Give one of these endings.")
        Path(path).write_bytes(self._file(kind)[1])

    def choose(self, place: int, row: int) -> None:
        """Set the thresholds to those of a point: the curve's place in ``drawn``, and a row of its points."""
        self.run(lambda: self._choose(self.drawn[place], row))

    def choose_class(self, label: str | None) -> None:
        """Show the curves of a class; None: over all classes."""
        self.controls.label.value = label or ALL

    def open_clips(self, label: str) -> None:
        """List the clips that hold a class in the desk, each framed on its first event, and open the first."""
        found, because = self._clips_of(label), f"{class_name(label)}: annotated"

        def narrow() -> None:
            self._desk.narrow(list(found), because=because, focuses=found)
            first = next(iter(found))
            self._desk.open(first, focus=found[first])

        self.run(narrow)

    def show_differences(self) -> pd.DataFrame:
        """Compare the two chosen systems class by class, and return the table."""
        a, b, metric = self.controls.a.value, self.controls.b.value, self._metric
        if a == b:
            raise SedlabError(f"{a}: compared with itself. Choose two systems.")
        with self.progress.on("resamples"):
            table = self.curves.differences(a, b, metric, self.controls.way.value, progress=self.progress.told)
        self.table.show(table, a, b, AXES[metric][2])
        return table

    def still(self) -> Iterator[bytes | str]:
        """Give what the controls say, the curves, where the thresholds stand, and the differences."""
        yield from super().still()
        if isinstance(getattr(self, "picture", None), CurvePlot):
            yield figure_to_png(self.figure())

    @property
    def _metric(self) -> str:
        return self.controls.metric.value

    @property
    def _max_rate(self) -> float:
        return max(found.max_rate for found in self._found.values()) if self._found else 1.0

    def _begin(self, label: str, thresholds: Mapping[str, float]) -> None:
        self._wanted, self._found, self._bands = label, {}, {}
        if thresholds:
            self._shared.add(dict(thresholds))
        self._show()
        self._shared.set(label=self.controls.class_in_view or "", postprocess=self.controls.way.value)

    def _show(self) -> None:
        """Draw what is chosen; curves and bands that were not there yet are computed."""
        way, chosen = self.controls.way.value, self.controls.systems.value
        self._found = self._computed("curves", chosen, way)
        self._bands = self._computed("bands", chosen, way) if self.controls.band.value else {}
        with self.filling():
            self.controls.offer(self._classes, self._wanted)
        self._wanted = None
        labels, known = self.controls.labels(self._classes), self._shared.of(self._classes)
        self.drawn = drawn_curves(self._found, labels, bands=self._bands, thresholds=known)
        if isinstance(self.picture, CurvePlot):
            self.picture.draw(self.drawn, self._metric, self._max_rate, self._heading())
        self._tell()

    def _mark(self) -> None:
        """Move the operating points to where the thresholds are now."""
        self.drawn = with_thresholds(self.drawn, self._found, self._shared.of(self._classes))
        if isinstance(self.picture, CurvePlot):
            self.picture.mark(self.drawn, self._metric, self._max_rate)
        self._tell()

    def _tell(self) -> None:
        """Say where the thresholds stand, and how this view is made."""
        if isinstance(self.picture, widgets.Image):
            self.picture.value = figure_to_png(self.figure())
        self.said.value = told_points(self.drawn, AXES[self._metric][2])
        if self._call is not None:
            own = {label: at for label, at in self.player.thresholds.items() if label in self._classes}
            self.copy.call = self._call(
                systems=list(self.controls.systems.value),
                metric=self._metric,
                postprocess=self.controls.way.value,
                label=None if self.controls.label.value == ALL else self.controls.label.value,
                thresholds={label: round(at, 4) for label, at in own.items()} or None,
                band=self.controls.band.value or None,
            )

    def _choose(self, one: DrawnCurve, row: int) -> None:
        rate = float(one.points["rate"].iloc[row])
        found = self._found[one.system].thresholds_at(rate, one.label)
        # A threshold is one of these scores: the player must show the same.
        self._shared.add(found, label=one.label or "", postprocess=self.controls.way.value)
        self._mark()

    def _follow(self) -> None:
        """Show the class and the post-processing that the player shows."""
        label, way = self.player.label, self.player.postprocess
        with self.filling():
            if way in self.curves.ways:
                self.controls.way.value = way
            if label in self._classes or (not label and self.controls.class_in_view):
                self.controls.label.value = label or ALL
        self._show()

    def _set_class(self) -> None:
        self._shared.set(label=self.controls.class_in_view or "")
        self._show()

    def _set_scores(self, *, metric: bool) -> None:
        self.table.clear()
        if not metric:
            self._shared.set(postprocess=self.controls.way.value)
        self._show()

    def _computed(self, what: str, chosen: Sequence[str], way: str) -> dict[str, Any]:
        """Return the "curves" or "bands" of these systems, with a progress bar while there is something to compute."""
        make, of = getattr(self.curves, what), (self._metric, way)
        if all(self.curves.is_ready(what, name, *of) for name in chosen):
            return {name: make(name, *of) for name in chosen}
        found = {}
        with self.progress.on(what):
            for done, name in enumerate(chosen):
                self.progress.told(done, len(chosen))
                found[name] = make(name, *of, **({"progress": self.progress.told} if what == "bands" else {}))
        return found

    @property
    def _classes(self) -> list[str]:
        return list(dict.fromkeys(label for found in self._found.values() for label in found.classes))

    def _heading(self) -> str:
        kind = "ROC" if self._metric == "mpauc" else "PSD-ROC"
        what = f"{kind}, {metric_name(self._metric)}{' on ' * bool(self._title)}{self._title}"
        return f"{what}: {self.controls.label.label}" if self.controls.class_in_view else what

    def _file(self, kind: str) -> tuple[str, bytes]:
        """Return the name and the content of a file of a kind."""
        stem = f"{self._metric}_{self.controls.label.value}".replace("/", "_").replace(" ", "_")
        if kind == "PNG":
            return f"{stem}.png", figure_to_png(self.figure(), dpi=200)
        if kind == "SVG":
            return f"{stem}.svg", figure_to_svg(self.figure()).encode()
        return f"{stem}.tsv", self.points.to_csv(sep="\t", index=False).encode()
