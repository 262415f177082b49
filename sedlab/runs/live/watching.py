"""Watching a run that another process works on: curves and a button in a notebook, lines elsewhere."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.runs.live.nodes import NodeGlance, glance_at
from sedlab.runs.live.rows import read_rows
from sedlab.runs.live.submitted import Queue, Queued
from sedlab.runs.locks import is_running, nodes_at_work
from sedlab.runs.progress import read_progress, request_stop, rows_file
from sedlab.runs.run import Run, open_run
from sedlab.runs.seeds.folders import folders_together
from sedlab.runs.sweeps.folders import folders_at_work
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
    folders = folders_at_work(folder)
    told: dict[str, tuple[str, float]] = {}
    queues = {prefix: Queue(one) for prefix, one in folders.items()}
    while any(is_running(one) or queues[prefix].jobs for prefix, one in folders.items()):
        for prefix, one in folders.items():
            _tell_nodes(one, prefix, told, every_seconds, queues[prefix].jobs)
        time.sleep(_LOOK_SECONDS)
    print(f"{folder}: {_NOTHING}")


def _tell_nodes(
    folder: Path, prefix: str, told: dict[str, tuple[str, float]], every_seconds: float, queued: Mapping[str, Queued]
) -> None:
    """Print a line for each node at work, or ``queued`` on a cluster, that has something new to tell."""
    states, now, busy = read_progress(folder), time.monotonic(), nodes_at_work(folder)
    for node, holder in (busy | {node: job for node, job in queued.items() if node not in busy}).items():
        state, name = states.get(node), prefix + node
        line = (
            f"{name}: {state}"
            if state and node in busy
            else f"{name}: {'starting' if node in busy or holder.state == 'RUNNING' else 'waiting'}"
        )
        before, when = told.get(name, ("", -every_seconds))
        if line != before and now - when >= every_seconds:
            print(f"{line} ({holder})", flush=True)
            told[name] = (line, now)


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

        # Of several seeds, nodes are named with the folder of their run before.
        self._folders = folders_together(run.path)
        self._queues = {prefix: Queue(folder) for prefix, folder in self._folders.items()}
        self._expected = [node.name for node in run.experiment.nodes()]
        self._nodes: list[NodeGlance] = []
        self._read: tuple[str, int] = ("", 0)
        self.widget = LiveRun(on_stop=self._stop)

    def look(self) -> bool:
        """Bring the widget up to date; return whether anything is at work."""
        running = any(is_running(folder) or self._queues[prefix].jobs for prefix, folder in self._folders.items())
        self._nodes = [
            node._replace(name=prefix + node.name)
            for prefix, folder in self._folders.items()
            for node in glance_at(folder, self._expected, self._queues[prefix].jobs)
        ]
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
        folder, node = self._place(name)
        path = rows_file(folder, node)
        _, start = self._read if self._read[0] == name else ("", 0)
        # A file that is shorter than before was written anew, by a training that goes on.
        is_new = start == 0 or name != self.widget.title or (path.is_file() and path.stat().st_size < start)
        rows, end = read_rows(path, start=0 if is_new else start)
        self._read = (name, end)
        if is_new:
            self.widget.begin(name)
        self.widget.add(rows)
        progress = read_progress(folder).get(node)
        if progress is not None:
            self.widget.tell(progress)

    def _stop(self, name: str) -> None:
        folder, node = self._place(name)
        if node not in nodes_at_work(folder):
            raise SedlabError(f"{name}: nothing is at work on it any more.")
        request_stop(folder, node)

    def _place(self, name: str) -> tuple[Path, str]:
        """Return the folder and the name there of a node that is shown as ``name``."""
        run, slash, node = name.rpartition("/")
        return self._folders[run + slash], node


def _is_training(node: NodeGlance) -> bool:
    return node.state == "running" and node.has_curves


def _as_dict(node: NodeGlance) -> dict[str, object]:
    done, total = (node.progress.done, node.progress.total) if node.progress else (0, 0)
    about = {"name": node.name, "state": node.state, "text": node.text, "curves": node.has_curves}
    return about | {"done": done, "total": total}
