"""Taking a view away: the line of Python that shows it again, and its events and picture as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pandas as pd

from sedlab.errors import SedlabError, nearest
from sedlab.files import atomic_path, write_json, write_text
from sedlab.views.figures.embed import figure_to_png, figure_to_svg
from sedlab.views.player.call import python_call
from sedlab.views.player.picture import scene_figure
from sedlab.views.player.scene import Scene, event_rows

REFERENCE = "reference"
#: What `export` writes, by suffix.
SUFFIXES = (".png", ".svg", ".tsv", ".txt", ".json")
#: What a line of Python says of a view, and as what it begins.
_VIEW: dict[str, Any] = {
    "label": "",
    "threshold": 0.5,
    "thresholds": {},
    "postprocess": "median",
    "shown": None,
    "span": [],
    "selection": [],
    "band": [],
    "waveform": False,
    "curves": False,
    "speed": 1.0,
    "volume": 1.0,
}


class Exporting:
    """The part of `ClipPlayer` that takes a view away."""

    def _begin_exporting(self) -> None:
        self._base, self._usual = "player", dict(_VIEW)
        self.observe(lambda _change: self._tell_call(), ["key", *_VIEW])

    @property
    def base(self) -> str:
        """The line of Python that makes what the view is in, such as ``sedlab.open_run('runs/mini').explore()``.

        Set it when everything is as that line makes it: systems that are shown then need not be named.
        """
        return self._base

    @base.setter
    def base(self, line: str) -> None:
        self._base, self._usual = line, {**_VIEW, "shown": self.shown}
        self._tell_call()

    def at(self, key: str | None = None, **view: Any) -> Self:
        """Show a clip by its key and set any of the traits that a view has.

        They are `label, threshold, thresholds, postprocess, shown, span, selection, band, waveform, curves, speed,
        volume`.

        What is not given stays as it is, but that another clip is shown whole. Returns the player, so that a view is
        one line; ``call`` has the line of the present one.
        """
        for name in view:
            if name not in _VIEW:
                raise SedlabError(f"at: unknown {name!r}.{nearest(name, list(_VIEW))} Known: {', '.join(_VIEW)}.")
        if key is not None:
            if self._load is None and key not in self.queue:
                raise SedlabError(f"{key}: no such clip here.{nearest(key, self.queue)}")
            self.go(key)
        with self.hold_sync():
            for name, value in view.items():
                setattr(self, name, list(value) if isinstance(value, tuple) else value)
        return self

    def export(self, path: str | Path, *, system: str | None = None) -> Path:
        """Write the view to a file, as its suffix says; return where.

        Parameters
        ----------
        path : path
            ``.png`` or ``.svg``: picture. ``.tsv``: events with the columns of DESED. ``.txt``: label track of
            Audacity. ``.json``: events of everything that is shown, and how they were found.
        system : str, optional
            Whose events a table or track has: a system's name or "reference". Default: the first that is shown.

        Raises
        ------
        SedlabError
            For another suffix, an unknown system, and when no clip is shown.
        """
        path, scene = Path(path), self.scene
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise SedlabError(f"{path}: cannot write {suffix or 'a file without suffix'}. Use {', '.join(SUFFIXES)}.")
        if scene is None:
            raise SedlabError(f"{path}: no clip is shown, so there is nothing to write. Show one first.")
        if suffix in (".png", ".svg"):
            at = dict.fromkeys(scene.classes, self.threshold) | dict(self.thresholds)
            figure = scene_figure(scene, at, self.postprocess, self.shown)
            content = figure_to_png(figure) if suffix == ".png" else figure_to_svg(figure)
            with atomic_path(path) as temporary:
                temporary.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        elif suffix == ".tsv":
            write_text(path, desed_table(scene.key, self._events_of(scene, system)))
        elif suffix == ".txt":
            write_text(path, audacity_track(self._events_of(scene, system), scene.duration))
        else:
            write_json(path, self._document(scene))
        return path

    def _events_of(self, scene: Scene, system: str | None) -> pd.DataFrame:
        if system == REFERENCE:
            if scene.events is None:
                raise SedlabError(f"{scene.key}: nobody annotated it. Choose a system.")
            return scene.events
        chosen = self._chosen(scene, None if system is None else [system])
        if not chosen:
            raise SedlabError(f"{scene.key}: no system is shown, so there are no events to write. Show one.")
        return self.detections([chosen[0].name])

    def _document(self, scene: Scene) -> dict[str, Any]:
        found = self.detections()
        return {
            "clip": scene.key,
            "title": scene.title or scene.key,
            "duration": scene.duration,
            "postprocess": self.postprocess,
            "threshold": self.threshold,
            "thresholds": dict(self.thresholds),
            "reference": event_rows(scene.events),
            "systems": [
                {"name": one.name, "role": one.role, "events": event_rows(found[found["system"] == one.name])}
                for one in self._chosen(scene, None)
            ],
        }

    def _tell_call(self) -> None:
        view: Mapping[str, Any] = {
            name: getattr(self, name) for name, usual in self._usual.items() if getattr(self, name) != usual
        }
        arguments: Sequence[str] = [self.key] if self.key else []
        self.call = python_call(f"{self._base}.at", *arguments, **view)


def clip_id_of(key: str) -> str:
    """Return the clip id in a key `subset/clip id`."""
    return key.partition("/")[2] or key


def desed_table(key: str, events: pd.DataFrame) -> str:
    """Return events as a table with exactly the columns of DESED; a label of the whole clip has no times."""
    lines = ["filename\tonset\toffset\tevent_label"]
    for onset, offset, label in events[["onset", "offset", "label"]].itertuples(index=False):
        times = ["" if time != time else f"{time:.3f}" for time in (onset, offset)]
        lines.append("\t".join((f"{clip_id_of(key)}.wav", *times, label)))
    return "\n".join(lines) + "\n"


def audacity_track(events: pd.DataFrame, duration: float) -> str:
    """Return events as a label track of Audacity; a label of the whole clip spans it."""
    rows = events.fillna({"onset": 0.0, "offset": duration})[["onset", "offset", "label"]].itertuples(index=False)
    return "".join(f"{onset:.6f}\t{offset:.6f}\t{label}\n" for onset, offset, label in rows)
