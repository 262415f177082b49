"""Watching a run that another process works on: curves and a button in a notebook, lines elsewhere."""

from __future__ import annotations

import html
import threading
import time
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.runs.live.nodes import NodeGlance, glance_at
from sedlab.runs.live.rows import read_rows
from sedlab.runs.locks import is_running, nodes_at_work
from sedlab.runs.progress import read_progress, request_stop, rows_file
from sedlab.runs.run import Run, open_run
from sedlab.system.frontend import person_present

_LOOK_SECONDS = 0.5
#: The widget reads every manifest when it looks.
_WIDGET_SECONDS = 1.0
_NOTHING = "nothing is at work"


def watch(run: Run | str | Path, *, every_seconds: float = 5.0) -> None:
    """Show how far a run is that another process works on, until nothing works there any more.

    In a notebook before which a person sits: all nodes at a glance, and the curves of the training that is chosen, with
    a button that stops it; the cell ends at once and the view goes on. Elsewhere a line for each node at work, every
    few seconds, until the work ends.

    Raises
    ------
    SedlabError
        When there is no such run.
    """
    if person_present():
        _watch_in_notebook(run if isinstance(run, Run) else open_run(run))
    else:
        _watch_in_lines(run.path if isinstance(run, Run) else Path(run), every_seconds)


def _watch_in_lines(folder: Path, every_seconds: float) -> None:
    if not (folder / "config.yaml").is_file():
        raise SedlabError(f"{folder}: no such run folder. Name one that `sedlab run` has made, such as runs/mini.")
    told: dict[str, tuple[str, float]] = {}
    while is_running(folder):
        states, now = read_progress(folder), time.monotonic()
        for node, holder in nodes_at_work(folder).items():
            state = states.get(node)
            line = f"{node}: {state}" if state else f"{node}: starting"
            before, when = told.get(node, ("", -every_seconds))
            if line != before and now - when >= every_seconds:
                print(f"{line} ({holder})", flush=True)
                told[node] = (line, now)
        time.sleep(_LOOK_SECONDS)
    print(f"{folder}: {_NOTHING}")


def _watch_in_notebook(run: Run) -> None:
    from sedlab.views.kept import show_with_picture

    watcher = RunWatcher(run)
    watcher.look()
    kept = show_with_picture(watcher.widget, b"", watcher.as_html())

    def go_on() -> None:
        try:
            while watcher.look():
                time.sleep(_WIDGET_SECONDS)
            watcher.widget.end_watching(f"{run.name}: {_NOTHING}")
        except Exception as error:  # in this thread it would reach nobody
            watcher.widget.end_watching(f"{run.name}: no longer watched ({error}). Run the cell again.")
        kept.update(b"", watcher.as_html())

    threading.Thread(target=go_on, name=f"watch {run.name}", daemon=True).start()


class RunWatcher:
    """Looks at the files of a run and keeps a widget up to date with them.

    Attributes
    ----------
    widget : LiveRun
        What is shown.
    """

    def __init__(self, run: Run) -> None:
        from sedlab.views.explorers.live import LiveRun

        self._run = run
        self._expected = [node.name for node in run.experiment.nodes()]
        self._nodes: list[NodeGlance] = []
        self._read: tuple[str, int] = ("", 0)
        self.widget = LiveRun(on_stop=self._stop)

    def look(self) -> bool:
        """Bring the widget up to date; return whether anything is at work."""
        running = is_running(self._run.path)
        self._nodes = glance_at(self._run.path, self._expected)
        self.widget.show_nodes([_as_dict(node) for node in self._nodes])
        self._show_chosen()
        return running

    def as_html(self) -> str:
        """Return the nodes as a table that needs no kernel."""
        cells = [(node.name, node.state, node.text) for node in self._nodes]
        rows = ["".join(f"<td>{html.escape(text)}</td>" for text in row) for row in cells]
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"

    def _show_chosen(self) -> None:
        name = self.widget.chosen or next((node.name for node in self._nodes if _is_training(node)), self.widget.title)
        if not name:
            return
        path = rows_file(self._run.path, name)
        _, start = self._read if self._read[0] == name else ("", 0)
        # A file that is shorter than before was written anew, by a training that goes on.
        is_new = start == 0 or name != self.widget.title or (path.is_file() and path.stat().st_size < start)
        rows, end = read_rows(path, start=0 if is_new else start)
        self._read = (name, end)
        if is_new:
            self.widget.begin(name)
        self.widget.add(rows)
        progress = read_progress(self._run.path).get(name)
        if progress is not None:
            self.widget.tell(progress)

    def _stop(self, name: str) -> None:
        if name not in nodes_at_work(self._run.path):
            raise SedlabError(f"{name}: nothing is at work on it any more.")
        request_stop(self._run.path, name)


def _is_training(node: NodeGlance) -> bool:
    return node.state == "running" and node.has_curves


def _as_dict(node: NodeGlance) -> dict[str, object]:
    done, total = (node.progress.done, node.progress.total) if node.progress else (0, 0)
    about = {"name": node.name, "state": node.state, "text": node.text, "curves": node.has_curves}
    return about | {"done": done, "total": total}
