"""What a player's threshold finds, and keeping it: detections as a table, counts of a subset, the file for `detect`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sedlab.errors import SedlabError, nearest
from sedlab.scoring.postprocess import Postprocess
from sedlab.scoring.thresholds.counts import SubsetCounts
from sedlab.scoring.thresholds.file import Thresholds
from sedlab.views.player.picture import detections
from sedlab.views.player.scene import Scene, System

DETECTION_COLUMNS = ["system", "clip", "onset", "offset", "label", "confidence"]
#: Where thresholds are saved unless somebody says otherwise, in the working folder.
THRESHOLDS_FILE = "thresholds.json"

#: Takes subset, system and way ("none", "median", "boxes"); counts them, or raises SedlabError.
CountSubset = Callable[[str, str, str], SubsetCounts]


class Thresholding:
    """The part of `ClipPlayer` that deals with thresholds."""

    thresholds_file: Path = Path(THRESHOLDS_FILE)
    """Where the button and the key s save."""
    tuned: Mapping[str, Postprocess]
    """Event boxes of the systems by their names, which are saved with the thresholds for them."""
    provenance: Mapping[str, Any]
    """What a saved file says of where it comes from."""

    def _begin_thresholding(self) -> None:
        self.tuned, self.provenance = {}, {}
        self.on_message("save thresholds", lambda _message, _buffers: self._save_on_request())

    def detections(self, systems: Sequence[str] | None = None) -> pd.DataFrame:
        """Return what is drawn of the clip in view: `system, clip, onset, offset` (s), `label, confidence`.

        ``systems`` are names; by default those that are shown, but for the share of annotators.
        """
        scene = self.scene
        tables = [] if scene is None else [self._detected(scene, system) for system in self._chosen(scene, systems)]
        tables = [table for table in tables if len(table)]
        if not tables:
            numbers = dict.fromkeys(("onset", "offset", "confidence"), float)
            return pd.DataFrame(columns=DETECTION_COLUMNS).astype(numbers)
        return pd.concat(tables, ignore_index=True)

    def save_thresholds(self, path: str | Path | None = None, *, system: str | None = None) -> Path:
        """Save the thresholds and the post-processing for `sedlab detect --thresholds`; return where.

        Parameters
        ----------
        path : path
            JSON, or YAML by its suffix. Default: ``thresholds_file``.
        system : str, optional
            Whose event boxes are meant, where the post-processing is "boxes". Default: the first shown that has some.
        """
        path = Path(self.thresholds_file if path is None else path)
        clip = {} if not self.key else {"clip_in_view": self.key}
        chosen = Thresholds(
            dict(self.thresholds), self.threshold, self._saved_postprocess(system), {**self.provenance, **clip}
        )
        chosen.write(path)
        return path

    def load_thresholds(self, path: str | Path) -> None:
        """Set the thresholds that are in a file, and the post-processing they are for."""
        file = Thresholds.read(path)
        ways = {None: self.postprocess, "csebbs": "boxes"}
        name = file.postprocess.name if file.postprocess else None
        with self.hold_sync():
            self.thresholds, self.threshold = dict(file.of_class), file.others
            self.postprocess = ways.get(name, name)

    def offer_counts(self, count: CountSubset, offered: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        """Let the browser ask for the counts of whole subsets; each is counted once.

        Parameters
        ----------
        count : function
            Takes subset, system and way; a SedlabError of it is shown.
        offered : {subset: {system: ways}}
        """
        known: dict[tuple[str, str, str], tuple[dict[str, Any], list[bytes]]] = {}

        def answer(message: Mapping[str, Any], _buffers: object) -> None:
            asked = (message["subset"], message["system"], message["way"])
            if asked not in known:
                try:
                    known[asked] = packed_counts(count(*asked))
                except Exception as error:  # it is the reader's, and must reach them
                    told = str(error) if isinstance(error, SedlabError) else f"{type(error).__name__}: {error}"
                    known[asked] = {"error": told}, []
            content, buffers = known[asked]
            self.send(
                {"type": "counts", **dict(zip(("subset", "system", "way"), asked, strict=True)), **content}, buffers
            )

        self._handlers["counts"] = [answer]
        self.counts = {
            subset: {system: list(ways) for system, ways in systems.items()} for subset, systems in offered.items()
        }

    def _chosen(self, scene: Scene, systems: Sequence[str] | None) -> list[System]:
        known = {system.name: system for system in scene.systems}
        for name in systems or ():
            if name not in known:
                raise SedlabError(
                    f"{scene.key}: no system {name!r}.{nearest(name, list(known))} There are: {'; '.join(known)}."
                )
        wanted = systems or [name for name in known if self.shown is None or name in self.shown]
        return [known[name] for name in wanted if systems or known[name].role != "soft"]

    def _detected(self, scene: Scene, system: System) -> pd.DataFrame:
        at = dict.fromkeys(scene.classes, self.threshold) | dict(self.thresholds)
        found = detections(system, scene.classes, at, self.postprocess)
        return found.assign(system=system.name, clip=scene.key)[DETECTION_COLUMNS]

    def _saved_postprocess(self, system: str | None) -> Postprocess:
        if self.postprocess != "boxes":
            return Postprocess(self.postprocess)
        names = [system] if system else [name for name in self.tuned if self.shown is None or name in self.shown]
        found = next((self.tuned[name] for name in names if name in self.tuned), None)
        if found is None:
            told = f" of {system!r}" if system else ""
            raise SedlabError(
                f"no tuned event boxes{told} are known here, so `sedlab detect` could not make them. Set the "
                f"post-processing to median or none, or choose one of: {'; '.join(self.tuned) or 'none has any'}."
            )
        return found

    def _save_on_request(self) -> None:
        try:
            path = self.save_thresholds()
        except (SedlabError, OSError) as error:
            told = f"not saved: {error}"
        else:
            told = f"saved: {path}. Use it: sedlab detect RECORDINGS --checkpoint FILE --thresholds {path}"
        self.send({"type": "saved thresholds", "message": told})


def packed_counts(counts: SubsetCounts) -> tuple[dict[str, Any], list[bytes]]:
    """Return counts for the browser: JSON, and all thresholds (float64), hits and false alarms (int32), end to end.

    False alarms beyond 200 of a class are exact to half a percent (`Steps.thinned`), so that this is small.
    """
    blocks, parts, at = [], [], 0
    for criterion, by_class in counts.steps.items():
        for label, steps in by_class.items():
            thin = steps.thinned()
            blocks.append([criterion, label, at, at + len(thin.thresholds), steps.num_events])
            parts.append(thin)
            at += len(thin.thresholds)
    best = {
        criterion: {label: list(one) for label, one in counts.best(criterion).items()} for criterion in counts.steps
    }
    columns = [("thresholds", "<f8"), ("hits", "<i4"), ("false_alarms", "<i4")]
    buffers = [
        np.concatenate([getattr(part, name) for part in parts] or [np.empty(0)]).astype(kind).tobytes()
        for name, kind in columns
    ]
    return {"clips": counts.num_clips, "hours": counts.hours, "blocks": blocks, "best": best}, buffers
