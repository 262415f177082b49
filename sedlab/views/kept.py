"""What stays of a widget where no kernel moves it: its opening picture, what its controls say, and its sound.

Where nobody sits (papermill, nbclient) that is all there is: no view, and no state, which a program that executes a
notebook would store in it. Where a person sits, three outputs leave the cell: the live widget, a caption and a PNG.
While the widget lives, a style sheet in the caption hides the caption and the PNG; in a saved notebook that is opened
without a kernel, exported, or not trusted they stand in its place.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import comm
import ipywidgets as widgets
import numpy as np
import soundfile
from IPython.display import DisplayHandle, display
from PIL import Image

from sedlab.system.frontend import person_present
from sedlab.views.figures.embed import encode
from sedlab.views.player.sound import audio_element

#: Marks a part of a widget that says nothing without a kernel.
LIVE_ONLY = "sedlab-live-only"
_LIVE, _KEPT, _WITH_PICTURE = "sedlab-live", "sedlab-kept", "sedlab-kept-with-picture"
_OUTPUT = ".jp-OutputArea-child"
# The last rule is for a widget that is dead: JupyterLab would say "Error displaying widget: model not found".
_STYLE = f"""<style>
{_OUTPUT}:has(.{_LIVE}) + {_OUTPUT}:has(.{_KEPT}),
{_OUTPUT}:has(.{_LIVE}) + {_OUTPUT}:has(.{_WITH_PICTURE}) + {_OUTPUT},
{_OUTPUT}:not(:has(.{_LIVE})):has(+ {_OUTPUT} .{_KEPT}) {{ display: none !important; }}
</style>"""


class _WithoutComms(type(widgets.DOMWidget)):
    def __call__(cls, *arguments: object, **options: object) -> object:
        with without_comms():
            return super().__call__(*arguments, **options)


class KeptWidget(widgets.DOMWidget, metaclass=_WithoutComms):
    """A widget of which a picture stays in a saved notebook."""

    def still(self) -> Iterator[bytes | str]:
        """Give what the widget shows now, from top to bottom: PNG files, and lines of HTML."""
        for child in getattr(self, "children", ()):
            yield from _still(child)

    def _ipython_display_(self) -> None:
        parts = list(self.still())
        pictures = [part for part in parts if isinstance(part, bytes)]
        caption = " &nbsp; ".join(part for part in parts if isinstance(part, str))
        show_with_picture(self, _below_each_other(pictures), caption)


class KeptPicture:
    """The outputs that stand for a widget where it is not alive."""

    def __init__(self, name: str, png: bytes, caption: str, *, beside_live: bool) -> None:
        self._name, self._beside_live = name, beside_live
        self._outputs: list[DisplayHandle] = [
            display(bundle, raw=True, display_id=True) for bundle in self._bundles(png, caption, "opened")
        ]

    def update(self, png: bytes, caption: str = "") -> None:
        """Show another picture (a PNG file) and caption in their place."""
        for output, bundle in zip(self._outputs, self._bundles(png, caption, "was last"), strict=True):
            output.update(bundle, raw=True)

    def _bundles(self, png: bytes, caption: str, when: str) -> list[dict[str, str]]:
        note = f"<small>{self._name} as it {when}; run the cell to use it.</small>"
        kind = f' class="{_KEPT} {_WITH_PICTURE * bool(png)}"' if self._beside_live else ""
        shown = f"{_STYLE * self._beside_live}<div{kind}>{note}<br>{caption}</div>"
        said = html.unescape(re.sub(r"<[^>]*>", "", f"{self._name}: {caption}")).replace("\N{NO-BREAK SPACE}", " ")
        bundles = [{"text/html": shown, "text/plain": said}]
        if png:
            bundles.append({"image/png": base64.b64encode(png).decode("ascii"), "text/plain": f"{self._name}: picture"})
        return bundles


def show_with_picture(widget: widgets.DOMWidget, png: bytes, caption: str = "") -> KeptPicture:
    """Show a widget, where a person sits, and leave a picture (a PNG file) and a caption (HTML) where it is not alive.

    Call ``update`` of what is returned when there is a better picture, such as the last one.
    """
    beside_live, name = person_present(), type(widget).__name__
    if beside_live:
        widget.add_class(_LIVE)
        view = widget._repr_mimebundle_()
        view = view[0] if isinstance(view, tuple) else view
        display({**view, "text/plain": name}, raw=True)
    return KeptPicture(name, png, caption, beside_live=beside_live)


@contextmanager
def without_comms() -> Iterator[None]:
    """Let widgets that are made in this block tell no front end of themselves, unless a person sits there."""
    if person_present():
        yield
        return
    before, comm.create_comm = comm.create_comm, comm.DummyComm
    try:
        yield
    finally:
        comm.create_comm = before


def playing(wav: bytes) -> str:
    """Return a WAV file as an HTML element that plays it."""
    return "<br>" + audio_element(*soundfile.read(io.BytesIO(wav), dtype="float32"))


def _still(widget: widgets.Widget) -> Iterator[bytes | str]:
    foreign = not isinstance(widget.layout, widgets.Layout)  # plotly's has another kind of layout
    if foreign or widget.layout.display == "none" or LIVE_ONLY in widget._dom_classes:
        return
    if isinstance(widget, KeptWidget):
        yield from widget.still()
    elif isinstance(widget, widgets.Box):
        for child in widget.children:
            yield from _still(child)
    elif isinstance(widget, widgets.Image):
        yield from filter(None, [bytes(widget.value)])
    elif isinstance(widget, widgets.Audio):
        yield from [playing(widget.value)] if widget.value else []
    elif isinstance(widget, widgets.HTML):
        yield from filter(None, [widget.value])
    elif setting := _setting(widget):
        described = html.escape(getattr(widget, "description", ""))
        yield f"{described}: <b>{html.escape(setting)}</b>" if described else html.escape(setting)


def _setting(control: widgets.Widget) -> str:
    """Return what a control is set to, as a person reads it; a place on a slider without a number says nothing."""
    if not getattr(control, "readout", True):
        return ""
    value = getattr(control, "label", getattr(control, "value", None))
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _below_each_other(pictures: Sequence[bytes]) -> bytes:
    """Return PNG files as one, below each other on white; nothing for none."""
    if len(pictures) < 2:
        return b"".join(pictures)
    images = [np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) for picture in pictures]
    width = max(image.shape[1] for image in images)
    widened = [np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)), constant_values=255) for image in images]
    return encode(np.concatenate(widened))
