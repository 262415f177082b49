"""What a detector found in a recording of any length: spectrogram and event rolls, in rows like lines of text.

Shape letters: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from sedlab.views.figures import frame, style
from sedlab.views.figures.clips import tracks
from sedlab.views.figures.clips.overview import Overview
from sedlab.views.figures.clips.spectrogram import draw_log_mel

#: Possible lengths of a row (s), with the distance of its ticks. The shortest is taken that gives at most `MAX_ROWS`.
ROW_SECONDS = {60: 5, 120: 10, 180: 15, 300: 30, 600: 60, 900: 60, 1800: 120, 3600: 300}
MAX_ROWS = 10
#: Below a row stand at most so many classes, those that sound longest.
MAX_CLASSES = 40
_ONE_ROW = min(ROW_SECONDS)
_WIDTH = 11.0
#: More score columns than dots would only be drawn over each other.
_MAX_SCORE_COLUMNS = 2000
#: An event that is a thousandth of its row must still be seen.
_MIN_DOTS = 1.5


def detections_figure(
    overview: Overview,
    events: pd.DataFrame,
    *,
    probabilities: np.ndarray | None = None,
    frame_times: np.ndarray | None = None,
    classes: Sequence[str] = (),
    title: str = "",
    note: str = "",
) -> frame.Picture:
    """Return the spectrogram of a recording with the events found in it below.

    Up to a minute is one row; longer recordings are broken into rows of a minute, at most ten, beyond that into longer
    rows. Below each row stand the classes that occur in it, at most 40.

    Parameters
    ----------
    overview : Overview
        `waveform_overview` of a waveform, or `log_mel_overview` of a stream.
    events : DataFrame
        `onset`, `offset` (s), `label`; with `confidence` (0 to 1) surer events are darker.
    probabilities : (T, C) float, optional
        Drawn as a strip under the events of each class; needs ``frame_times`` (T + 1,) in seconds and ``classes``.
    note : str
        How the events were found; stands beside the legend.
    """
    spans = row_spans(overview.duration)
    shown = [_within(events, start, end) for start, end in spans]
    labels = [_labels(table, classes) for table in shown]
    spectrogram_inches = 2.3 if len(spans) == 1 else 1.25
    heights = [inches for names in labels for inches in (spectrogram_inches, tracks.ROW_HEIGHT * max(1, len(names)))]
    figure = frame.new_figure(_WIDTH, sum(heights) + 0.35 * len(spans) + 0.9, title=title)
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    figure.get_layout_engine().set(h_pad=0.02, hspace=0)
    time_label, clock = _clock(overview.duration)
    # The last row is as wide as the others, so that a second is as long everywhere.
    length = spans[0][1] - spans[0][0]
    for row, (start, end) in enumerate(spans):
        above, below = axes[2 * row], axes[2 * row + 1]
        limits = (start, start + length)
        frame.label_axes(above, y="Frequency (kHz)")
        draw_log_mel(above, *overview.between(start, end), overview.sample_rate)
        _draw_roll(below, shown[row], labels[row], probabilities, frame_times, classes, limits)
        for ax in (above, below):
            ax.set_xlim(limits)
            if len(spans) > 1:
                ax.xaxis.set_major_locator(MultipleLocator(ROW_SECONDS.get(length, length / 6)))
        above.tick_params(labelbottom=False)
        below.xaxis.set_major_formatter(clock)
    axes[-1].set_xlabel(time_label, fontsize=style.LABEL_SIZE)
    with_scores = probabilities is not None and frame_times is not None
    _explain(figure, with_confidence="confidence" in events, with_scores=with_scores, note=note)
    return figure


def row_spans(duration: float) -> list[tuple[float, float]]:
    """Return start and end (s) of each row that a recording of ``duration`` seconds is broken into."""
    if duration <= _ONE_ROW:
        return [(0.0, duration)]
    hours = float(np.ceil(duration / MAX_ROWS / 3600)) * 3600
    length = next((length for length in ROW_SECONDS if length * MAX_ROWS >= duration), hours)
    return [(float(start), min(start + length, duration)) for start in np.arange(0, duration, length)]


def _explain(figure: frame.Picture, *, with_confidence: bool, with_scores: bool, note: str) -> None:
    """Say below the rows what bars and strips are, and how the events were found."""
    keys = [Patch(color=style.DETECTION, label="event" + ", the surer the darker" * with_confidence)]
    if with_scores:
        shades = [
            Patch(facecolor=style.SCORE_CMAP(value), edgecolor=style.MUTED, linewidth=0.4) for value in (0.0, 0.5, 1.0)
        ]
        keys.append(tuple(shades))
    names = [keys[0].get_label(), "score of the class in each frame: 0, 0.5, 1"][: len(keys)]
    options = {
        "loc": "outside lower left",
        "ncols": 2,
        "title": fill(note.replace("$", r"\$"), 150),
        "alignment": "left",
    }
    shared = {"title_fontsize": style.TICK_SIZE, "handler_map": {tuple: HandlerTuple(ndivide=None, pad=0)}}
    frame.figure_legend(figure, keys, names, **options, **shared)


def _within(events: pd.DataFrame, start: float, end: float) -> pd.DataFrame:
    """Return the parts of ``events`` that lie between ``start`` and ``end``."""
    part = events[(events["offset"] > start) & (events["onset"] < end)]
    return part.assign(onset=part["onset"].clip(start, end), offset=part["offset"].clip(start, end))


def _labels(events: pd.DataFrame, classes: Sequence[str]) -> list[str]:
    seconds = (events["offset"] - events["onset"]).groupby(events["label"]).sum()
    present = set(seconds.nlargest(MAX_CLASSES).index)
    return [label for label in classes if label in present] + sorted(present - set(classes))


def _draw_roll(
    ax: Axes,
    events: pd.DataFrame,
    labels: list[str],
    probabilities: np.ndarray | None,
    frame_times: np.ndarray | None,
    classes: Sequence[str],
    limits: tuple[float, float],
) -> None:
    """Draw a row for each of ``labels``: events above, scores below."""
    frame.label_axes(ax)
    if not tracks.class_rows(ax, labels, "no event"):
        return
    with_scores = probabilities is not None and frame_times is not None
    if with_scores:
        columns = [list(classes).index(label) for label in labels]
        _draw_scores(ax, np.asarray(probabilities)[:, columns], frame_times, limits)
    shortest = (limits[1] - limits[0]) * _MIN_DOTS / (_WIDTH * ax.figure.dpi)
    height = 0.5 if with_scores else 0.76
    tracks.draw_events(ax, events, labels, style.DETECTION, top=-0.4, height=height, shortest=shortest)


def _draw_scores(ax: Axes, values: np.ndarray, frame_times: np.ndarray, limits: tuple[float, float]) -> None:
    """Draw the largest of neighbouring scores (T, rows) as a thin strip at the foot of each row."""
    # A frame that begins before the row reaches into it.
    first = np.searchsorted(frame_times, limits[0], side="right") - 1
    last = min(np.searchsorted(frame_times, limits[1]), len(frame_times) - 1)
    pool = int(np.ceil((last - first) / _MAX_SCORE_COLUMNS))
    joined = np.maximum.reduceat(values[first:last], np.arange(0, last - first, pool), axis=0).T
    rows = ax.get_ylim()
    for row, scores in enumerate(joined):
        extent = (frame_times[first], frame_times[last], row + 0.42, row + 0.14)
        tracks.draw_scores(ax, scores[None], style.SCORE_CMAP, extent)
    ax.set_ylim(rows)


def _clock(duration: float) -> tuple[str, Callable[[float, int], str]]:
    """Return label and tick formatter of a time axis: seconds up to a minute, then min:s, from an hour on h:min:s."""
    if duration <= _ONE_ROW:
        return "Time (s)", lambda seconds, _: f"{seconds:g}"

    def clock(seconds: float, _place: int) -> str:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02d}" if duration < 3600 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"

    return f"Time ({'min:s' if duration < 3600 else 'h:min:s'})", clock
