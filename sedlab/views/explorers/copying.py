"""A button that copies the line of Python that shows a view again."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import anywidget
import traitlets

from sedlab.views.kept import KeptWidget
from sedlab.views.modules import joined


class CopyCall(KeptWidget, anywidget.AnyWidget):
    """The line of Python that shows a view again, and a button that copies it; nothing while there is none.

    Parameters
    ----------
    source : traitlets.HasTraits, optional
        Whose trait ``call`` it follows, such as a `ClipPlayer`. Without, set ``call`` whenever the view changes.
    """

    _esm = joined(Path(__file__).parent, "copying.js")

    call = traitlets.Unicode("").tag(sync=True)
    """The line; `sedlab.views.player.call.python_call` writes one."""

    def __init__(self, call: str = "", *, source: traitlets.HasTraits | None = None) -> None:
        super().__init__(call=call)
        if source is not None:
            traitlets.dlink((source, "call"), (self, "call"))

    def still(self) -> Iterator[str]:
        """Give the line."""
        if self.call:
            yield f"<code>{html.escape(self.call)}</code>"
