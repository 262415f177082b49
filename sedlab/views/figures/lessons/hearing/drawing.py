"""What an augmentation draws for one clip, as numbers and in words.

Shape letters: F bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sedlab.audio.draws import Span
from sedlab.audio.filter_augment import FilterDraws
from sedlab.grid import FRAME_SECONDS


@dataclass(frozen=True)
class Drawn:
    """What was drawn, and was applied."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


def share(own: float, other: str) -> Drawn:
    """Tell a mixture: how much of the clip stays, in [0, 1]."""
    return Drawn(f"{own:.1%} of this clip, {1 - own:.1%} of {other}", {"share": own})


def gain(decibel: float) -> Drawn:
    """Tell a gain."""
    return Drawn(f"gain {decibel:+g} dB", {"gain_db": decibel})


def device(index: int, number: int) -> Drawn:
    """Tell which of the devices recorded it, the first is 0."""
    return Drawn(f"recorded by device {index + 1} of {number}", {"device": index})


def shift(seconds: float) -> Drawn:
    """Tell a shift in time; positive is later."""
    where = "later" if seconds > 0 else "earlier"
    told = f"time shift {abs(seconds):.2f} s {where}" if seconds else "time shift 0 s"
    return Drawn(told, {"seconds": seconds})


def silence(span: Span) -> Drawn:
    """Tell which label frames are masked."""
    start, stop = span.start * FRAME_SECONDS, (span.start + span.length) * FRAME_SECONDS
    return Drawn(f"silent from {start:.2f} to {stop:.2f} s", {"start": start, "stop": stop, "span": span})


def colours(shares: Mapping[str, float], other: str) -> Drawn:
    """Tell how much of its own colour each stream keeps."""
    told = ", ".join(f"{name} {1 - own:.1%}" for name, own in shares.items())
    return Drawn(f"colour of {other}: {told}", {"shares": dict(shares)})


def bands(spans: Mapping[str, Span], edges: Mapping[str, np.ndarray]) -> Drawn:
    """Tell which band of each transformer's axis is stretched over all of it."""
    hertz = {name: band_hertz(span, edges[name]) for name, span in spans.items()}
    told = "; ".join(f"{name} {low:.0f} to {high:.0f} Hz" for name, (low, high) in hertz.items())
    return Drawn(f"stretched: {told}", {"spans": dict(spans), "hertz": hertz})


def filters(draws: Mapping[str, FilterDraws], edges: Mapping[str, np.ndarray]) -> Drawn:
    """Tell the gains at the edges of the bands of each stream's equaliser."""
    told, values = [], {}
    for name, (bins, gains) in draws.items():
        peaks = edges[name][1:-1]
        hertz = [float(np.interp(place, np.arange(len(peaks)), peaks)) for place in bins]
        values[name] = {"bins": bins, "hertz": hertz, "gains_db": gains[0].tolist()}
        pairs = zip(hertz, gains[0].tolist(), strict=True)
        told.append(f"{name} " + ", ".join(f"{level:+.1f} dB at {place:.0f} Hz" for place, level in pairs))
    return Drawn("; ".join(told), values)


def upper_edge(lowest: float, highest: float) -> Drawn:
    """Tell between which frequencies fPaSST's bands lie."""
    return Drawn(f"fPaSST's bands from {lowest:.0f} to {highest:.0f} Hz", {"fmin": lowest, "fmax": highest})


def band_hertz(span: Span, edges: np.ndarray) -> tuple[float, float]:
    """Return where a stretch of bands begins and ends: at the peaks of its first and last band."""
    return float(edges[1 + span.start]), float(edges[span.start + span.length])
