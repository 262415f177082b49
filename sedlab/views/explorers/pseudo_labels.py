"""A widget to turn the threshold of a class and hear what the pseudo-labels call an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import ipywidgets as widgets
import numpy as np
import pandas as pd
from scipy.special import expit

from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.explorers.clip_inspector import dropdown
from sedlab.views.explorers.panel import RUN_FIRST, Panel
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.pseudo_labels import threshold_figure
from sedlab.views.figures.style import class_name
from sedlab.views.player.player import ClipPlayer


class PseudoLabelInspector(Panel):
    """Turn the threshold of one class and hear what the pseudo-labels call an event.

    Parameters
    ----------
    scores : ScoreFile or None
        Pseudo-labels of one subset; None or an empty one says what to run.
    load : function or None
        Takes a clip id and returns its ``ClipView`` (its pseudo-labels and detections are filled in here). None: no
        pictures of clips, only the counts.
    events : DataFrame or None
        `clip_id, label`: what people marked in these clips, where they did.

    Attributes
    ----------
    selection : DataFrame
        `clip_id, onset, offset, label` of every event of the chosen class at the chosen threshold.
    """

    def __init__(
        self,
        scores: ScoreFile | None,
        *,
        load: Callable[[str], ClipView] | None = None,
        events: pd.DataFrame | None = None,
        remedy: str = RUN_FIRST,
    ) -> None:
        self._scores, self._load, self._events = scores, load, events
        self.selection = pd.DataFrame(columns=["clip_id", "onset", "offset", "label"])
        self.clip_id, self.view = "", None
        self._order: list[int] = []

        self.label = dropdown("Class", list(scores.classes) if scores else [], spell=class_name)
        self.threshold = widgets.FloatSlider(
            description="Threshold", value=0.5, min=0.02, max=0.98, step=0.02, continuous_update=False
        )
        self.position = widgets.IntSlider(description="Clip", min=0, max=0, readout=False, continuous_update=False)
        self.count = widgets.HTML()
        self.overview = widgets.Image(format="png", layout=widgets.Layout(max_width="100%", width="max-content"))
        self.player = ClipPlayer(on_key=self._press)
        clip_part = [self.position, self.player] if load else []
        super().__init__([self.label, self.threshold], [self.overview, self.count, *clip_part])
        if scores is None or not scores.clip_ids:
            self.say_empty("There are no pseudo-labels to show.", remedy)
            return
        self.label.observe(self._detect, "value")
        self.threshold.observe(self._detect, "value")
        self.position.observe(self._show, "value")
        self._detect()

    def _detect(self, _change: object = None) -> None:
        with self.showing_errors():
            label, threshold, scores = self.label.value, self.threshold.value, self._scores
            probability = expit(scores.logits[:, :, scores.classes.index(label)])
            self.selection = class_detections(probability, scores.clip_ids, label, threshold, scores.frame_times)
            peaks = probability.max(axis=1)
            annotated = None
            if self._events is not None:
                marked = set(self._events.loc[self._events["label"] == label, "clip_id"])
                annotated = np.array([clip_id in marked for clip_id in scores.clip_ids])
            self.overview.value = figure_to_png(threshold_figure(peaks, threshold, label=label, annotated=annotated))
            # The surest first: that is where a wrong pseudo-label does most harm.
            order = np.argsort(-peaks, kind="stable")
            self._order = [int(k) for k in order if peaks[k] > threshold]
            seconds = float((self.selection["offset"] - self.selection["onset"]).sum())
            self.count.value = (
                f"<b>{len(self.selection)}</b> events, {seconds:.1f} s, in <b>{len(self._order)}</b> of "
                f"{len(scores.clip_ids)} clips. The surest come first."
            )
            self.position.unobserve(self._show, "value")
            self.position.value = 0
            self.position.max = max(0, len(self._order) - 1)
            self.position.observe(self._show, "value")
            self._show()

    def _show(self, _change: object = None) -> None:
        with self.showing_errors():
            self.player.layout.display = "" if self._order else "none"
            if self._load is None or not self._order:
                return
            row = self._order[self.position.value]
            self.clip_id = self._scores.clip_ids[row]
            here = self.selection[self.selection["clip_id"] == self.clip_id]
            self.view = replace(self._load(self.clip_id), detections=here, pseudo=expit(self._scores.logits[row]))
            self.player.show_clip(self.view, classes=self._scores.classes)

    def _press(self, key: str) -> None:
        step = {"n": 1, "p": -1}[key]
        self.position.value = min(max(0, self.position.value + step), self.position.max)


def class_detections(
    probabilities: np.ndarray, clip_ids: Sequence[str], label: str, threshold: float, frame_times: np.ndarray
) -> pd.DataFrame:
    """Return the runs of frames above ``threshold`` of one class over many clips at once.

    Parameters
    ----------
    probabilities : (clips, frames) floats in [0, 1]
    frame_times : (frames + 1,) frame borders in seconds

    Returns
    -------
    DataFrame
        `clip_id, onset, offset, label`, by clip and onset.
    """
    active = np.asarray(probabilities) > threshold
    silence = np.zeros((len(active), 1), dtype=np.int8)
    steps = np.diff(np.concatenate([silence, active.astype(np.int8), silence], axis=1), axis=1)
    # Both come clip by clip and in time: the n-th start belongs to the n-th stop.
    clip, start = np.nonzero(steps == 1)
    _, stop = np.nonzero(steps == -1)
    frame_times = np.asarray(frame_times, dtype=float)
    ids = np.asarray(clip_ids, dtype=object)[clip]
    return pd.DataFrame({"clip_id": ids, "onset": frame_times[start], "offset": frame_times[stop], "label": label})
