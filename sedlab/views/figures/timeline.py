"""Where the wall-clock time of a run went."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sedlab.views.figures import frame, marks, style

#: A gap longer than this part of all work is a pause between two calls, not a part of the run.
PAUSE = 0.1


def wall_time_figure(manifests: pd.DataFrame, *, title: str = "Wall-clock time") -> frame.Picture:
    """Return a bar for each step of a run, from its start to its end, coloured by model.

    ``manifests`` has `node` (name of the step, which may contain the model's), `seconds`, and optionally `started`
    (date and time, or seconds). Without `started` the bars follow one another in row order. Where a run was resumed
    later, the pause is left out.
    """
    table = manifests.dropna(subset=["seconds"]) if "seconds" in manifests else manifests.iloc[:0]
    if table.empty:
        return frame.empty_figure(title, "No finished step yet: run the experiment first.")
    seconds = table["seconds"].to_numpy(float)
    start, paused = _without_pauses(_starts(table, seconds), seconds)
    order = np.argsort(start, kind="stable")
    total = float((start + seconds).max())
    unit, scale = _unit(total)

    work = f"{_spoken(total)} from start to end, {_spoken(seconds.sum())} of work"
    work += f", {_spoken(paused)} of pauses left out" if paused else ""
    x = f"Time since the start ({unit})"
    figure, ax = frame.single(9, 1.1 + 0.25 * len(table), title=f"{title}: {work}", x=x, y="Step", grid="x")
    nodes = [str(table["node"].iloc[row]) for row in order]
    for place, (node, row) in enumerate(zip(nodes, order, strict=True)):
        colour = style.MODEL_LOOK.get(style.model_in(node), style.OTHER_LOOK)["color"]
        ax.barh(place, seconds[row] / scale, left=start[row] / scale, color=colour, height=0.72)
    marks.write_beside(ax, (start + seconds)[order] / scale, [_spoken(seconds[row]) for row in order])
    frame.name_rows(ax, [node.replace("/", " · ") for node in nodes], downwards=True)
    ax.set_xlim(0, total / scale * 1.1 or 1)
    return figure


def _starts(table: pd.DataFrame, seconds: np.ndarray) -> np.ndarray:
    """Return the start of each step in seconds after the first."""
    if "started" not in table or table["started"].isna().any():
        return np.concatenate([[0.0], np.cumsum(seconds)[:-1]])
    started = table["started"]
    if not pd.api.types.is_numeric_dtype(started):
        started = pd.to_datetime(started, utc=True, format="ISO8601")
    after = started - started.min()
    return (after / pd.Timedelta(seconds=1) if after.dtype.kind == "m" else after).to_numpy(float)


def _without_pauses(start: np.ndarray, seconds: np.ndarray) -> tuple[np.ndarray, float]:
    """Return starts with every long time in which nothing ran taken out, and how much that was."""
    order = np.argsort(start, kind="stable")
    busy_until = np.maximum.accumulate(np.append(0.0, (start + seconds)[order]))[:-1]
    gaps = start[order] - busy_until
    paused = np.cumsum(np.where(gaps > PAUSE * seconds.sum(), gaps, 0.0))
    shifted = np.empty(len(start))
    shifted[order] = start[order] - paused
    return shifted, float(paused[-1])


def _unit(total: float) -> tuple[str, float]:
    if total < 180:
        return "s", 1.0
    return ("min", 60.0) if total < 3 * 3600 else ("h", 3600.0)


def _spoken(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
