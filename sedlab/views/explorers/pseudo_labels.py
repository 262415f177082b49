"""A panel about what pseudo-labels became from one iteration to the next; press a bar and hear its clips."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping
from typing import Any

import ipywidgets as widgets
import pandas as pd

from sedlab.errors import SedlabError, count_of
from sedlab.scoring.audit.changed_seconds import CHANGED
from sedlab.scoring.audit.compared import Between, ComparedSubset
from sedlab.scoring.audit.masked_mass import masked_mass
from sedlab.scoring.audit.told_change import told_change
from sedlab.scoring.names import ALL, class_name
from sedlab.scoring.scores.file import ScoreFile
from sedlab.system.frontend import person_present
from sedlab.views.explorers.controls.change_table import change_table, suspect_table
from sedlab.views.explorers.controls.desk_link import DeskLink
from sedlab.views.explorers.controls.press_table import PressTable
from sedlab.views.explorers.controls.saving import SaveButtons
from sedlab.views.explorers.controls.slider import NamedSlider
from sedlab.views.explorers.copying import CopyCall
from sedlab.views.explorers.panel import RUN_FIRST, Panel, dropdown
from sedlab.views.figures.embed import figure_to_png, figure_to_svg
from sedlab.views.figures.frame import Picture, empty_figure
from sedlab.views.figures.pseudo_label_changes import (
    changed_seconds_figure,
    compared_confidence_figure,
    compared_mask_figure,
)
from sedlab.views.player.call import python_call

SECONDS, CONFIDENCE, MASK, SUSPECTS = "seconds by class", "confidence", "class mask", "suspected labels"
USUAL_THRESHOLD = 0.5
SELECTION_COLUMNS = ["key", "clip_id", "label", "part", "seconds", "share", "onset", "offset"]


class PseudoLabelExplorer(Panel):
    """Show per class what was lost, kept and gained between two sets of pseudo-labels, and open its clips.

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
        The suspected labels, once they are shown.
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
        self.between: Between | None = None
        self.suspects = pd.DataFrame()
        self.selection = pd.DataFrame(columns=SELECTION_COLUMNS)
        self._told = ""

        self.subset = dropdown("Clips", list(self._subsets))
        self.first, self.second = dropdown("Before", []), dropdown("After", [])
        self.threshold = NamedSlider(description="Threshold", value=threshold, min=0.02, max=0.98, step=0.01)
        self.shown = dropdown("Show", [SECONDS, CONFIDENCE, MASK, SUSPECTS])
        self.label = dropdown("Class", [ALL])
        self.masked = widgets.Checkbox(description="also what the class mask hides", indent=False)
        self.sentence, self.picture = widgets.HTML(), widgets.HTML()
        self.table = PressTable(lambda label, part: self.run(lambda: self.hear(label, part)))
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
        controls = [self.subset, self.first, self.second, self.threshold, self.shown, self.label, self.masked]
        below = widgets.HBox([self.saving, self.copy], layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 16px"))
        self.add_class("sedlab-pseudo-labels")
        self.arrange(controls, [self.sentence, self.table, self.suspected, self.picture, below])
        if not self._subsets:
            self.say_empty("There are no two sets of pseudo-labels of the same clips to compare.", remedy)
            return
        with self.filling():
            self.subset.value = self._opening = subset if subset in self._subsets else next(iter(self._subsets))
        self.on_change(self._choose_subset, self.subset)
        self.on_change(self._count, self.first, self.second, self.threshold)
        self.on_change(self._draw, self.shown, self.label, self.masked)
        self._link.share_threshold(self.threshold, lambda: self.run(self._count))
        self.run(self._choose_subset)

    @classmethod
    def of_scores(cls, scores: Mapping[str, ScoreFile], **options: Any) -> PseudoLabelExplorer:
        """Return the panel of score files, {name: scores}, of anyone's models: on the clips and classes they share."""
        if len(scores) < 2:
            raise SedlabError(f"{len(scores)} set of scores: nothing to compare. Give two or more, {{name: scores}}.")
        return cls({"both files": ComparedSubset.of_scores(scores)}, **options)

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

    def hear_suspect(self, row: int) -> None:
        """Narrow the desk's list to the suspected labels, and open that of a row of ``suspects``."""
        suspects = self.suspects.assign(key=self.subset.value + "/" + self.suspects["clip_id"].astype(str))
        case = suspects.loc[row]
        cases = suspects.drop_duplicates("key")
        self._link.open(cases, "suspected labels", label=case["label"], systems=self.between.names, first=case)

    def figure(self) -> Picture:
        """Return what is shown as a picture."""
        between, shown = self.between, self.shown.value
        if shown == CONFIDENCE:
            return compared_confidence_figure(between.histograms(), between.audits(), label=self.label.value)
        if shown == MASK:
            return compared_mask_figure(self._masses())
        title = f"{between.names[0]} → {between.names[1]}: {self.subset.value}"
        if shown == SUSPECTS:
            return empty_figure(title, "Suspected labels are a table: save it as TSV.")
        table = between.changes.by_class
        if self.masked.value:
            table = pd.concat([table, between.hidden_by_class], ignore_index=True)
        return changed_seconds_figure(table, hidden=between.hidden, title=title)

    def shown_table(self) -> pd.DataFrame:
        """Return the numbers of what is shown."""
        shown = self.shown.value
        if shown == SUSPECTS:
            return self.suspects
        if shown == SECONDS:
            return self.between.changes.by_class.merge(self.between.intervals, on="label")
        tables = self._masses() if shown == MASK else self.between.histograms()
        return pd.concat([table.assign(scores=name) for name, table in tables.items()], ignore_index=True)

    def still(self) -> Iterator[bytes | str]:
        """Give the sentence and a picture of what is shown."""
        if not self._subsets:
            yield self.message.value
            return
        yield f"<p>{html.escape(self._told)}</p>"
        if self.shown.value == SUSPECTS:
            yield from self.suspected.still()
        elif self.between is not None:
            yield figure_to_png(self.figure())

    @property
    def _compared(self) -> ComparedSubset:
        return self._subsets[self.subset.value]

    def _choose_subset(self) -> None:
        with self.filling():
            for control, name in zip((self.first, self.second), self._pair(), strict=True):
                control.options, control.value = list(self._compared.scores), name
        self._count()

    def _pair(self) -> tuple[str, str]:
        """Return what is compared in the chosen subset unless others are chosen."""
        *_, first, second = self._compared.scores
        return self._compared.pair or (first, second)

    def _count(self) -> None:
        self.between = self._compared.between(self.first.value, self.second.value, self._threshold_of)
        self.table.pressed = []
        self._draw()

    def _draw(self) -> None:
        shown, between = self.shown.value, self.between
        with self.filling():
            options = [("all classes", ALL), *((class_name(label), label) for label in between.taught)]
            if tuple(options) != tuple(self.label.options):
                self.label.options = options
        for widget, where in (
            (self.label, shown == CONFIDENCE),
            (self.masked, shown == SECONDS and bool(between.hidden)),
            (self.threshold, shown == SECONDS),
            (self.table, shown == SECONDS),
            (self.suspected, shown == SUSPECTS),
            (self.picture, shown in (CONFIDENCE, MASK)),
        ):
            widget.layout.display = "" if where else "none"
        clips = count_of(len(between.subset.clips), "clip")
        told = f"{between.names[0]} → {between.names[1]}, {clips} of {self.subset.value}"
        if shown == SECONDS:
            changes = between.changes.by_class
            told += f", {self._told_thresholds()}: {told_change(changes, between.intervals)}"
            hidden = between.hidden_by_class if self.masked.value else None
            self.table.show(change_table(changes, between.intervals, hidden))
        elif shown == SUSPECTS:
            told = self._find_suspects()
        elif person_present():
            self.picture.value = image_element(figure_to_png(self.figure()), f"{shown}: {told}")
        self._told = f"{told} {between.subset.note}".strip()
        self.sentence.value = f'<p style="margin:2px 0;line-height:1.4">{html.escape(self._told)}</p>'
        self._say_call()

    def _told_thresholds(self) -> str:
        own = sorted(class_name(label) for label in self._link.thresholds if label in self.between.taught)
        return f"above {self.threshold.value:g}" + (f" (own thresholds: {', '.join(own)})" if own else "")

    def _find_suspects(self) -> str:
        find = self._compared.suspects
        self.suspects = pd.DataFrame() if find is None else find()
        self.suspected.show(suspect_table(self.suspects))
        if find is None:
            return f"Nobody labelled {self.subset.value}, so no label can be doubted: choose a labelled set."
        return (
            f"{len(self.suspects)} labels of {self.subset.value} that all teachers contradict, the most contradicted "
            "first. Neither side is proven wrong: listen."
        )

    def _masses(self) -> dict[str, pd.DataFrame]:
        names = self.between.names
        both: dict[str, dict[str, ScoreFile]] = {name: {} for name in names}
        for subset, compared in self._subsets.items():
            if compared.hidden and all(name in compared.scores for name in names):
                for name in both:
                    both[name][subset] = compared.scores[name]()
        return {name: masked_mass(files) for name, files in both.items() if files}

    def _threshold_of(self, label: str) -> float:
        return self._link.thresholds.get(label, self.threshold.value)

    def _say_call(self, **pressed: str | None) -> None:
        if not self._base:
            return
        first, second = self._pair()
        chosen = {
            "subset": (self.subset.value, self._opening),
            "first": (self.first.value, first),
            "second": (self.second.value, second),
            "threshold": (round(self.threshold.value, 4), USUAL_THRESHOLD),
            "show": (self.shown.value, SECONDS),
        }
        options = {name: now for name, (now, usual) in chosen.items() if now != usual}
        self.copy.call = python_call(f"{self._base}.at", **options, **pressed)

    def _file_name(self, suffix: str) -> str:
        return f"pseudo_labels_{self.subset.value}_{self.shown.value.replace(' ', '_')}.{suffix}"


def image_element(png: bytes, told: str) -> str:
    """Return a PNG file as an image of HTML, which has a text for those who do not see it; Image widgets have none."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(told)}" style="max-width:100%">'
