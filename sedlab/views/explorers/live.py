"""A training that goes on, drawn in the browser: only new rows of its history are sent, and a button stops it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import anywidget
import traitlets

from sedlab.errors import SedlabError
from sedlab.views.modules import joined

Row = Mapping[str, float]


class HowFar(Protocol):
    """How far a training is; its text says more, such as "step 62 of 240, 57 s left"."""

    what: str
    done: int
    total: int
    doing: str


class LiveTraining(anywidget.AnyWidget):
    """Growing curves of a training: losses, learning rate, the objective of student and mean teacher; a button to stop.

    Rows are those of ``history.csv``: `step`, `lr`, ``loss/<part>``, ``val/<name>``. They may come in any order, and a
    row of a step that is there already is joined with it.

    Parameters
    ----------
    title : str
        What is trained.
    on_stop : function
        Called when the button is pressed, while the cell that trains is still at work, in another thread.
    """

    _esm = joined(Path(__file__).parent, "live.js")

    title = traitlets.Unicode("").tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    """`doing` ("training", "validating", "finished", "stopped", "failed"), `done`, `total`, `text`, `message`,
    `stopping`."""
    nodes = traitlets.List().tag(sync=True)
    """Of `LiveRun`: name, state, text, done and total of each node."""

    def __init__(self, title: str, *, on_stop: Callable[[], None]) -> None:
        super().__init__(title=title, state=_state("starting"))
        self._on_stop = on_stop
        self._rows: list[Row] = []
        self.on_msg(self._receive)
        listen_while_busy(self)

    def add(self, rows: Sequence[Row]) -> None:
        """Send rows that are new."""
        if rows:
            start = len(self._rows)
            self._rows.extend(rows)
            self.send({"type": "rows", "start": start, "rows": list(rows)})

    def tell(self, state: HowFar) -> None:
        """Say how far it is."""
        stopping = bool(self.state.get("stopping")) and state.doing in ("training", "validating")
        self.state = _state(state.doing, done=state.done, total=state.total, text=str(state), stopping=stopping)

    def end(self, message: str = "") -> None:
        """Say that it has ended: well, or as ``message`` says."""
        if message:
            doing = "stopped" if self.state.get("doing") == "stopped" else "failed"
            self.state = {**self.state, "doing": doing, "message": message, "stopping": False}
        else:
            self.state = {**self.state, "doing": "finished", "stopping": False}

    def _receive(self, _widget: object, content: dict, _buffers: object) -> None:
        try:
            if content.get("type") == "stop":
                self._stop(content)
                self.state = {**self.state, "stopping": True}
            elif content.get("type") == "all rows":
                self.send({"type": "rows", "start": 0, "rows": list(self._rows)})
        except (SedlabError, OSError) as error:  # in this thread, it would reach only a log nobody reads
            self.state = {**self.state, "message": str(error)}

    def _stop(self, _content: dict) -> None:
        self._on_stop()


class LiveRun(LiveTraining):
    """The nodes of a run at a glance, and the curves of one training; it may be a process elsewhere that works.

    Parameters
    ----------
    on_stop : function
        Called with the name of the training to stop.

    Attributes
    ----------
    chosen : str
        The node whose curves the person wants to see; "" for whatever is trained.
    """

    def __init__(self, *, on_stop: Callable[[str], None]) -> None:
        self.chosen = ""
        self._stop_node = on_stop
        super().__init__("", on_stop=lambda: None)

    def show_nodes(self, nodes: Sequence[Mapping[str, object]]) -> None:
        """Show the nodes: `name`, `state`, `text`, `done`, `total`, and whether it has `curves`."""
        self.nodes = [dict(node) for node in nodes]

    def begin(self, title: str) -> None:
        """Show another training, or one that goes on, from its beginning."""
        self._rows.clear()
        self.title, self.state = title, _state("")
        self.send({"type": "rows", "start": 0, "rows": [], "reset": True})

    def end_watching(self, message: str) -> None:
        """Say why nothing more will be shown."""
        self.state = {**self.state, "message": message, "stopping": False}

    def _receive(self, widget: object, content: dict, buffers: object) -> None:
        if content.get("type") == "choose":
            self.chosen = str(content.get("node", ""))
        else:
            super()._receive(widget, content, buffers)

    def _stop(self, content: dict) -> None:
        self._stop_node(str(content.get("node", "")))


def listen_while_busy(widget: anywidget.AnyWidget) -> None:
    """Let ``widget`` hear of its buttons while a cell is at work.

    JupyterLab sends messages of widgets to a thread of their own (a subshell). ipykernel 7.4 would hand them back to
    the shell that has sent to the widget last, and that one is busy with the cell. Where there are no subshells, a
    button is heard after the cell; the widget then says to interrupt the kernel.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = None


def _state(
    doing: str, *, done: int = 0, total: int = 0, text: str = "", stopping: bool = False, message: str = ""
) -> dict[str, object]:
    return {"doing": doing, "done": done, "total": total, "text": text, "stopping": stopping, "message": message}
