"""What a corpus holds: clips by subset, events by class, and how the classes sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from sedlab.data.tables import Corpus
from sedlab.grid import SAMPLE_RATE
from sedlab.labels import CLASSES
from sedlab.views.figures.clips.spectrogram import draw_spectrogram
from sedlab.views.figures.style import (
    AMOUNT_CMAP,
    GROUND_TRUTH,
    LABEL_KIND_COLOUR,
    MUTED,
    SPECTROGRAM_CMAP,
    TICK_SIZE,
    Picture,
    class_name,
    empty_figure,
    label_axes,
    legend,
    new_figure,
    say_empty,
)

_LABEL_KIND_NAME = {
    "strong": "strong (times)",
    "soft": "soft (times, confidence)",
    "weak": "weak (clip level)",
    "none": "none",
}


def corpus_figure(corpus: Corpus, *, title: str = "Corpus") -> Picture:
    """Return clips per subset with their kind of annotation, and how many clips hold each class in each subset."""
    clips, events = corpus.clips, corpus.events
    if clips.empty:
        return empty_figure(title, "The corpus has no clips: prepare one first.")
    subsets = list(dict.fromkeys(clips["subset"]))
    present = set(events["label"])
    labels = [label for label in CLASSES if label in present]
    # AudioSet has hundreds of classes: the most frequent ones stand for them.
    others = [label for label in events["label"].value_counts().index if label not in CLASSES]
    labels += others[: max(0, 30 - len(labels))]

    figure = new_figure(5.2 + 0.32 * len(labels), 2.7 + 0.33 * len(subsets), title=title)
    left, right = figure.subplots(1, 2, width_ratios=[2.6, 1 + 0.32 * len(labels)], sharey=True)
    _draw_subsets(left, clips, subsets)
    _draw_classes(right, clips, events, subsets, labels)
    left.set_ylim(len(subsets) - 0.5, -0.5)
    return figure


def event_duration_figure(corpus: Corpus, *, title: str = "How long events last") -> Picture:
    """Return the middle half of event durations of each class: what a median filter must not swallow."""
    events = corpus.events.dropna(subset=["onset", "offset"])
    seconds = (events["offset"] - events["onset"]).groupby(events["label"])
    spread = seconds.quantile([0.25, 0.5, 0.75]).unstack().sort_values(0.5) if len(events) else pd.DataFrame()
    if spread.empty:
        return empty_figure(title, "No event has times here.")
    spread = spread.tail(40)
    figure = new_figure(7, 1.1 + 0.25 * len(spread))
    ax = figure.subplots()
    places = np.arange(len(spread))
    ax.hlines(places, spread[0.25], spread[0.75], color="#BBBBBB", linewidth=6, label="middle half")
    ax.plot(spread[0.5], places, "D", color=GROUND_TRUTH, markersize=5, label="median")
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.set_yticks(places, [class_name(label) for label in spread.index])
    label_axes(ax, title=title, x="Duration (s)", y="Class", grid="x")
    legend(ax, loc="lower right")
    return figure


def class_gallery_figure(
    examples: Sequence[tuple[str, np.ndarray]],
    *,
    sample_rate: int = SAMPLE_RATE,
    columns: int = 5,
    title: str = "One clip of each class",
) -> Picture:
    """Return a contact sheet of spectrograms, one for each (label, waveform (samples,))."""
    if not examples:
        return empty_figure(title, "No clips to show: prepare a corpus first.")
    columns = min(columns, len(examples))
    rows = -(-len(examples) // columns)
    figure = new_figure(2.15 * columns + 0.4, 1.2 * rows + 0.6, title=title)
    axes = figure.subplots(rows, columns, squeeze=False)
    same_duration = len({len(waveform) for _, waveform in examples}) == 1
    for place, ax in enumerate(axes.ravel()):
        if place >= len(examples):
            ax.set_axis_off()
            continue
        label, waveform = examples[place]
        image = draw_spectrogram(ax, waveform, sample_rate, num_mels=48)
        if image is not None:
            # A thumbnail is some 200 pixels wide: fewer tones show no less and halve the file.
            image.set_cmap(SPECTROGRAM_CMAP.resampled(20))
        at_bottom, at_left = place + columns >= len(examples), place % columns == 0
        ax.set_title(class_name(label), fontsize=TICK_SIZE, loc="left", pad=2)
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
    ax.barh(range(len(subsets)), amounts, color=[LABEL_KIND_COLOUR[kind] for kind in kinds], height=0.72)
    for place, (amount, count) in enumerate(zip(amounts, counts, strict=True)):
        ax.text(amount, place, f" {count:,}", va="center", fontsize=TICK_SIZE)
    ax.set_xlim(0, amounts.max() * 1.28 or 1)
    ax.set_yticks(range(len(subsets)), subsets)
    label_axes(ax, title="Audio and number of clips", x=f"Audio ({unit})", y="Subset", grid="x")
    ax.tick_params(axis="y", length=0)
    shown = {kind: name for kind, name in _LABEL_KIND_NAME.items() if kind in set(kinds)}
    handles = [Patch(color=LABEL_KIND_COLOUR[kind], label=name) for kind, name in shown.items()]
    ax.figure.legend(
        handles=handles,
        title="Annotation",
        title_fontsize=TICK_SIZE,
        fontsize=TICK_SIZE,
        ncols=2,
        loc="lower left",
        alignment="left",
        frameon=False,
    )


def _draw_classes(ax: Axes, clips: pd.DataFrame, events: pd.DataFrame, subsets: list[str], labels: list[str]) -> None:
    title = "Share of clips with the class (%)"
    if not labels:
        label_axes(ax, title=title, x="Class")
        say_empty(ax, "no annotation")
        return
    pairs = events[["subset", "clip_id", "label"]].drop_duplicates()
    counts = pairs.groupby(["subset", "label"]).size().unstack(fill_value=0).reindex(index=subsets, columns=labels)
    sizes = clips.groupby("subset").size().reindex(subsets)
    percent = 100 * counts.div(sizes, axis=0).to_numpy(float)
    ax.imshow(np.nan_to_num(percent), cmap=AMOUNT_CMAP, vmin=0, vmax=60, aspect="auto", interpolation="nearest")
    for (row, column), value in np.ndenumerate(percent):
        if np.isfinite(value) and value >= 0.5:
            colour = "white" if value > 25 else "black"
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color=colour)
    for row, subset in enumerate(subsets):
        if not counts.loc[subset].any():
            ax.text(0, row, "no annotation", va="center", fontsize=TICK_SIZE, color=MUTED)
    label_axes(ax, title=title, x="Class")
    ax.set_xticks(range(len(labels)), [class_name(label) for label in labels], rotation=40, ha="right")
    ax.tick_params(length=0)
    ax.tick_params(axis="y", labelleft=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
