"""A panel about what pseudo-labels became from one iteration to the next; press a bar and hear its clips."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets as widgets
import pandas as pd

from sedlab.errors import SedlabError
from sedlab.scoring.audit.changed_seconds import CHANGED
from sedlab.scoring.audit.compared import Between, ComparedSubset
from sedlab.scoring.names import ALL, class_name
from sedlab.scoring.scores.file import ScoreFile
from sedlab.system.frontend import person_present
from sedlab.views.explorers.compared.controls import USUAL_THRESHOLD, CompareControls, usual_pair
from sedlab.views.explorers.compared.shown import CONFIDENCE, MASK, SECONDS, SUBSETS, SUSPECTS, ComparedViews
from sedlab.views.explorers.controls.change_table import change_table, subset_table, suspect_table
from sedlab.views.explorers.controls.desk_link import DeskLink
from sedlab.views.explorers.controls.press_table import PressTable
from sedlab.views.explorers.controls.saving import SaveButtons
from sedlab.views.explorers.copying import CopyCall
from sedlab.views.explorers.panel import RUN_FIRST, Panel
from sedlab.views.figures.embed import figure_to_png, figure_to_svg, image_element
from sedlab.views.figures.frame import Picture
from sedlab.views.player.call import python_call

SELECTION_COLUMNS = ["key", "clip_id", "label", "part", "seconds", "share", "onset", "offset"]


class PseudoLabelExplorer(Panel):
    """Show by class, or by set of clips, what was lost, kept and gained between two sets of pseudo-labels, to hear.

    Parameters
    ----------
    subsets : {name: ComparedSubset}
        None or without scores to compare: says what to run.
    desk : Explorer or None
        Its list is narrowed to the clips of a bar that is pressed, and the one that changed most is opened.
    call : str
        A line of Python that makes this panel; the button "Copy the call" adds what is chosen.

    Attributes
    ----------
    between : Between
        What is compared: ``between.changes.by_class`` is the table, ``between.names`` who.
    suspects : DataFrame
        The suspected labels of the chosen set.
    selection : DataFrame
        `key, clip_id, label, part, seconds, share, onset, offset`: the clips of what was pressed, most changed first,
        with the longest stretch of each.
    """

    def __init__(
        self,
        subsets: Mapping[str, ComparedSubset] | None,
        *,
        subset: str = "",
        threshold: float = USUAL_THRESHOLD,
        desk: Any = None,
        call: str = "",
        remedy: str = RUN_FIRST,
    ) -> None:
        super().__init__()
        self._subsets = {name: part for name, part in (subsets or {}).items() if len(part.scores) > 1}
        self._link, self._base = DeskLink(desk), call
        self.views: ComparedViews | None = None
        self.selection = pd.DataFrame(columns=SELECTION_COLUMNS)
        self._told = ""

        self.controls = controls = CompareControls(list(self._subsets), threshold)
        self.subset, self.first, self.second = controls.subset, controls.first, controls.second
        self.threshold, self.shown, self.label, self.masked = controls.drawn[3:]
        self.sentence, self.picture = widgets.HTML(), widgets.HTML()
        self.table = PressTable(lambda label, part: self.run(lambda: self.hear(label, part)))
        self.sets = PressTable(lambda subset, part: self.run(lambda: self.hear_subset(subset, part)))
        self.suspected = PressTable(lambda row, _part: self.run(lambda: self.hear_suspect(int(row))))
        self.copy = CopyCall()
        self.saving = SaveButtons(
            {
                "TSV": lambda: (self._file_name("tsv"), self.shown_table().to_csv(sep="\t", index=False).encode()),
                "PNG": lambda: (self._file_name("png"), figure_to_png(self.figure())),
                "SVG": lambda: (self._file_name("svg"), figure_to_svg(self.figure()).encode()),
            },
            what="this view",
        )
        below = widgets.HBox([self.saving, self.copy], layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 16px"))
        self.add_class("sedlab-pseudo-labels")
        self.arrange(controls.drawn, [self.sentence, self.table, self.sets, self.suspected, self.picture, below])
        if not self._subsets:
            self.say_empty("There are no two sets of pseudo-labels of the same clips to compare.", remedy)
            return
        with self.filling():
            self.subset.value = self._opening = subset if subset in self._subsets else next(iter(self._subsets))
        self.on_change(self._choose_subset, self.subset)
        self.on_change(self._count, self.first, self.second, self.threshold)
        self.on_change(self._draw, self.shown, self.label, self.masked)
        self.when_closed(self._link.close)
        self._link.share_threshold(self.threshold, lambda: self.run(self._count))
        self.run(self._choose_subset)

    @classmethod
    def of_scores(cls, scores: Mapping[str, ScoreFile], **options: Any) -> PseudoLabelExplorer:
        """Return the panel of score files, {name: scores}, of anyone's models: on the clips and classes they share."""
        if len(scores) < 2:
            raise SedlabError(f"{len(scores)} set of scores: nothing to compare. Give two or more, {{name: scores}}.")
        return cls({"both files": ComparedSubset.of_scores(scores)}, **options)

    @property
    def between(self) -> Between | None:
        """What is compared; None: nothing can be."""
        return None if self.views is None else self.views.between

    @property
    def suspects(self) -> pd.DataFrame:
        """The suspected labels of the chosen set."""
        return pd.DataFrame() if self.views is None else self.views.suspects

    def at(
        self,
        *,
        subset: str | None = None,
        first: str | None = None,
        second: str | None = None,
        threshold: float | None = None,
        show: str | None = None,
        label: str | None = None,
        part: str | None = None,
    ) -> Any:
        """Choose what to compare and show, press a bar (``label``, ``part``); return the desk, or this without one."""
        wanted = {self.subset: subset, self.first: first, self.second: second, self.threshold: threshold}
        for control, value in {**wanted, self.shown: show}.items():
            if value is not None:
                control.value = value
        if label is not None:
            self.table.press(label, part or "")
        return self._link.desk or self

    def hear(self, label: str, part: str = "") -> None:
        """Narrow the desk's list to the clips of a bar, and open the one that holds most of it.

        ``label`` is a class or "all", ``part`` "lost", "kept" or "gained"; "": lost and gained together.
        """
        table = self.between.clips_of(part or CHANGED, label).assign(part=part or CHANGED)
        table["key"] = self.subset.value + "/" + table["clip_id"].astype(str)
        self.selection = table[SELECTION_COLUMNS]
        what = "all classes" if label == ALL else class_name(label)
        because = f"{what}: {part or CHANGED}"
        self._link.open(self.selection, because, label="" if label == ALL else label, systems=self.between.names)
        self._say_call(label=label, part=part or None)

    def hear_subset(self, subset: str, part: str = "") -> None:
        """Choose a set of clips, compared as before, and hear what all its classes together lost, kept or gained."""
        first, second = self.between.names
        with self.filling():
            self.subset.value = subset
            self.controls.offer_scores(self._compared, first, second)
        self._count()
        self.sets.pressed = [subset, part]
        self.hear(ALL, part)

    def hear_suspect(self, row: int) -> None:
        """Narrow the desk's list to the suspected labels, and open that of a row of ``suspects``."""
        suspects = self.suspects.assign(key=self.subset.value + "/" + self.suspects["clip_id"].astype(str))
        case = suspects.loc[row]
        cases = suspects.drop_duplicates("key")
        self._link.open(cases, "suspected labels", label=case["label"], systems=self.between.names, first=case)

    def figure(self) -> Picture:
        """Return what is shown as a picture."""
        return self.views.figure(self.shown.value, label=self.label.value, with_masked=self.masked.value)

    def shown_table(self) -> pd.DataFrame:
        """Return the numbers of what is shown."""
        return self.views.table(self.shown.value)

    def still(self) -> Iterator[bytes | str]:
        """Give the sentence and a picture of what is shown."""
        if not self._subsets:
            yield self.message.value
            return
        yield f"<p>{html.escape(self._told)}</p>"
        if self.shown.value == SUSPECTS:
            yield from self.suspected.still()
        elif self.views is not None:
            yield figure_to_png(self.figure())

    @property
    def _compared(self) -> ComparedSubset:
        return self._subsets[self.subset.value]

    def _choose_subset(self) -> None:
        with self.filling():
            self.controls.offer_scores(self._compared, *usual_pair(self._compared))
        self._count()

    def _count(self) -> None:
        chosen = self.subset.value, self.first.value, self.second.value
        self.views = ComparedViews(self._subsets, *chosen, self._threshold_of)
        self.table.pressed, self.sets.pressed = [], []
        self._draw()

    def _draw(self) -> None:
        shown, views, between = self.shown.value, self.views, self.between
        with self.filling():
            self.controls.offer_classes(between.taught)
        self.controls.show_fitting(masks=bool(between.hidden))
        for widget, where in (
            (self.table, shown == SECONDS),
            (self.sets, shown == SUBSETS),
            (self.suspected, shown == SUSPECTS),
            (self.picture, shown in (CONFIDENCE, MASK)),
        ):
            widget.layout.display = "" if where else "none"
        self._told = views.told(shown, self._told_thresholds())
        if shown == SECONDS:
            hidden = between.hidden_by_class if self.masked.value else None
            self.table.show(change_table(between.changes.by_class, between.intervals, hidden))
        elif shown == SUBSETS:
            self.sets.show(subset_table(views.by_subset))
        elif shown == SUSPECTS:
            self.suspected.show(suspect_table(views.suspects))
        elif person_present():
            self.picture.value = image_element(figure_to_png(self.figure()), f"{shown}: {self._told}")
        self.sentence.value = f'<p style="margin:2px 0;line-height:1.4">{html.escape(self._told)}</p>'
        self._say_call()

    def _told_thresholds(self) -> str:
        own = sorted(class_name(label) for label in self._link.thresholds if label in self.between.taught)
        return f"above {self.threshold.value:g}" + (f" (own thresholds: {', '.join(own)})" if own else "")

    def _threshold_of(self, label: str) -> float:
        return self._link.thresholds.get(label, self.threshold.value)

    def _say_call(self, **pressed: str | None) -> None:
        if not self._base:
            return
        options = self.controls.options(self._compared, self._opening)
        self.copy.call = python_call(f"{self._base}.at", **options, **pressed)

    def _file_name(self, suffix: str) -> str:
        return f"pseudo_labels_{self.subset.value}_{self.shown.value.replace(' ', '_')}.{suffix}"
