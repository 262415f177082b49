"""A bar that is there while something is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ipywidgets as widgets


class WorkingBar(widgets.FloatProgress):
    """A progress bar, hidden unless something is at work."""

    def __init__(self) -> None:
        super().__init__(max=1.0, layout=widgets.Layout(display="none"))

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Show the bar while the block runs; ``what`` is at work."""
        self.description, self.value, self.layout.display = what, 0.0, ""
        try:
            yield
        finally:
            self.layout.display = "none"

    def told(self, done: float, total: float, _what: str = "") -> None:
        """Be a progress callback."""
        self.value = done / max(total, 1)
