"""What every inspector shares: controls above pictures, a place for messages, and that no error gets lost."""

from __future__ import annotations

import html
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
from traitlets import HasTraits

from sedlab.errors import SedlabError
from sedlab.views.kept import KeptWidget, without_comms

#: What an inspector with nothing to show says to run, unless it is given another ``remedy``.
RUN_FIRST = "sedlab run mini"
#: The choice in a dropdown that chooses nothing.
ALL = "all"


class Panel(KeptWidget, widgets.VBox):
    """Controls above pictures, with a line for messages between them.

    A subclass makes its controls, puts them in their place (`arrange`), and says what to do when one is turned
    (`on_change`).
    """

    def __init__(self) -> None:
        self.message = widgets.HTML()
        self._filling = False
        self._ends: list[Callable[[], None]] = []
        super().__init__()

    def arrange(self, controls: Sequence[widgets.Widget], body: Sequence[widgets.Widget]) -> None:
        """Show ``controls`` in a row, which wraps where the window is narrow, and ``body`` below."""
        row = widgets.HBox(list(controls), layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 12px"))
        self.children = [row, self.message, *body]

    def say_empty(self, what: str, remedy: str) -> None:
        """Say that there is nothing to show, and what to run; hides everything else."""
        self.message.value = f"<p>{html.escape(what)} Run <code>{html.escape(remedy)}</code> first, then this cell.</p>"
        self.children = [self.message]

    def on_change(self, handler: Callable[[], None], *controls: widgets.Widget) -> None:
        """Run ``handler`` whenever the value of one of ``controls`` changes, other than by `filling`."""
        for control in controls:
            control.observe(lambda _change: None if self._filling else self.run(handler), "value")

    def listen(self, source: HasTraits, handler: Callable[[Any], None], names: str | Sequence[str]) -> None:
        """Observe traits of something that outlives this panel, until this is closed."""
        source.observe(handler, names)
        self.when_closed(lambda: source.unobserve(handler, names))

    def when_closed(self, handler: Callable[[], None]) -> None:
        """Run ``handler`` when this panel is closed."""
        self._ends.append(handler)

    def close(self) -> None:
        """Take the panel away with everything in it, and hear of nothing any more, so that what it holds is freed."""
        while self._ends:
            self._ends.pop()()
        _close_within(self)
        super().close()

    def run(self, handler: Callable[[], None]) -> None:
        """Run ``handler``; an error is shown in the widget: in a callback, it would reach only a log nobody reads."""
        self.message.value = ""
        try:
            with without_comms():
                handler()
        except Exception as error:
            self.message.value = _as_html(error)

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Set controls inside without their handlers being run."""
        before, self._filling = self._filling, True
        try:
            yield
        finally:
            self._filling = before


def _close_within(widget: widgets.Widget) -> None:
    """Close what a widget shows: ipywidgets remembers every widget, and what its handlers hold, until it is closed."""
    for child in getattr(widget, "children", ()):
        if not isinstance(child, Panel):
            _close_within(child)
        child.close()
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(part, widgets.Widget):
            part.close()


def dropdown(description: str, options: Sequence[str], *, spell: Callable[[str], str] = str) -> widgets.Dropdown:
    """Return a labelled dropdown whose values are ``options`` and whose texts are ``spell`` of them."""
    return widgets.Dropdown(description=description, options=[(spell(option), option) for option in options])


def picture() -> widgets.Image:
    """Return a place for a PNG file, never wider than the window."""
    return widgets.Image(format="png", layout=widgets.Layout(max_width="100%", width="max-content"))


def _as_html(error: Exception) -> str:
    box = "border-left:4px solid #D55E00;padding:4px 10px;background:#FDF1E8;color:#222"
    if isinstance(error, SedlabError):
        return f'<div role="alert" style="{box}">{html.escape(str(error))}</div>'
    # Not meant for the user: one line for them, the rest for whoever repairs it.
    trace = html.escape("".join(traceback.format_exception(error)))
    line = html.escape(f"{type(error).__name__}: {error}")
    return (
        f'<div role="alert" style="{box}">{line}<details><summary>Details</summary><pre>{trace}</pre></details></div>'
    )
