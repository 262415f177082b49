"""Which cells teach: for one batch and each term of the loss, the cells that it reads and what it tells them.

Shape letters: B clips, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from sedlab.scoring.names import class_names
from sedlab.views.figures import frame, marks, style
from sedlab.views.figures.lessons.batch import mark_groups

if TYPE_CHECKING:
    from sedlab.config.training import LossConfig
    from sedlab.data.batch import Batch


class Told(IntEnum):
    """What a term of the loss tells a class of a clip."""

    NOT_READ = 0
    """The clip is not in this term."""
    MASKED = 1
    """In this term, but set to 0 on both sides: it teaches nothing."""
    ABSENT = 2
    ACTIVE = 3
    """Active in at least one frame, and absent in the others."""
    NETWORK = 4
    """The target is what another network says: the mean teacher, or the ensemble that wrote pseudo-labels."""


_KEY = {
    Told.NOT_READ: ("white", "clip not in this term"),
    Told.MASKED: (style.NOT_ANNOTATED, "masked: 0 on both sides, teaches nothing"),
    Told.ABSENT: ("#9CCBE8", "told: absent"),
    Told.ACTIVE: (style.GROUND_TRUTH, "told: active (somewhere in the clip)"),
    Told.NETWORK: ("#A0608A", "told by another network"),
}
#: What each term compares, and how many answers a cell of the picture stands for.
_WHAT = {
    "maestro": "frames of MAESTRO clips",
    "strong": "frames of real clips",
    "synth": "frames of synthetic clips",
    "weak": "tags of weak clips",
    "consistency_strong": "frames, with the mean teacher",
    "consistency_weak": "tags, with the mean teacher",
    "pseudo": "frames, with pseudo-labels",
}


def cells_that_teach(batch: Batch, config: LossConfig) -> dict[str, np.ndarray]:
    """Return, by term of the loss, what each class of each clip is told: `Told` (B, C).

    Terms are those of `sedlab.training.losses`. The pseudo-label term is there where it has a weight; what the
    consistency terms read is what they read in a step without mixup.
    """
    rows, targets = batch.rows, batch.targets.masked()
    mask = np.asarray(targets.mask.cpu())
    active = (targets.strong > 0).any(dim=2).cpu().numpy()
    tagged = (targets.weak > 0).cpu().numpy()

    def by_people(clips: slice, on: np.ndarray) -> np.ndarray:
        return inside(clips, np.where(on, Told.ACTIVE, Told.ABSENT), mask)

    def by_network(clips: slice, *, all_classes: bool) -> np.ndarray:
        read = np.full(mask.shape, Told.NETWORK)
        return inside(clips, read, np.ones_like(mask) if all_classes else mask)

    def inside(clips: slice, told: np.ndarray, valid: np.ndarray) -> np.ndarray:
        cells = np.full(mask.shape, Told.NOT_READ)
        cells[clips] = np.where(valid, told, Told.MASKED)[clips]
        return cells

    found = {name: by_people(getattr(rows, name), active) for name in ("maestro", "strong", "synth")}
    found["weak"] = by_people(rows.weak, tagged)
    if config.self_supervised:
        frames = rows.everyone if config.include_maestro_ssl else rows.desed
        tags = rows.desed if config.exclude_maestro_weak_ssl else frames
        found["consistency_strong"] = by_network(frames, all_classes=config.ssl_no_class_mask)
        found["consistency_weak"] = by_network(tags, all_classes=config.ssl_no_class_mask)
    if config.pseudo:
        found["pseudo"] = by_network(rows.everyone, all_classes=config.pseudo_no_class_mask)
    return found


def teaching_cells_figure(
    batch: Batch, config: LossConfig, *, classes: Sequence[str] | None = None, title: str = "Which cells teach"
) -> frame.Picture:
    """Return `cells_that_teach` as pictures, a panel for each term: clips by group down, classes across.

    ``classes`` are those of the batch unless given.
    """
    classes = batch.classes if classes is None else classes
    if len(batch) == 0:
        return frame.empty_figure(title, "The batch has no clips.")
    cells = cells_that_teach(batch, config)
    height = 1.0 + max(0.9, min(4.0, 0.15 * len(batch)))
    figure, axes = frame.panels(len(cells), 3, (3.5, height), margins=(0.4, 1.6), title=title, sharex=True, sharey=True)
    colours = ListedColormap([_KEY[told][0] for told in Told])
    for place, (ax, (name, told)) in enumerate(zip(axes, cells.items(), strict=True)):
        marks.image(ax, told, colours, (-0.5, len(Told) - 0.5))
        frame.label_axes(ax)
        ax.set_title(f"{name.replace('_', ' ')}: {_WHAT[name]}", fontsize=style.LABEL_SIZE, loc="left")
        if place + 3 >= len(cells):
            ax.set_xticks(range(len(classes)), class_names(classes), rotation=90, fontsize=5.5)
            ax.set_xlabel("Class", fontsize=style.LABEL_SIZE)
        else:
            ax.tick_params(axis="x", length=0)
        mark_groups([ax], batch.rows, len(batch), names=place % 3 == 0)
    shown = [told for told in Told if any((values == told).any() for values in cells.values())]
    handles = [Patch(facecolor=_KEY[told][0], edgecolor=style.MUTED) for told in shown]
    names = [_KEY[told][1] for told in shown]
    frame.figure_legend(figure, handles, names, loc="outside lower center", ncols=3)
    return figure
