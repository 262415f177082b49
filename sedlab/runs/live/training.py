"""A training under way: written down in the run folder for others, and shown to who sits here.

A person before a notebook sees curves that grow and has a button; a program that executes the notebook, and a plain
Python process, get a line of text now and then.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sedlab.runs.live.rows import Row, ThinRows, add_rows, begin_rows, short_row
from sedlab.runs.progress import NodeProgress, request_stop, rows_file, stop_file, write_progress
from sedlab.system.frontend import person_present

if TYPE_CHECKING:
    from sedlab.training.watch import Glance
    from sedlab.views.figures.frame import Picture

#: A line of text for each part of the steps, but none sooner after another than that, and one after so long anyway.
_LINE_SHARE = 0.1
_LINE_SECONDS = (5.0, 600.0)


class Shown(Protocol):
    """What shows a training."""

    def show(self, state: NodeProgress, rows: list[Row]) -> None:
        """Show how far it is, and new rows of its history."""

    def end(self, message: str, rows: list[Row]) -> None:
        """Show how it ended, "" if well; ``rows`` are all there are."""


class TrainingLog:
    """Takes glances at a training (a `Watch`), writes them to the run folder, and has them shown."""

    def __init__(self, run_folder: Path, node: str, shown: Shown) -> None:
        self._folder, self._node, self._shown = run_folder, node, shown
        self._thin: ThinRows | None = None
        self.rows: list[Row] = []

    def __call__(self, glance: Glance) -> None:
        """Write down and show how the training is."""
        path, is_first = rows_file(self._folder, self._node), self._thin is None
        if self._thin is None:
            self._thin = ThinRows(glance.total_steps)
        rows = self._thin.add(glance.rows)
        if glance.validation:
            rows.append(short_row(glance.validation))
        if glance.doing in ("finished", "stopped"):
            rows += self._thin.rest()
        (begin_rows if is_first else add_rows)(path, rows)
        self.rows += rows
        state = NodeProgress(
            what="step",
            done=glance.step,
            total=glance.total_steps,
            time=time.time(),
            doing=glance.doing,
            epoch=glance.epoch,
            epochs=glance.epochs,
            seconds_left=glance.seconds_left,
            steps_per_second=glance.steps_per_second,
            clips_per_second=glance.clips_per_second,
        )
        write_progress(self._folder, self._node, state)
        self._shown.show(state, rows)


class Lines:
    """Prints a line now and then, and in a notebook the curves at the end."""

    def __init__(self, node: str) -> None:
        self._node, self._shown_at, self._next_share = node, time.monotonic(), _LINE_SHARE
        self._losses: list[float] = []
        self._validation: Row = {}

    def show(self, state: NodeProgress, rows: list[Row]) -> None:
        """Print how far it is, if it is time for that."""
        for row in rows:
            if "loss/total" in row:
                self._losses.append(row["loss/total"])
            self._validation = row if "val/objective" in row else self._validation
        share, waited = state.done / max(1, state.total), time.monotonic() - self._shown_at
        least, most = _LINE_SECONDS
        is_due = (share >= self._next_share and waited >= least) or waited >= most
        if state.doing == "training" and is_due and state.done < state.total:
            self._print(state)
            self._next_share = share + _LINE_SHARE

    def end(self, message: str, rows: list[Row]) -> None:
        """Say how it ended, and show the curves where there is a notebook to show them in."""
        steps = max((int(row["step"]) + 1 for row in rows), default=0)
        print(f"{self._node}: {message or f'all {steps} steps done'}; {self._results()}", flush=True)
        if rows and in_notebook():
            from IPython.display import display

            display(curves(self._node, rows))

    def _print(self, state: NodeProgress) -> None:
        self._shown_at = time.monotonic()
        print(f"{self._node}: {state}; {self._results()}", flush=True)

    def _results(self) -> str:
        losses, self._losses = self._losses, self._losses[-1:]
        parts = [f"loss {sum(losses) / len(losses):.3g}"] if losses else []
        if self._validation:
            parts.append(f"objective {self._validation['val/objective']:.3f}")
            if "val/teacher/objective" in self._validation:
                parts.append(f"teacher {self._validation['val/teacher/objective']:.3f}")
        return ", ".join(parts) or "nothing trained"


class LiveView:
    """Shows the curves in the browser, and hands its button on."""

    def __init__(self, run_folder: Path, node: str) -> None:
        from sedlab.views.explorers.live import LiveTraining
        from sedlab.views.kept import show_with_picture

        self._node = node
        self._widget = LiveTraining(node, on_stop=lambda: request_stop(run_folder, node))
        self._kept = show_with_picture(self._widget, _png(node, []))

    def show(self, state: NodeProgress, rows: list[Row]) -> None:
        """Send what is new."""
        self._widget.add(rows)
        self._widget.tell(state)

    def end(self, message: str, rows: list[Row]) -> None:
        """Say how it ended; the saved notebook keeps a picture of the curves."""
        self._widget.end(message)
        self._kept.update(_png(self._node, rows))


@contextmanager
def shown_training(run_folder: Path, node: str) -> Iterator[TrainingLog]:
    """Give the watch of a training that shows it to who sits here, and says how it ends, also with an error."""
    stop_file(run_folder, node).unlink(missing_ok=True)  # of a training that had ended before it could
    shown = LiveView(run_folder, node) if person_present() else Lines(node)
    log = TrainingLog(run_folder, node, shown)
    try:
        yield log
    except BaseException as error:
        shown.end(str(error).removeprefix(f"{node}: ") or type(error).__name__, log.rows)
        raise
    shown.end("", log.rows)


def curves(node: str, rows: list[Row]) -> Picture:
    """Return a picture of the rows of a training."""
    import pandas as pd

    from sedlab.views import learning_curves_figure

    return learning_curves_figure(pd.DataFrame(rows), title=node)


def in_notebook() -> bool:
    """Return whether what is displayed reaches a notebook, executed by a person or by a program."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython.get_ipython() if ipython else None, "kernel", None) is not None


def _png(node: str, rows: list[Row]) -> bytes:
    from sedlab.views import figure_to_png

    return figure_to_png(curves(node, rows))
