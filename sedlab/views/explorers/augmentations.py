"""A widget to choose an augmentation, its strength and a clip: a thin shell around ``demonstrate`` and its figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from sedlab.grid import SAMPLE_RATE
from sedlab.views.explorers.panel import Panel, dropdown, picture
from sedlab.views.figures.embed import figure_to_png
from sedlab.views.figures.lessons.augmentations import augmentation_figure
from sedlab.views.figures.lessons.demonstration import AUGMENTATIONS, Demonstration, demonstrate
from sedlab.views.figures.lessons.strength import STRENGTHS
from sedlab.views.player.sound import wav_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from sedlab.config.model import DetectorConfig
    from sedlab.data.batch import Batch

_SIDES = ("before", "after")
_SILENT = "This one acts on features: there is no sound of it."
_NO_STRENGTH = "It has no strength: it happens or does not."


class AugmentationInspector(Panel):
    """See, and where there is a sound hear, each augmentation on each clip of a batch.

    Parameters
    ----------
    batch : Batch
        With partners, if wavmix is to be shown.
    detector : DetectorConfig
        Whose front-ends make the features.
    responses : (R, samples) Tensor or None
        Device impulse responses.

    Attributes
    ----------
    shown : Demonstration
        What is in view.
    strength : SelectionSlider
        Of the augmentation, in its unit; opens at the published one, which is marked.
    """

    def __init__(self, batch: Batch, detector: DetectorConfig, *, responses: Tensor | None = None) -> None:
        super().__init__()
        self._batch, self._detector, self._responses = batch, detector, responses
        self.shown: Demonstration | None = None
        self.name = dropdown("Augmentation", list(AUGMENTATIONS), spell=AUGMENTATIONS.get)
        self.clip = widgets.IntSlider(description="Clip", min=0, max=len(batch) - 1, continuous_update=False)
        self.seed = widgets.BoundedIntText(description="Seed", min=0, max=9999, layout=widgets.Layout(width="160px"))
        layout = widgets.Layout(width="560px")
        self.strength = widgets.SelectionSlider(
            description="Strength", options=[("none", 0.0)], continuous_update=False, layout=layout
        )
        self.drawn = widgets.Label()
        self.picture, self.sound = picture(), widgets.VBox()
        controls = [self.clip, self.seed, self.strength]
        self.arrange([self.name, *controls, self.drawn], [self.picture, self.sound])
        self.on_change(self._show, *controls)
        self.on_change(self._turn_to, self.name)
        self.run(self._turn_to)

    def _turn_to(self) -> None:
        """Show another augmentation, as strong as published."""
        strength = STRENGTHS.get(self.name.value)
        with self.filling():
            self.strength.disabled = strength is None
            if strength is None:
                self.strength.options, self.drawn.value = [("none", 0.0)], _NO_STRENGTH
            else:
                self.strength.options = [(strength.spell(value), value) for value in strength.values]
                self.strength.value = strength.published
                self.drawn.value = f"{strength.what.capitalize()}. Published: {strength.drawn}."
        self._show()

    def _show(self) -> None:
        strength = None if self.strength.disabled else self.strength.value
        chosen = {"clip": self.clip.value, "seed": self.seed.value, "strength": strength}
        self.shown = demonstrate(self.name.value, self._batch, self._detector, responses=self._responses, **chosen)
        self.picture.value = figure_to_png(augmentation_figure(self.shown))
        self.sound.children = self._players(self.shown)

    def _players(self, shown: Demonstration) -> tuple[widgets.Widget, ...]:
        if shown.sounds is None:
            return (widgets.Label(_SILENT),)
        players = [
            widgets.Audio(value=wav_bytes(sound, SAMPLE_RATE), format="wav", autoplay=False) for sound in shown.sounds
        ]
        return tuple(widgets.HBox([widgets.Label(side), player]) for side, player in zip(_SIDES, players, strict=True))
