"""Curves of any systems: over all classes or of one, how sure they are, and where the thresholds stand on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from sedlab.scoring.curves.curve_set import CurveSet
from sedlab.scoring.names import class_name
from sedlab.system.frontend import person_present
from sedlab.views.explorers.controls.saving import SaveButtons
from sedlab.views.explorers.controls.slider import NamedSlider
from sedlab.views.explorers.copying import CopyCall
from sedlab.views.explorers.curves.comparing import Comparing
from sedlab.views.explorers.curves.computing import CurveComputing
from sedlab.views.explorers.curves.controls import CurveControls
from sedlab.views.explorers.curves.differences import DifferenceTable
from sedlab.views.explorers.curves.in_view import KINDS, CurvesInView
from sedlab.views.explorers.curves.plot import CurvePlot
from sedlab.views.explorers.curves.standing import told_points
from sedlab.views.explorers.curves.thresholds import SharedThresholds
from sedlab.views.explorers.panel import ALL, RUN_FIRST, Panel, picture
from sedlab.views.figures.curves.drawn import AXES, DrawnCurve
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.frame import Picture


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
    earlier : str
        Whom to compare with first, where one system is drawn.
    title : str
        What the curves are of, such as the subset.
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
        earlier: str = "",
        title: str = "",
        remedy: str = RUN_FIRST,
    ) -> None:
        super().__init__()
        self.curves, self._desk, self._clips_of, self._call, self._title = curves, desk, clips_of, call, title
        self._view = CurvesInView()
        self.add_class("sedlab-curve-explorer")
        if not curves.systems:
            self.say_empty("There are no scores to compare.", remedy)
            return
        player = player if desk is None else desk.player
        own = partial(NamedSlider, description="Threshold", value=0.5)
        self._shared = SharedThresholds(player, lambda: self.run(self._mark), lambda: self.run(self._follow), own)
        self.player = self._shared.player
        way = postprocess or (self.player.postprocess if self.player.postprocess in curves.ways else None)
        self.controls = controls = CurveControls(curves, systems or curves.systems[-1:], metric, way, earlier)
        controls.band.value = band
        answers = person_present() if interactive is None else interactive
        self.picture = CurvePlot(self.choose) if answers else picture()
        self.said = widgets.HTML()
        self._computing = CurveComputing(curves, self.run)
        self.progress = self._computing.bar
        can_open = clips_of is not None and hasattr(desk, "narrow")
        self.table = DifferenceTable(self.choose_class, self.open_clips if can_open else None)
        self.comparing = Comparing(curves, controls, self.table, self.run)
        for end in (self._shared.close, self.progress.give_up, self.comparing.bar.give_up):
            self.when_closed(end)
        self.copy = CopyCall()
        self.files = SaveButtons({kind: lambda kind=kind: self._view.file(kind) for kind in KINDS}, what="the curves")
        self.arrange(
            controls.drawn,
            [
                *(self.progress, self.picture, *filter(None, [self._shared.slider]), self.said),
                *(controls.compared, self.comparing.bar, self.table, self.files, self.copy),
            ],
        )
        self.on_change(self._show, controls.systems, controls.band)
        self.on_change(self._set_class, controls.label)
        self.on_change(lambda: self._set_scores(metric=True), controls.metric)
        self.on_change(lambda: self._set_scores(metric=False), controls.way)
        self.on_change(self.comparing.forget, controls.a, controls.b)
        self.run(lambda: self._begin(label or self.player.label or ALL, thresholds or {}))

    @property
    def drawn(self) -> Sequence[DrawnCurve]:
        """The curves in view."""
        return self._view.drawn

    @property
    def selection(self) -> pd.DataFrame:
        """What the thresholds give now, a row a curve: columns of `curve_points`, and `area`, the metric."""
        return self._view.at_thresholds

    @property
    def points(self) -> pd.DataFrame:
        """Every point of the curves in view, see `curve_points`."""
        return self._view.points

    def figure(self) -> Picture:
        """Return the curves in view as a matplotlib figure."""
        return self._view.figure()

    def save(self, path: str | Path) -> None:
        """Save the curves in view: as a picture (`.png`, `.svg`), or all their points as a table (`.tsv`)."""
        self._view.save(path)

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
        """Compare the two chosen systems class by class, and return the table; it takes seconds."""
        return self.comparing.now()

    def still(self) -> Iterator[bytes | str]:
        """Give what the controls say, the curves, where the thresholds stand, and the differences."""
        yield from super().still()
        if isinstance(getattr(self, "picture", None), CurvePlot):
            yield figure_to_png(self.figure())

    def _begin(self, label: str, thresholds: Mapping[str, float]) -> None:
        self._wanted, self._view = label, self._view.chosen(self.controls, {}, {}, title=self._title)
        if thresholds:
            self._shared.add(dict(thresholds))
        self._show()
        self._shared.set(label=self.controls.class_in_view or "", postprocess=self.controls.way.value)

    def _show(self) -> None:
        """Draw what is chosen; curves that are not there yet are computed before, bands beside."""
        chosen, banded = self.controls.systems.value, self.controls.band.value
        self._view = replace(self._view, found=self._computing.curves(chosen, self.controls.scores))
        with self.filling():
            self.controls.offer(self._view.classes, self._wanted)
        self._wanted = None
        if banded:
            self._computing.need_bands(chosen, self.controls.scores, self._draw, self._without_bands)
        else:
            self.progress.give_up()
        self._draw()

    def _draw(self) -> None:
        controls, known = self.controls, self._shared.of(self._view.classes)
        bands = self._computing.bands(controls.systems.value, controls.scores) if controls.band.value else {}
        self._view = self._view.chosen(controls, known, bands, title=self._title)
        if isinstance(self.picture, CurvePlot):
            self.picture.draw(self.drawn, self._view.metric, self._view.max_rate, self._view.heading)
        self._tell()

    def _mark(self) -> None:
        """Move the operating points to where the thresholds are now."""
        self._view = self._view.at(self._shared.of(self._view.classes))
        if isinstance(self.picture, CurvePlot):
            self.picture.mark(self.drawn, self._view.metric, self._view.max_rate)
        self._tell()

    def _tell(self) -> None:
        """Say where the thresholds stand, and how this view is made."""
        if isinstance(self.picture, widgets.Image):
            self.picture.value = figure_to_png(self.figure())
        self.said.value = told_points(self.drawn, AXES[self._view.metric][2])
        if self._call is not None:
            own = {label: round(at, 4) for label, at in self.player.thresholds.items() if label in self._view.classes}
            self.copy.call = self._call(**self.controls.options(own))

    def _choose(self, one: DrawnCurve, row: int) -> None:
        rate = float(one.points["rate"].iloc[row])
        found = self._view.found[one.system].thresholds_at(rate, one.label)
        # A threshold is one of these scores: the player must show the same.
        self._shared.add(found, label=one.label or "", postprocess=self.controls.way.value)
        self._mark()

    def _follow(self) -> None:
        """Show the class and the post-processing that the player shows."""
        label, way = self.player.label, self.player.postprocess
        with self.filling():
            if way in self.curves.ways:
                self.controls.way.value = way
            if label in self._view.classes or (not label and self.controls.class_in_view):
                self.controls.label.value = label or ALL
        self._show()

    def _set_class(self) -> None:
        self._shared.set(label=self.controls.class_in_view or "")
        self._show()

    def _set_scores(self, *, metric: bool) -> None:
        self.comparing.forget()
        if not metric:
            self._shared.set(postprocess=self.controls.way.value)
        self._show()

    def _without_bands(self) -> None:
        with self.filling():
            self.controls.band.value = False
        self._draw()
        self.controls.band.focus()
