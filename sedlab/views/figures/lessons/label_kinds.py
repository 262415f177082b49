"""What people say about a clip, from every second to nothing at all."""

from __future__ import annotations

from collections.abc import Mapping

from sedlab.views.figures import frame, style
from sedlab.views.figures.clips import tracks
from sedlab.views.figures.clips.clip import ClipView
from sedlab.views.figures.clips.spectrogram import draw_spectrogram

#: How much is known about a clip, by the kind of its annotation.
KNOWN = {
    "strong": "strong: what, from when to when",
    "soft": "soft: what share of the annotators, second by second",
    "weak": "weak: what, somewhere in the clip",
    "none": "none: nobody listened",
}
_COLUMN = 4.2


def label_kinds_figure(views: Mapping[str, ClipView], *, title: str = "Four kinds of labels") -> frame.Picture:
    """Return clips side by side, each with what its annotation says below it.

    Parameters
    ----------
    views : {kind of annotation: clip}
        Kinds are those of `KNOWN`; ``title`` of a clip is where it is from.
    """
    if not views:
        return frame.empty_figure(title, "No clips to show: prepare a corpus first.")
    labels = {kind: _labels(view) for kind, view in views.items()}
    rows = max(1, *(len(names) for names in labels.values()))
    track = max(0.5, 1.4 * tracks.ROW_HEIGHT * rows)
    figure = frame.new_figure(_COLUMN * len(views) + 0.6, 1.9 + track + 1.1, title=title)
    axes = figure.subplots(2, len(views), squeeze=False, height_ratios=[1.9, track])
    for (kind, view), upper, lower in zip(views.items(), axes[0], axes[1], strict=True):
        draw_spectrogram(upper, view.waveform, view.sample_rate)
        upper.set_title(f"{KNOWN[kind]}\n{view.title}", fontsize=style.LABEL_SIZE, loc="left")
        upper.set_xlabel("")
        frame.label_axes(lower, x="Time (s)")
        if tracks.class_rows(lower, labels[kind], "no label"):
            look = {"top": -0.34, "height": 0.68, "duration": view.duration}
            tracks.draw_events(lower, view.events, labels[kind], style.GROUND_TRUTH, **look)
        for ax in (upper, lower):
            ax.set_xlim(0, view.duration)
    return figure


def _labels(view: ClipView) -> list[str]:
    return [] if view.events is None else list(dict.fromkeys(view.events["label"]))
