"""A clip one can see and hear: the browser draws it from arrays, plays it, and tells what the person did."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from sedlab.errors import SedlabError
from sedlab.scoring.names import class_name
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.kept import KeptWidget, playing
from sedlab.views.modules import joined
from sedlab.views.player.exporting import Exporting
from sedlab.views.player.last_writer import LastWriter
from sedlab.views.player.picture import scene_figure
from sedlab.views.player.scene import Scene, scene_of
from sedlab.views.player.sound import wav_bytes
from sedlab.views.player.thresholding import Thresholding

#: Scenes that Python remembers: the one in view and its neighbours.
_REMEMBERED = 8


class ClipPlayer(Thresholding, Exporting, LastWriter, KeptWidget, anywidget.AnyWidget):
    """Draw one clip of a queue on one time axis and play it.

    The browser asks for the scene of a key when it needs it, that of the neighbours ahead; everything a person does
    comes back as traits. ``?`` in the player lists its keys.

    Parameters
    ----------
    load : function or None
        Takes a key and returns its ``Scene``; an error that it raises is shown in the player. None: only `show`.
    """

    _esm = joined(Path(__file__).parent, "player.js")
    _css = Path(__file__).parent / "player.css"

    queue = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Keys in the order of the keys n and p."""
    key = traitlets.Unicode("").tag(sync=True)
    """The clip in view; empty: none."""
    version = traitlets.Int(0).tag(sync=True)
    """Counts `refresh`: scenes of before are no longer valid."""
    playhead = traitlets.Float(0.0).tag(sync=True)
    """Seconds; the browser moves it, Python hears of it about 4 times a second."""
    selection = traitlets.List(traitlets.Float()).tag(sync=True)
    """Start and end (s) of what is selected, and looped; empty: nothing."""
    span = traitlets.List(traitlets.Float()).tag(sync=True)
    """Start and end (s) of what is shown; empty: the whole clip."""
    focus = traitlets.Dict().tag(sync=True)
    """`onset, offset` (s), `label` of the case to frame and seek; empty: none."""
    goes = traitlets.Int(0).tag(sync=True)
    """Counts `go`: the same focus is framed again."""
    label = traitlets.Unicode("").tag(sync=True)
    """The class whose threshold the slider moves; empty: that of all."""
    threshold = traitlets.Float(0.5, min=0.0, max=1.0).tag(sync=True)
    """Of every class without one of its own."""
    thresholds = traitlets.Dict(value_trait=traitlets.Float(), key_trait=traitlets.Unicode()).tag(sync=True)
    """Thresholds of single classes."""
    postprocess = traitlets.Enum(["none", "median", "boxes"], default_value="median").tag(sync=True)
    """What the threshold is applied to; a system without it shows what it has."""
    shown = traitlets.List(traitlets.Unicode(), allow_none=True, default_value=None).tag(sync=True)
    """Names of the systems that are drawn; None: all."""
    waveform = traitlets.Bool(False).tag(sync=True)
    """Whether the waveform is drawn below the spectrogram."""
    curves = traitlets.Bool(False).tag(sync=True)
    """Whether scores are drawn as curves, with the threshold, rather than as strips."""
    band = traitlets.List(traitlets.Float()).tag(sync=True)
    """Lowest and highest frequency (Hz) of the spectrogram; empty: all."""
    speed = traitlets.Float(1.0, min=0.5, max=2.0).tag(sync=True)
    """Of playing; the pitch is kept."""
    volume = traitlets.Float(1.0, min=0.0, max=1.0).tag(sync=True)
    """0: off."""
    counts = traitlets.Dict().tag(sync=True)
    """{subset: {system: ways}}: for which of them the browser may ask what thresholds find on the whole subset."""
    marks = traitlets.Dict().tag(sync=True)
    """{label: {name: threshold}}: thresholds worth a mark on the slider."""
    review = traitlets.Dict().tag(sync=True)
    """Decisions about the clip in view."""
    call = traitlets.Unicode("").tag(sync=True)
    """The line of Python that remakes the view."""
    early = traitlets.Dict().tag(sync=True)
    """A scene that the browser need not ask for: its `key`, then also `version, scene, buffers`; empty: it asks."""

    def __init__(self, load: Callable[[str], Scene] | None = None, *, queue: Sequence[str] = ()) -> None:
        super().__init__()
        self._load = load
        self._scenes: OrderedDict[str, Scene] = OrderedDict()
        self._handlers: dict[str, list[Callable[[dict[str, Any], list[bytes]], None]]] = {}
        self.on_msg(self._receive)
        self._begin_writing()
        self.on_message("want", lambda message, _buffers: self._send_scenes(message["keys"]))
        self._begin_thresholding()
        self._begin_exporting()
        self.queue = list(queue)
        if self.queue:
            self.key = self.queue[0]

    def on_message(self, kind: str, handler: Callable[[dict[str, Any], list[bytes]], None]) -> Callable[[], None]:
        """Let ``handler`` take the messages of the browser whose "type" is ``kind``, and their buffers.

        What is returned takes the handler away.
        """
        handlers = self._handlers.setdefault(kind, [])
        handlers.append(handler)
        return lambda: handlers.remove(handler)

    def go(self, key: str, focus: Mapping[str, Any] | None = None) -> None:
        """Show a clip by its key, framed on ``focus`` (`onset, offset, label`) where there is one.

        The class of the focus is then the one whose threshold the slider moves.
        """
        with self.hold_sync():
            # What the browser is still to tell of the clip before is not about this one.
            self.wrote(["key", "focus", "selection", "span"])
            self.selection, self.span = [], []
            self.key, self.focus = key, dict(focus or {})
            self.goes += 1
            self.label = self.focus.get("label") or self.label

    def show(self, scene: Scene) -> None:
        """Show a single scene, without a queue."""
        self._scenes.pop(scene.key, None)
        self._remember(scene)
        with self.hold_sync():
            self.version += 1
            self.queue = [scene.key]
            self.go(scene.key)

    def show_clip(self, view: ClipView, *, classes: Sequence[str] | None = None) -> None:
        """Show a single `ClipView`."""
        self.show(scene_of(view, view.title or "clip", classes=classes))

    def refresh(self) -> None:
        """Load every scene anew: what is said of the clips has changed."""
        self._scenes.clear()
        self.version += 1

    @property
    def scene(self) -> Scene | None:
        """The scene in view; None: no clip."""
        return self.scene_at(self.key) if self.key else None

    def scene_at(self, key: str) -> Scene:
        """Return the scene of a key; the last few are remembered."""
        if key in self._scenes:
            self._scenes.move_to_end(key)
            return self._scenes[key]
        if self._load is None:
            raise SedlabError(f"{key}: no such clip. Choose one of {', '.join(self.queue[:3]) or 'none'}.")
        return self._remember(self._load(key))

    def promise_scene(self) -> None:
        """Let views that are made from now on wait for `send_early`, and not ask."""
        self.early = {"key": self.key}

    def send_early(self) -> None:
        """Send the scene in view, without being asked; where it cannot be had, the browser asks after all."""
        early: dict[str, Any] = {}
        try:
            content, buffers = self.scene_at(self.key).pack()
            early = {"key": self.key, "version": self.version, "scene": content, "buffers": buffers}
        finally:
            self.early = early

    def still(self) -> Iterator[bytes | str]:
        """Give a picture of the scene in view, and its sound."""
        scene = self.scene
        if scene is None:
            return
        chosen = dict.fromkeys(scene.classes, self.threshold) | dict(self.thresholds)
        yield figure_to_png(scene_figure(scene, chosen, self.postprocess, self.shown))
        if np.asarray(scene.waveform).size:
            yield playing(wav_bytes(scene.waveform, scene.sample_rate))

    def _remember(self, scene: Scene) -> Scene:
        self._scenes[scene.key] = scene
        while len(self._scenes) > _REMEMBERED:
            self._scenes.popitem(last=False)
        return scene

    def _receive(self, _widget: object, content: dict[str, Any], buffers: list[bytes]) -> None:
        for handler in self._handlers.get(content.get("type", ""), ()):
            handler(content, buffers)

    def _send_scenes(self, keys: Sequence[str]) -> None:
        if "scene" in self.early:
            self.early = {}  # it is there, and need not be kept twice
        for key in keys:
            try:
                content, buffers = self.scene_at(key).pack()
            except Exception as error:  # it is the reader's, and must reach them
                told = str(error) if isinstance(error, SedlabError) else f"{type(error).__name__}: {error}"
                self.send({"type": "failed", "version": self.version, "key": key, "message": told})
            else:
                self.send({"type": "scene", "version": self.version, "scene": content}, buffers)


def spoken(scene: Scene) -> str:
    """Return what a scene shows in a line, for readers who do not see it."""
    if scene.events is None:
        return f"{scene.title or scene.key}: not annotated"
    labels = sorted({class_name(label) for label in scene.events["label"]})
    return f"{scene.title or scene.key}: {', '.join(labels) or 'no event annotated'}"
