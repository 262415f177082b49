"""What every inspector shares: a place for messages, and the promise that no error gets lost."""

from __future__ import annotations

import html
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import ipywidgets as widgets

from sedlab.errors import SedlabError

RUN_FIRST = "sedlab run mini"


class Panel(widgets.VBox):
    """Controls above pictures, with a line for messages between them.

    Parameters
    ----------
    controls : sequence of widgets
        One row; wraps where the window is narrow.
    body : sequence of widgets
    """

    def __init__(self, controls: Sequence[widgets.Widget] = (), body: Sequence[widgets.Widget] = ()) -> None:
        self.message = widgets.HTML()
        row = widgets.HBox(list(controls), layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 12px"))
        super().__init__([row, self.message, *body])

    def say_empty(self, what: str, remedy: str) -> None:
        """Say that there is nothing to show, and what to run; hides everything else."""
        self.message.value = f"<p>{html.escape(what)} Run <code>{html.escape(remedy)}</code> first, then this cell.</p>"
        self.children = [self.message]

    @contextmanager
    def showing_errors(self) -> Iterator[None]:
        """Show an error of the block in the widget: raised in a callback, it would reach only a log nobody reads."""
        self.message.value = ""
        try:
            yield
        except Exception as error:
            self.message.value = _as_html(error)


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
