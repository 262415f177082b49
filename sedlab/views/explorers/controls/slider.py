"""A slider of the browser's own kind: it has a name, a number beside it, and keys."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import anywidget
import traitlets

from sedlab.views.kept import KeptWidget
from sedlab.views.modules import joined


class NamedSlider(KeptWidget, anywidget.AnyWidget):
    """A slider with a name that screen readers say, which the sliders of ipywidgets do not have.

    ``value`` follows the thumb, a few times a second while it is dragged.
    """

    _esm = joined(Path(__file__).parent, "slider.js")

    description = traitlets.Unicode("").tag(sync=True)
    value = traitlets.Float(0.0).tag(sync=True)
    min = traitlets.Float(0.0).tag(sync=True)
    max = traitlets.Float(1.0).tag(sync=True)
    step = traitlets.Float(0.01).tag(sync=True)

    def still(self) -> Iterator[str]:
        """Give what it is set to."""
        yield f"{html.escape(self.description)}: <b>{self.value:g}</b>"
