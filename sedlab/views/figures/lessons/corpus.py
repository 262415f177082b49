"""What a corpus holds: clips by subset, events by class, and how the classes sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from sedlab.data.tables import Corpus
from sedlab.grid import SAMPLE_RATE
from sedlab.scoring.names import class_name, class_names
from sedlab.views.figures import frame, marks, style
from sedlab.views.figures.clips.spectrogram import draw_spectrogram

_LABEL_KIND_NAME = {
    "strong": "strong (times)",
    "soft": "soft (times, confidence)",
    "weak": "weak (clip level)",
    "none": "none",
}


def corpus_figure(corpus: Corpus, *, title: str = "Corpus") -> frame.Picture:
    """Return clips per subset with their kind of annotation, and how many clips hold each class in each subset."""
    clips, events = corpus.clips, corpus.events
    if clips.empty:
        return frame.empty_figure(title, "The corpus has no clips: prepare one first.")
    subsets = list(dict.fromkeys(clips["subset"]))
    present = set(events["label"])
    labels = [label for label in corpus.classes if label in present]
    # AudioSet has hundreds of classes: the most frequent ones stand for them.
    others = [label for label in events["label"].value_counts().index if label not in corpus.classes]
    labels += others[: max(0, 30 - len(labels))]

    figure = frame.new_figure(5.2 + 0.32 * len(labels), 2.7 + 0.33 * len(subsets), title=title)
    left, right = figure.subplots(1, 2, width_ratios=[2.6, 1 + 0.32 * len(labels)], sharey=True)
    _draw_subsets(left, clips, subsets)
    _draw_classes(right, clips, events, subsets, labels)
    return figure


def event_duration_figure(corpus: Corpus, *, title: str = "How long events last") -> frame.Picture:
    """Return the middle half of event durations of each class: what a median filter must not swallow."""
    events = corpus.events.dropna(subset=["onset", "offset"])
    seconds = (events["offset"] - events["onset"]).groupby(events["label"])
    spread = seconds.quantile([0.25, 0.5, 0.75]).unstack().sort_values(0.5) if len(events) else pd.DataFrame()
    if spread.empty:
        return frame.empty_figure(title, "No event has times here.")
    spread = spread.tail(40)
    figure, ax = frame.single(7, 1.1 + 0.25 * len(spread), title=title, x="Duration (s)", y="Class", grid="x")
    places = np.arange(len(spread))
    ax.hlines(places, spread[0.25], spread[0.75], color="#BBBBBB", linewidth=6, label="middle half")
    ax.plot(spread[0.5], places, "D", color=style.GROUND_TRUTH, markersize=5, label="median")
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    frame.name_rows(ax, class_names(spread.index))
    frame.legend(ax, loc="lower right")
    return figure


def class_gallery_figure(
    examples: Sequence[tuple[str, np.ndarray]],
    *,
    sample_rate: int = SAMPLE_RATE,
    columns: int = 5,
    title: str = "One clip of each class",
) -> frame.Picture:
    """Return a contact sheet of spectrograms, one for each (label, waveform (samples,))."""
    if not examples:
        return frame.empty_figure(title, "No clips to show: prepare a corpus first.")
    figure, axes = frame.panels(len(examples), columns, (2.15, 1.2), margins=(0.4, 0.6), title=title)
    same_duration = len({len(waveform) for _, waveform in examples}) == 1
    for place, (ax, (label, waveform)) in enumerate(zip(axes, examples, strict=True)):
        image = draw_spectrogram(ax, waveform, sample_rate, num_mels=48)
        if image is not None:
            # A thumbnail is some 200 pixels wide: fewer tones show no less and halve the file.
            image.set_cmap(style.SPECTROGRAM_CMAP.resampled(20))
        at_bottom, at_left = place + columns >= len(examples), place % columns == 0
        ax.set_title(class_name(label), fontsize=style.TICK_SIZE, loc="left", pad=2)
        ax.tick_params(labelsize=6, length=2, labelbottom=at_bottom or not same_duration, labelleft=at_left)
        ax.set_xlabel("Time (s)" if at_bottom else "", fontsize=7)
        ax.set_ylabel("kHz" if at_left else "", fontsize=7)
    return figure


def _draw_subsets(ax: Axes, clips: pd.DataFrame, subsets: list[str]) -> None:
    groups = clips.groupby("subset")
    hours = groups["duration"].sum().reindex(subsets) / 3600
    counts = groups.size().reindex(subsets)
    kinds = groups["label_kind"].first().reindex(subsets)
    unit, scale = ("hours", 1.0) if hours.max() >= 1 else ("minutes", 60.0)
    amounts = hours * scale
    frame.label_axes(ax, title="Audio and number of clips", x=f"Audio ({unit})", y="Subset", grid="x")
    ax.barh(range(len(subsets)), amounts, color=[style.LABEL_KIND_COLOUR[kind] for kind in kinds], height=0.72)
    marks.write_beside(ax, amounts, [f"{count:,}" for count in counts])
    frame.name_rows(ax, subsets, downwards=True, margin=0.5)
    ax.set_xlim(0, amounts.max() * 1.28 or 1)
    shown = {kind: name for kind, name in _LABEL_KIND_NAME.items() if kind in set(kinds)}
    handles = [Patch(color=style.LABEL_KIND_COLOUR[kind]) for kind in shown]
    options = {"title": "Annotation", "title_fontsize": style.TICK_SIZE, "ncols": 2, "alignment": "left"}
    frame.figure_legend(ax.figure, handles, list(shown.values()), loc="lower left", **options)


def _draw_classes(ax: Axes, clips: pd.DataFrame, events: pd.DataFrame, subsets: list[str], labels: list[str]) -> None:
    frame.label_axes(ax, title="Share of clips with the class (%)", x="Class")
    if not labels:
        frame.say_empty(ax, "no annotation")
        return
    pairs = events[["subset", "clip_id", "label"]].drop_duplicates()
    counts = pairs.groupby(["subset", "label"]).size().unstack(fill_value=0).reindex(index=subsets, columns=labels)
    percent = 100 * counts.div(clips.groupby("subset").size(), axis=0).loc[subsets]
    norm, names = Normalize(0, 60), class_names(labels)
    marks.coloured_table(ax, percent, norm, lambda p: f"{p:.0f}" if p >= 0.5 else "", rows=subsets, columns=names)
    for row in np.flatnonzero(~counts.any(axis=1)):
        ax.text(0, row, "no annotation", va="center", fontsize=style.TICK_SIZE, color=style.MUTED)
    ax.tick_params(axis="y", labelleft=False)
