"""A widget to turn the threshold of a class and hear what the pseudo-labels call an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import ipywidgets as widgets
import numpy as np
import pandas as pd
from scipy.special import expit

from sedlab.errors import count_of
from sedlab.postprocess.decode import active_runs
from sedlab.scoring.names import class_name
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views.explorers.pager import ClipPager
from sedlab.views.explorers.panel import RUN_FIRST, dropdown, picture
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.pseudo_labels import threshold_figure


class PseudoLabelInspector(ClipPager):
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
        super().__init__(scores.classes if scores else ())
        self._scores, self._load, self._events = scores, load, events
        self.selection = pd.DataFrame(columns=["clip_id", "onset", "offset", "label"])
        self.clip_id = ""
        self._order = np.zeros(0, dtype=int)

        self.label = dropdown("Class", self._classes, spell=class_name)
        self.threshold = widgets.FloatSlider(
            description="Threshold", value=0.5, min=0.02, max=0.98, step=0.02, continuous_update=False
        )
        self.count = widgets.HTML()
        self.overview = picture()
        clip_part = [self.position, self.player] if load else []
        self.arrange([self.label, self.threshold], [self.overview, self.count, *clip_part])
        if scores is None or not scores.clip_ids:
            self.say_empty("There are no pseudo-labels to show.", remedy)
            return
        self.on_change(self._detect, self.label, self.threshold)
        self.run(self._detect)

    def view_at(self, place: int) -> ClipView | None:
        if self._load is None:
            return None
        row = self._order[place]
        self.clip_id = self._scores.clip_ids[row]
        here = self.selection[self.selection["clip_id"] == self.clip_id]
        return replace(self._load(self.clip_id), detections=here, pseudo=expit(self._scores.logits[row]))

    def _detect(self) -> None:
        label, threshold, scores = self.label.value, self.threshold.value, self._scores
        probability = expit(scores.logits[:, :, scores.classes.index(label)])
        self.selection = class_detections(probability, scores.clip_ids, label, threshold, scores.frame_times)
        peaks, annotated = probability.max(axis=1), None
        if self._events is not None:
            annotated = np.isin(scores.clip_ids, self._events.loc[self._events["label"] == label, "clip_id"])
        self.overview.value = figure_to_png(threshold_figure(peaks, threshold, label=label, annotated=annotated))
        # The surest first: that is where a wrong pseudo-label does most harm.
        order = np.argsort(-peaks, kind="stable")
        self._order = order[peaks[order] > threshold]
        seconds = float((self.selection["offset"] - self.selection["onset"]).sum())
        self.count.value = (
            f"<b>{count_of(len(self.selection), 'event')}</b>, {seconds:.1f} s, in <b>{len(self._order)}</b> of "
            f"{count_of(len(scores.clip_ids), 'clip')}. The surest come first."
        )
        self.start(len(self._order))


def class_detections(
    probabilities: np.ndarray, clip_ids: Sequence[str], label: str, threshold: float, frame_times: np.ndarray
) -> pd.DataFrame:
    """Return the runs of frames above ``threshold`` of one class over many clips at once, by clip and onset.

    ``probabilities`` (clips, frames) are in [0, 1], ``frame_times`` (frames + 1,) frame borders in seconds.
    """
    clip, start, stop = active_runs(np.asarray(probabilities) > threshold)
    frame_times = np.asarray(frame_times, dtype=float)
    ids = np.asarray(clip_ids, dtype=object)[clip]
    return pd.DataFrame({"clip_id": ids, "onset": frame_times[start], "offset": frame_times[stop], "label": label})
