"""How every inspector of clips goes from one to the next: a slider, the keys n and p, a player."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from sedlab.views.explorers.panel import Panel
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.player.player import ClipPlayer
from sedlab.views.player.scene import Scene, scene_of


class ClipPager(Panel):
    """A panel that shows and plays one clip of a list; a subclass says what the list is (`start`, `view_at`).

    Attributes
    ----------
    position : IntSlider
        Place in the list.
    player : ClipPlayer
        Hidden while the list is empty.
    view : ClipView or None
        What was loaded last; None: the list is empty.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        self._classes = tuple(classes)
        self.position = widgets.IntSlider(description="Clip", min=0, max=0, readout=False, continuous_update=False)
        self.player = ClipPlayer(self._scene_at)
        self.view: ClipView | None = None
        self.on_change(self._turn, self.position)
        # The keys n and p move along the queue in the browser; the slider follows.
        self.player.observe(lambda change: self._follow(change["new"]), "key")

    def start(self, num_places: int) -> None:
        """Begin a list of so many places, and show the first."""
        with self.filling():
            self.position.value = 0
            self.position.max = max(0, num_places - 1)
        self.player.layout.display = "" if num_places else "none"
        self.player.refresh()
        self.player.queue = [str(place) for place in range(num_places)]
        if num_places:
            self._turn()
        else:
            self.view = None

    def view_at(self, place: int) -> ClipView | None:
        """Return what there is at a place of the list; None: no picture of it."""
        raise NotImplementedError

    def _turn(self) -> None:
        # Loaded here already, so that an error is shown in the panel.
        scene = self.player.scene_at(str(self.position.value))
        self.view = self.view_at(self.position.value)
        self.player.go(scene.key)

    def _scene_at(self, key: str) -> Scene:
        view = self.view_at(int(key))
        return scene_of(view or ClipView(np.zeros(0)), key, classes=self._classes)

    def _follow(self, key: str) -> None:
        if key.isdigit():
            self.position.value = int(key)
