"""What each model hears of any sound, before and after an augmentation: a thin shell around `lessons.hearing`."""

from __future__ import annotations

import html
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from sedlab.errors import SedlabError
from sedlab.grid import SAMPLE_RATE
from sedlab.views.explorers.copying import CopyCall
from sedlab.views.explorers.panel import Panel
from sedlab.views.explorers.sounds import Sounds, sounds_of
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.lessons.demonstration import AUGMENTATIONS
from sedlab.views.figures.lessons.hearing.asking import Changed, HeardClip
from sedlab.views.figures.lessons.hearing.changing import change
from sedlab.views.figures.lessons.hearing.drawing import Drawn
from sedlab.views.figures.lessons.hearing.ears import Ears, Heard, as_clip
from sedlab.views.figures.lessons.hearing.figure import heard_figure
from sedlab.views.figures.lessons.hearing.packing import packed
from sedlab.views.figures.lessons.strength import STRENGTHS
from sedlab.views.kept import KeptWidget, playing
from sedlab.views.modules import joined
from sedlab.views.player.call import python_call
from sedlab.views.player.sound import wav_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from sedlab.config.model import DetectorConfig

#: Clips whose features are remembered.
_REMEMBERED = 6
_NONE = "none"
#: Those that need a second clip.
_MIXING = ("wavmix", "mixup", "mixstyle")


class _View(KeptWidget, anywidget.AnyWidget):
    """The browser's half: controls, and pictures that it draws from bytes."""

    _esm = joined(Path(__file__).parents[1], "explorers/hearing/spectrograms.js")
    _css = Path(__file__).parent / "hearing" / "spectrograms.css"

    queue = traitlets.List(traitlets.Unicode()).tag(sync=True)
    key = traitlets.Unicode("").tag(sync=True)
    start = traitlets.Float(0.0, min=0.0).tag(sync=True)
    augmentation = traitlets.Unicode(_NONE).tag(sync=True)
    strength = traitlets.Float(None, allow_none=True).tag(sync=True)
    seed = traitlets.Int(0, min=0).tag(sync=True)
    side = traitlets.Enum(["before", "after", "difference"], default_value="before").tag(sync=True)
    drawn = traitlets.Unicode("").tag(sync=True)
    choices = traitlets.List(traitlets.Dict()).tag(sync=True)
    """Augmentations: `name, title, what, unit, values, published, drawn`."""


class SpectrogramViewer(Panel):
    """See any sound as each model hears it, with Hz and seconds, and what an augmentation makes of it.

    Parameters
    ----------
    source : path, list of paths, (N,) array, Batch or Sounds
        A file in any format and rate, a folder, a waveform, the clips of a batch. Networks hear 10 s at once.
    sample_rate : int
        Of a waveform.
    models : {architecture: DetectorConfig} or None
        Whose front-ends; None: those of the published system.
    responses : (R, L) Tensor or None
        Of recording devices, see `align_responses`.
    augmentation : str
        One of `AUGMENTATIONS`, or "none".
    strength : float or None
        In the unit of `STRENGTHS`; None: drawn as in training.
    seed : int
        Of all draws.
    key : str
        The sound to begin with; empty: the first.

    Attributes
    ----------
    view : widget
        The controls, as traits: `key, start, augmentation, strength, seed, side`.
    before, after : {name: Heard}
        What is in view; equal without an augmentation.
    drawn : Drawn
        What was drawn, as text and as `values`.
    """

    def __init__(
        self,
        source: object,
        *,
        sample_rate: int = SAMPLE_RATE,
        models: Mapping[str, DetectorConfig] | None = None,
        responses: Tensor | None = None,
        augmentation: str = _NONE,
        strength: float | None = None,
        seed: int = 0,
        key: str = "",
        call: str = "",
    ) -> None:
        super().__init__()
        self._ears, self._responses, self._clips = Ears(models), responses, OrderedDict[tuple[str, float], HeardClip]()
        self._call, self._lengths = call or _call_of(source), dict[str, float]()
        self.before: dict[str, Heard] = {}
        self.after: dict[str, Heard] = {}
        self.changed: Changed | None = None
        self.drawn = Drawn("")
        self.view = _View(augmentation=augmentation, strength=strength, seed=seed, choices=_choices())
        self.copying = CopyCall()
        self.children = [self.message, self.view, self.copying]
        self.view.still = self._still_view
        self._sounds = Sounds((), lambda key: None)
        self.view.on_msg(lambda _widget, content, _buffers: content.get("type") == "ready" and self._tell_view())
        self.run(lambda: self._open(sounds_of(source, sample_rate), key))
        names = ("key", "start", "augmentation", "strength", "seed")
        self.view.observe(lambda change: self._filling or self._turned(change["name"]), names)

    def _open(self, sounds: Sounds, key: str) -> None:
        self._sounds = sounds
        with self.filling():
            self.view.queue = list(sounds.keys)
            self.view.key = key or sounds.keys[0]
            self.view.side = "before" if self.view.augmentation == _NONE else "after"
        self._show()

    def _turned(self, name: str) -> None:
        with self.filling():
            if name == "key":
                self.view.start = 0.0
            elif name == "augmentation":
                self.view.strength = None
                self.view.side = "before" if self.view.augmentation == _NONE else "after"
        self.run(self._show)

    def _show(self) -> None:
        view = self.view
        # Whatever goes wrong, no picture of something else stays.
        self.before, self.after, self.changed, self.drawn = {}, {}, None, Drawn("")
        try:
            clip = self.clip(view.key, view.start)
            self.before = self.after = self._ears.heard(clip.raw)
            if view.augmentation != _NONE:
                asked = {"strength": view.strength, "seed": view.seed, "responses": self._responses}
                self.changed = change(view.augmentation, self._ears, clip, other=self._other(), **asked)
                self.drawn = self.changed.drawn
                self.after = self._ears.heard(self.changed.clip.raw, self.changed.edges)
        finally:
            with self.filling():
                view.drawn = self.drawn.text
                if self.changed is None:
                    view.side = "before"
            self._tell_view()
            self.copying.call = self._line()

    def clip(self, key: str, start: float = 0.0) -> HeardClip:
        """Return 10 s of a sound with its raw features; the last few are remembered."""
        if (key, start) not in self._clips:
            if key not in self._sounds.keys:
                raise SedlabError(f"{key}: no such sound. Choose one of {', '.join(self._sounds.keys[:3])}.")
            sound = self._sounds.load(key)
            self._lengths[key] = sound.waveform.size / SAMPLE_RATE
            waveform = as_clip(sound.waveform, round(start * SAMPLE_RATE))
            labels = None if start or sound.labels is None else np.array(sound.labels, dtype=np.float32)
            raw = self._ears.raw(waveform)
            self._clips[key, start] = HeardClip(Path(key).name, waveform, raw, labels, sound.classes)
        self._clips.move_to_end((key, start))
        while len(self._clips) > _REMEMBERED:
            self._clips.popitem(last=False)
        return self._clips[key, start]

    def _other(self) -> HeardClip | None:
        """Return the next sound that can be read, the first after the last; None: there is none."""
        keys, view = self._sounds.keys, self.view
        place = keys.index(view.key)
        for key in (*keys[place + 1 :], *keys[:place]) if view.augmentation in _MIXING else ():
            with suppress(SedlabError):
                return self.clip(key)
        return None

    def _tell_view(self) -> None:
        content, buffers = self.pack()
        self.view.send(content, buffers)

    def pack(self) -> tuple[dict[str, Any], list[bytes]]:
        """Return what is in view for the browser, see `packed`."""
        if not self.before:
            return packed({}, {}, None, None, wav=wav_bytes)
        shown = self.clip(self.view.key, self.view.start)
        return packed(self.before, self.after, shown, self.changed, length=self._lengths[self.view.key], wav=wav_bytes)

    def _line(self) -> str:
        view = self.view
        if not self._sounds.keys:
            return ""
        chosen = {} if view.augmentation == _NONE else {"augmentation": view.augmentation, "strength": view.strength}
        chosen |= {"seed": view.seed} if chosen and view.seed else {}
        if view.key and view.key != self._sounds.keys[0]:
            chosen["key"] = view.key
        options = python_call("", **chosen)[1:-1]
        return f"{self._call[:-1]}{', ' if options else ''}{options})" if self._call else ""

    def _still_view(self) -> Iterator[bytes | str]:
        if not self.before:
            return
        yield f"<b>{html.escape(Path(self.view.key).name)}</b>"
        if self.drawn.text:
            yield html.escape(f"{AUGMENTATIONS[self.view.augmentation]}: {self.drawn.text}")
        yield figure_to_png(heard_figure(self.before, self.after if self.changed else None))
        shown = self.clip(self.view.key, self.view.start)
        yield playing(wav_bytes(shown.waveform.numpy(), SAMPLE_RATE))


def _choices() -> list[dict[str, Any]]:
    found = [{"name": _NONE, "title": "None", "what": "", "unit": "", "values": [], "published": None, "drawn": ""}]
    for name, title in AUGMENTATIONS.items():
        strength = STRENGTHS.get(name)
        told = {"what": "", "unit": "", "values": [], "published": None, "drawn": ""}
        if strength is not None:
            told = {field: getattr(strength, field) for field in told} | {"values": list(strength.values)}
        found.append({"name": name, "title": title, **told})
    return found


def _call_of(source: object) -> str:
    if isinstance(source, str | Path):
        return python_call("sedlab.views.SpectrogramViewer", str(source))
    if isinstance(source, list | tuple) and all(isinstance(one, str | Path) for one in source):
        return python_call("sedlab.views.SpectrogramViewer", [str(one) for one in source])
    return ""
