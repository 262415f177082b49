"""What a check found in pictures: how complete the sets are, how long and how loud their clips, which classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from sedlab.scoring.names import class_names
from sedlab.views.figures import frame, marks, style

#: Of AudioSet's hundreds of classes the most frequent stand for all.
MOST_CLASSES = 40
#: Seconds, or decibels: what lies outside is drawn at the end.
_SECONDS = np.arange(0, 12.5, 0.5)
_DECIBEL = np.arange(-90, 3, 3)


def found_figure(sets: pd.DataFrame, *, title: str = "Clips found, of those expected") -> frame.Picture:
    """Return a bar a set: the share of the expected clips that is there.

    ``sets`` has subset, group, found, named (by its table) and published; the larger of the last two is expected.
    """
    table = sets[(sets["found"] > 0) | (sets["named"] > 0)]
    if table.empty:
        return frame.empty_figure(title, "There is no set here.")
    published = table["published"].astype(float).fillna(0).to_numpy()
    expected = np.maximum(table["named"].to_numpy(float), published)
    share = 100 * table["found"].to_numpy(float) / expected
    figure, ax = frame.single(8, 1.1 + 0.27 * len(table), title=title, x="Share (%)", y="Set", grid="x")
    places = np.arange(len(table))
    ax.barh(places, 100, color="#EEEEEE", height=0.72)
    ax.barh(places, share, color=[style.GROUP_COLOUR.get(group, style.MUTED) for group in table["group"]], height=0.72)
    told = [f"{found:,} of {total:,.0f}" for found, total in zip(table["found"], expected, strict=True)]
    marks.write_beside(ax, np.full(len(table), 100.0), told)
    frame.name_rows(ax, list(table["subset"]), downwards=True)
    ax.set_xlim(0, 128)
    ax.set_xticks(range(0, 101, 20))
    return figure


def durations_figure(clips: pd.DataFrame, *, title: str = "Durations of clips") -> frame.Picture:
    """Return a histogram of `duration` (s) for each set; ``clips`` has subset and duration."""
    return _histograms(clips, "duration", _SECONDS, x="Duration (s)", title=title)


def levels_figure(clips: pd.DataFrame, *, title: str = "Levels of clips") -> frame.Picture:
    """Return a histogram of levels for each set; ``clips`` has subset and rms (root mean square, 1: full scale)."""
    level = 20 * np.log10(np.maximum(clips["rms"].astype(float), 1e-6))
    return _histograms(clips.assign(level=level), "level", _DECIBEL, x="Level (dB of full scale)", title=title)


def class_counts_figure(events: pd.DataFrame, *, title: str = "Labels in the tables") -> frame.Picture:
    """Return the number of rows by class and set; ``events`` has subset and label."""
    if events.empty:
        return frame.empty_figure(title, "No table has a label.")
    counts = events.groupby(["label", "subset"], sort=False).size().unstack(fill_value=0)
    counts = counts[list(dict.fromkeys(events["subset"]))]
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    if len(order) > MOST_CLASSES:
        title += f": the {MOST_CLASSES} most frequent of {len(order)} classes"
    counts = counts.loc[order[:MOST_CLASSES]].replace(0, np.nan)
    width, height = 3.2 + 0.62 * counts.shape[1], 1.6 + 0.22 * len(counts)
    figure, ax = frame.single(max(6.5, width), height, title=title, x="Set", y="Class")
    norm = LogNorm(1, max(10, counts.to_numpy(dtype=float, na_value=0).max()))
    names = class_names(counts.index)
    drawn = marks.coloured_table(ax, counts, norm, lambda n: f"{n:,.0f}", rows=names, columns=list(counts))
    marks.colour_bar(drawn, "Rows", shrink=0.8)
    return figure


def _histograms(clips: pd.DataFrame, column: str, bins: np.ndarray, *, x: str, title: str) -> frame.Picture:
    """Draw a row of bars for each set; heights are logarithms, as one clip among thousands is what is looked for."""
    sets = {name: part[column].dropna() for name, part in clips.groupby("subset", sort=False)}
    sets = {name: values for name, values in sets.items() if len(values)}
    if not sets:
        return frame.empty_figure(title, "There is no clip that can be read.")
    figure, ax = frame.single(8, 1.2 + 0.42 * len(sets), title=title, x=x, y="Set", grid="x")
    names = list(sets)
    for place, name in enumerate(reversed(names)):
        values = np.clip(sets[name].to_numpy(float), bins[0], bins[-1] - 1e-9)
        counts, _ = np.histogram(values, bins)
        heights = 0.85 * np.log1p(counts) / np.log1p(counts.max())
        ax.bar(bins[:-1], heights, np.diff(bins), bottom=place - 0.4, align="edge", color=style.STUDENT)
        ax.axhline(place - 0.4, color="#CCCCCC", linewidth=0.6)
        commonest = bins[counts.argmax()]
        for start, count, height in zip(bins, counts, heights, strict=False):
            # Few bars are numbered: the highest, and those of a handful of clips.
            if count and (start == commonest or count < 10):
                where = (start + (bins[1] - bins[0]) / 2, place - 0.4 + height)
                ax.annotate(f"{count:,}", where, ha="center", fontsize=6, color=style.NUMBER)
    frame.name_rows(ax, [f"{name} ({len(sets[name]):,})" for name in reversed(names)])
    ax.set_ylim(-0.5, len(names) - 0.3)
    ax.set_xlim(bins[0], bins[-1])
    return figure
