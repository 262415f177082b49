"""PSDS from one event and one detection up. Every verdict is that of the metric itself (`sedlab.scoring.metrics`)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sedlab.scoring.metrics.by_hand import counted_by_hand
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, SECONDS_PER_HOUR, PsdsResult, Scenario, psds
from sedlab.scoring.metrics.spread import class_spread
from sedlab.scoring.names import class_name
from sedlab.views.figures import frame, style
from sedlab.views.figures.lessons.overlap import overlap

SCENARIOS: Mapping[str, Scenario] = {"PSDS1": PSDS1, "PSDS2": PSDS2}
Span = tuple[float, float]
_LABEL = "Dog"
_LINES = {"PSDS1": "-", "PSDS2": "--"}


def verdict(event: Span, detection: Span, scenario: Scenario) -> str:
    """Return what the metric says of an event and a detection, alone in their recording.

    "hit"; "false alarm": too little of the detection lies on the event; "neither": the detection lies on the event but
    covers too little of it, which is no mistake of the detection, and the event is not found.
    """
    events = pd.DataFrame([(_LABEL, *event)], columns=["label", "onset", "offset"])
    found = pd.DataFrame([(_LABEL, *detection, 1.0)], columns=["label", "onset", "offset", "score"])
    end = max(event[1], detection[1]) + 1.0
    hits, false_alarms = counted_by_hand(events, found, end).counts_at(scenario, 0.5)
    return "hit" if hits.sum() else "false alarm" if false_alarms.sum() else "neither"


def overlap_verdict_figure(event: Span, detection: Span, *, title: str = "One event, one detection") -> frame.Picture:
    """Return an event and a detection (onset, offset in seconds), both overlap ratios, and what each scenario says."""
    figure = frame.new_figure(9, 2.7, title=title)
    ax, bars = figure.subplots(1, 2, width_ratios=[1.5, 1])
    frame.label_axes(ax, x="Time (s)")
    for place, (span, colour) in enumerate(((detection, style.DETECTION), (event, style.GROUND_TRUTH))):
        ax.broken_barh([(span[0], span[1] - span[0])], (place - 0.3, 0.6), facecolor=colour)
    shared = max(event[0], detection[0]), min(event[1], detection[1])
    if shared[0] < shared[1]:
        ax.axvspan(*shared, color=style.MUTED, alpha=0.25, lw=0)
        middle = sum(shared) / 2
        ax.annotate(f"{shared[1] - shared[0]:.2f} s\nshared", (middle, 0.5), ha="center", va="center", fontsize=7)
    frame.name_rows(ax, ["Detection", "Event"], margin=0.7)
    ax.set_xlim(min(event[0], detection[0]) - 0.5, max(event[1], detection[1]) + 0.5)

    parts = overlap(detection, event)
    ratios = parts.of_detection, parts.of_event
    verdicts = [f"{name}: {verdict(event, detection, rule)}" for name, rule in SCENARIOS.items()]
    frame.label_axes(bars, title=", ".join(verdicts), x="Ratio")
    looks = ({"color": style.GROUND_TRUTH}, {"color": style.DETECTION})
    for place, (ratio, look) in enumerate(zip(reversed(ratios), looks, strict=True)):
        bars.barh(place, ratio, height=0.5, **look)
        bars.annotate(f"{ratio:.2f}", (ratio, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    for name, rule in SCENARIOS.items():
        bars.axvline(rule.dtc_threshold, color=style.PSEUDO_LABEL, lw=1.4, ls=_LINES[name], label=f"asked by {name}")
    frame.name_rows(bars, ["Event covered (GTC)", "Detection on event (DTC)"], margin=0.7)
    bars.set_xlim(0, 1.12)
    frame.legend(bars, loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=2, frameon=False)
    return figure


def lateness_figure(
    durations: Sequence[float] = (0.4, 2.0, 8.0), *, title: str = "The same detection, later and later"
) -> frame.Picture:
    """Return how much of an event a detection of its own length still covers when it comes late.

    A line for each event duration in seconds. A dot marks the last moment at which each scenario calls it a hit.
    """
    figure, ax = frame.single(7.6, 3.6, title=title, x="Too late by (s)", y="Both ratios (DTC and GTC)", grid="both")
    late = np.linspace(0, 2, 201)
    for k, seconds in enumerate(durations):
        ratios = [overlap((shift, shift + seconds), (0, seconds)).of_detection for shift in late]
        look = {"color": style.class_colour(k), "ls": style.DASHES[k % len(style.DASHES)]}
        ax.plot(late, ratios, lw=1.8, label=f"event of {seconds:g} s", **look)
        for rule in SCENARIOS.values():
            # Once too late, always too late.
            place = bisect_left(
                late, True, key=lambda shift: verdict((0, seconds), (shift, shift + seconds), rule) != "hit"
            )
            if place < len(late):
                last, asked = late[place - 1], rule.dtc_threshold
                ax.plot(last, overlap((last, last + seconds), (0, seconds)).of_detection, "o", **look)
                ax.annotate(f"{last:.2f} s", (last, asked), (5, 3), textcoords="offset points", fontsize=7)
    for name, rule in SCENARIOS.items():
        ax.axhline(rule.dtc_threshold, color=style.PSEUDO_LABEL, lw=1.2, ls=_LINES[name], label=f"asked by {name}")
    ax.set(xlim=(0, late[-1]), ylim=(0, 1.02))
    frame.legend_beside(ax)
    return figure


def curve_growth_figure(
    events: pd.DataFrame,
    detections: pd.DataFrame,
    duration: float,
    *,
    scenario: Scenario = PSDS1,
    title: str = "The curve grows as the threshold falls",
) -> frame.Picture:
    """Return detections of one class on a time line, and its PSD-ROC curve after each of them is let in.

    Parameters
    ----------
    events : DataFrame
        label, onset, offset (seconds); one class.
    detections : DataFrame
        label, onset, offset (seconds), score.
    duration : float
        Of the recording in seconds: one false alarm in it is 3600 / duration an hour.
    """
    levels = sorted(detections["score"].unique(), reverse=True)
    count = len(levels)
    columns = min(3, count)
    rows = -(-count // columns)
    figure = frame.new_figure(9.6, 1.9 + 1.75 * rows, title=title)
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[0.9, *[1.0] * rows])
    _draw_detections(figure.add_subplot(grid[0, :]), events, detections, duration)
    previous: tuple[float, float] = (0.0, 0.0)
    for place, level in enumerate(levels):
        ax = figure.add_subplot(grid[1 + place // columns, place % columns])
        counted = counted_by_hand(events, detections[detections["score"] >= level], duration)
        result = psds(counted, scenario)
        hits, false = (int(part.sum()) for part in counted.counts_at(scenario, level - 1e-6))
        rate = false * SECONDS_PER_HOUR / duration
        frame.label_axes(ax, grid="both")
        ax.set_title(
            f"down to {level:g}: {hits} found,\n{rate:.0f} false an hour", fontsize=style.TICK_SIZE, loc="left"
        )
        draw_curve(ax, result.curve.efpr, result.curve.etpr, scenario.max_efpr, color=style.STUDENT)
        corner = (rate, hits / len(events))
        if rate <= scenario.max_efpr:
            ax.annotate("", corner, previous, arrowprops={"arrowstyle": "->", "color": style.PSEUDO_LABEL, "lw": 1.4})
            previous = corner
        ax.text(0.97, 0.05, f"PSDS {result.overall:.2f}", transform=ax.transAxes, ha="right", fontsize=style.TICK_SIZE)
    figure.supxlabel("Effective false positives (per hour)", fontsize=style.LABEL_SIZE)
    figure.supylabel("Part of the events found", fontsize=style.LABEL_SIZE)
    return figure


def class_spread_figure(
    results: Mapping[str, PsdsResult],
    *,
    scenario: Scenario = PSDS1,
    title: str = "From classes to one number: mean minus spread",
) -> frame.Picture:
    """Return the curve of each class (thin), their mean, and the mean minus their spread, whose area PSDS is.

    A panel for each of ``results``, {name: PsdsResult}, that has a curve.
    """
    results = {name: result for name, result in results.items() if result.class_curves}
    if not results:
        return frame.empty_figure(title, "No scores to show: evaluate a model first.")
    size = (4.3, 3.3)
    figure, axes = frame.panels(len(results), 3, size, margins=(0.4, 0.8), title=title, sharex=True, sharey=True)
    for ax, (name, result) in zip(axes, results.items(), strict=True):
        both = class_spread(result.class_curves, scenario)
        frame.label_axes(ax, grid="both")
        ax.set_title(f"{name}: {both.mean_area:.2f} − spread = {both.psds:.2f}", fontsize=style.LABEL_SIZE, loc="left")
        for label, curve in result.class_curves.items():
            draw_curve(ax, curve.efpr, curve.etpr, scenario.max_efpr, color="#AAAAAA", lw=0.8, fill=False)
            end = curve.etpr[-1] if len(curve.etpr) else 0.0
            if end <= min(c.etpr[-1] for c in result.class_curves.values()):
                ax.annotate(
                    f"worst: {class_name(label)}",
                    (scenario.max_efpr, end),
                    (-3, 3),
                    textcoords="offset points",
                    ha="right",
                    fontsize=7,
                    color=style.MUTED,
                )
        ax.step(both.efpr, both.mean, where="post", color=style.STUDENT, lw=1.8, ls="--", label="mean of classes")
        ax.step(both.efpr, both.effective, where="post", color=style.GROUND_TRUTH, lw=2.2, label="mean minus spread")
        ax.fill_between(
            both.efpr,
            both.effective,
            both.mean,
            step="post",
            facecolor="none",
            edgecolor=style.PSEUDO_LABEL,
            hatch="///",
            lw=0,
            label="taken off",
        )
    frame.figure_legend(figure, *axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    figure.supxlabel("Effective false positives (per hour)", fontsize=style.LABEL_SIZE)
    figure.supylabel("True positive ratio", fontsize=style.LABEL_SIZE)
    return figure


def draw_curve(
    ax: Axes, rates: np.ndarray, ratios: np.ndarray, max_efpr: float, *, color: str, lw: float = 1.8, fill: bool = True
) -> None:
    """Draw a staircase from no false alarm to ``max_efpr``, and the area under it."""
    x = np.concatenate(([0.0], rates[rates <= max_efpr], [max_efpr]))
    inside = ratios[rates <= max_efpr]
    y = np.concatenate(([0.0], inside, [inside[-1] if len(inside) else 0.0]))
    ax.step(x, y, where="post", color=color, lw=lw)
    if fill:
        ax.fill_between(x, y, step="post", color=color, alpha=0.15, lw=0)
    ax.set(xlim=(0, max_efpr), ylim=(0, 1.02))


def _draw_detections(ax: Axes, events: pd.DataFrame, detections: pd.DataFrame, duration: float) -> None:
    """Draw events above, and detections below with their scores."""
    frame.label_axes(ax, x="Time (s)")
    ax.broken_barh(
        list(zip(events["onset"], events["offset"] - events["onset"], strict=True)),
        (0.7, 0.6),
        color=style.GROUND_TRUTH,
    )
    for row in detections.itertuples():
        ax.broken_barh([(row.onset, row.offset - row.onset)], (-0.3, 0.6), color=style.DETECTION)
        ax.annotate(f"{row.score:g}", ((row.onset + row.offset) / 2, -0.35), ha="center", va="top", fontsize=7)
    frame.name_rows(ax, ["Detection, score", "Event"], margin=0.75)
    ax.set_xlim(0, duration)
