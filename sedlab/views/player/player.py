"""A picture one can hear: a figure with time on its horizontal axis, its sound, and a playhead."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import anywidget
import numpy as np
import soundfile
import traitlets
from matplotlib.figure import Figure

from sedlab.labels import CLASSES
from sedlab.scoring.names import class_name
from sedlab.views.figures.clips.clip import ClipView, view_figure
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.kept import KeptWidget, playing


class ClipPlayer(KeptWidget, anywidget.AnyWidget):
    """Show a figure and play its sound; press the picture to listen from there.

    Keys, while the player has the focus: space plays and pauses, left and right move by half a second, Home goes to the
    start; n and p are handed to ``on_key``.
    """

    _esm = Path(__file__).parent / "player.js"

    picture = traitlets.Bytes(b"").tag(sync=True)
    """PNG file."""
    audio = traitlets.Bytes(b"").tag(sync=True)
    """WAV file; empty: nothing to play."""
    left = traitlets.Float(0.0).tag(sync=True)
    """Where second 0 lies in the picture, as a part of its width."""
    right = traitlets.Float(1.0).tag(sync=True)
    """Where ``duration`` lies in the picture, as a part of its width."""
    duration = traitlets.Float(0.0).tag(sync=True)
    """Seconds."""
    description = traitlets.Unicode("").tag(sync=True)
    """What the picture shows, for readers who do not see it."""
    playhead = traitlets.Float(0.0).tag(sync=True)
    """Seconds; the browser moves it, Python hears of it about 4 times a second."""

    def __init__(self, *, on_key: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._on_key = on_key
        self.on_msg(self._receive)

    def show(self, figure: Figure, waveform: np.ndarray, sample_rate: int, *, description: str = "") -> None:
        """Show ``figure``, whose first axes span the duration of ``waveform`` (samples,), and load its sound."""
        picture = figure_to_png(figure)  # lays the figure out: the axes' place is known only now
        box = figure.axes[0].get_position()
        with self.hold_sync():
            self.picture, self.audio = picture, wav_bytes(waveform, sample_rate)
            self.left, self.right = float(box.x0), float(box.x1)
            self.duration = np.asarray(waveform).size / sample_rate
            self.description, self.playhead = description, 0.0

    def show_clip(self, view: ClipView, *, classes: Sequence[str] = CLASSES) -> None:
        """Show ``clip_figure`` of ``view`` and load its sound."""
        labels = [] if view.events is None else sorted({class_name(label) for label in view.events["label"]})
        description = f"{view.title}: {', '.join(labels) or 'no event annotated'}"
        self.show(view_figure(view, classes=classes), view.waveform, view.sample_rate, description=description)

    def still(self) -> Iterator[bytes | str]:
        """Give the picture and the sound."""
        if self.picture:
            yield self.picture
        if self.audio:
            yield playing(self.audio)

    def _receive(self, _widget: object, content: dict, _buffers: object) -> None:
        if self._on_key is not None and content.get("type") == "key":
            self._on_key(content["key"])


def wav_bytes(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Return ``waveform`` (samples,) in [-1, 1] as a 16-bit mono WAV file; louder samples are clipped."""
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.size == 0:
        return b""
    file = io.BytesIO()
    soundfile.write(file, np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16), sample_rate, format="WAV")
    return file.getvalue()
