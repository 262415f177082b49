"""What the network is given: one training batch at a glance.

Shape letters: B clips, N samples, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.patches import Patch, Rectangle

from sedlab.grid import CLIP_SECONDS
from sedlab.scoring.names import class_names
from sedlab.views.figures import frame, marks, style

if TYPE_CHECKING:
    from sedlab.data.batch import Batch, Rows

_SEGMENTS = 100


def batch_figure(
    batch: Batch,
    *,
    classes: Sequence[str] | None = None,
    clip_seconds: float = CLIP_SECONDS,
    title: str = "One training batch",
) -> frame.Picture:
    """Return the clips of a batch as rows: level, strong targets, clip-level targets with mask, pseudo-labels.

    Classes that a clip's annotation says nothing about are grey; groups are separated by lines and named at the left.
    ``classes`` are those of the batch unless given.
    """
    classes = batch.classes if classes is None else classes
    batch = batch.to("cpu")
    waveform = np.asarray(batch.waveform)
    if len(waveform) == 0:
        return frame.empty_figure(title, "The batch has no clips.")
    targets = batch.targets
    strong, weak, mask = map(np.asarray, (targets.strong, targets.weak, targets.mask))
    pseudo = None if targets.pseudo is None else np.asarray(targets.pseudo)

    ratios = [1.2, 1.2, 2.4] + [2.4] * (pseudo is not None)
    height = 2.5 + max(1.2, min(6.5, 0.17 * len(waveform)))
    figure = frame.new_figure(3 * (len(ratios) + 0.4) + 0.6, height, title=title)
    axes = figure.subplots(1, len(ratios), width_ratios=ratios, sharey=True)

    extent = (0, clip_seconds, len(waveform) - 0.5, -0.5)
    marks.image(axes[0], _level(waveform), "Greys", (-60, 0), extent)
    frame.label_axes(axes[0], title="Level (darker: louder)", x="Time (s)", y="Clip, by group")
    marks.image(axes[1], strong.max(axis=1, initial=0), style.TRUTH_CMAP, extent=extent)
    frame.label_axes(axes[1], title="Frame targets", x="Time (s)")
    _class_columns(axes[2], np.where(mask, weak, np.nan), classes, style.TRUTH_CMAP, "Clip-level targets and mask")
    if pseudo is not None:
        largest = pseudo.max(axis=2, initial=0)
        _class_columns(axes[3], largest, classes, style.PSEUDO_LABEL_CMAP, "Pseudo-label, largest")
    mark_groups(axes, batch.rows, len(waveform))
    handles = [
        Patch(color=style.GROUND_TRUTH, label="target 1: active"),
        Patch(color=style.TRUTH_CMAP(0.5), label="between: a soft label's confidence"),
        Patch(facecolor="white", edgecolor=style.MUTED, label="target 0: absent, or no label"),
        Patch(color=style.NOT_ANNOTATED, label="masked: the annotation says nothing"),
    ]
    if pseudo is not None:
        handles.append(Patch(color=style.PSEUDO_LABEL, label="pseudo-label probability"))
    names = [patch.get_label() for patch in handles]
    frame.figure_legend(figure, handles, names, loc="outside lower center", ncols=len(handles))
    return figure


def _level(waveform: np.ndarray) -> np.ndarray:
    """Return the level of (B, N) waveforms in 100 segments, in dB below full scale."""
    length = waveform.shape[1] // _SEGMENTS * _SEGMENTS
    segments = waveform[:, :length].reshape(len(waveform), _SEGMENTS, -1)
    power = (segments.astype(np.float32) ** 2).mean(axis=2) if segments.shape[2] else np.zeros(segments.shape[:2])
    return 10 * np.log10(np.maximum(power, 1e-10))


def _class_columns(ax: Axes, values: np.ndarray, classes: Sequence[str], cmap: Colormap, title: str) -> None:
    marks.image(ax, values, cmap.with_extremes(bad=style.NOT_ANNOTATED))
    frame.label_axes(ax, title=title, x="Class")
    step = -(-len(classes) // 30)
    shown = range(0, len(classes), step)
    ax.set_xticks(shown, class_names(classes[::step]), rotation=90, fontsize=6)


def mark_groups(axes: Sequence[Axes], rows: Rows, num_clips: int, *, names: bool = True) -> None:
    """Mark the groups at the left edge, by name unless told not to, and draw a line between them."""
    middles, called = [], []
    for name, clips in rows.present().items():
        start, stop = clips.start, clips.stop
        middles.append((start + stop - 1) / 2)
        called.append(f"{name} ({stop - start})")
        colour = style.GROUP_COLOUR.get(name, style.MUTED)
        # In axes coordinates, where the first row is at the top.
        corner = (-0.06, 1 - stop / num_clips)
        band = Rectangle(corner, 0.04, (stop - start) / num_clips, color=colour, clip_on=False, linewidth=0)
        band.set_transform(axes[0].transAxes)
        axes[0].add_patch(band)
        for ax in axes:
            if stop < num_clips:
                ax.axhline(stop - 0.5, color=style.MUTED, linewidth=1)
    axes[0].set_yticks(middles, called, fontsize=style.TICK_SIZE)
    for ax in axes:
        ax.tick_params(axis="y", length=0, pad=16, labelleft=names and ax is axes[0])
