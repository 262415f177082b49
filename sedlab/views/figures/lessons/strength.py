"""How strong an augmentation acts: what can be turned, what the published recipe has, and a batch changed just so.

In training most strengths are drawn anew for each clip or batch. Here one is fixed, so that more of it can be seen to
do more; what else is drawn (partners, places, curves) stays as the seed has it. The arithmetic is that of training.

Shape letters: B clips, N samples, F bins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sedlab.errors import SedlabError, nearest

if TYPE_CHECKING:
    import torch

    from sedlab.config.model import TransformerConfig
    from sedlab.data.batch import Batch
    from sedlab.training.augmentation_steps import Clips


@dataclass(frozen=True)
class Strength:
    """What of an augmentation can be turned."""

    what: str
    unit: str
    values: tuple[float, ...]
    """To choose from, ascending; `published` is among them."""
    published: float
    drawn: str
    """What the published recipe draws in training, where it is not always `published`."""

    def spell(self, value: float) -> str:
        """Return ``value`` with its unit, and whether it is the published one."""
        return f"{value:g} {self.unit}{' (published)' if value == self.published else ''}"


# The median of what Beta(a, a) leaves to the other clip is the quarter point of the distribution: 0.024 and 0.068.
_MIX = "max(c, 1 - c) of a draw from Beta({a}, {a}) stays: in half of them, less than {m} % is the other clip's"
#: By the name of the augmentation. Hardened labels and devices have no strength: they happen or do not.
STRENGTHS: dict[str, Strength] = {
    "wavmix": Strength("share of the other clip", "%", (0, 2.4, 10, 20, 30, 40, 50), 2.4, _MIX.format(a=0.2, m=2.4)),
    "gain": Strength("gain", "dB", tuple(range(-24, 25, 3)), 0, "off; one can have whole dB from -g to g - 1"),
    "band_edges": Strength(
        "upper edge", "Hz", tuple(range(5000, 8001, 250)), 7000, "from 6001 to 8000 Hz in training, 7000 otherwise"
    ),
    "frame_shift": Strength(
        "deviation of the shift", "% of the clip", (0, 2.5, 5, 7.5, 15, 30, 50), 7.5, "normal draws, in both directions"
    ),
    "time_mask": Strength(
        "masked part", "% of the clip", (0, 5, 10, 17.5, 25, 30, 45, 60), 17.5, "from 5 to 30 %, each length alike"
    ),
    "mixup": Strength("share of the other clip", "%", (0, 2.4, 10, 20, 30, 40, 50), 2.4, _MIX.format(a=0.2, m=2.4)),
    "mixstyle": Strength("share of the other clip", "%", (0, 6.8, 20, 30, 40, 50, 100), 6.8, _MIX.format(a=0.3, m=6.8)),
    "warp": Strength(
        "height of the band", "% of the axis", (20, 30, 40, 50, 60, 70, 80, 90, 100), 80, "from 60 to 100 %"
    ),
    "filter": Strength(
        "largest gain at an edge", "dB", (0, 1, 3, 6, 10, 15, 20, 30), 6, "gains from -6 to 6 dB at each edge"
    ),
}


def strength_of(name: str) -> Strength:
    """Return what of an augmentation can be turned; SedlabError when nothing can."""
    if name not in STRENGTHS:
        raise SedlabError(f"{name}: has no strength to turn.{nearest(name, STRENGTHS)}")
    return STRENGTHS[name]


def settings_of(name: str, strength: float) -> dict[str, Any] | None:
    """Return the settings of an augmentation whose draws grow with its strength; None: it must be fixed by hand."""
    return {
        "filter": {"db": (-strength, strength)},
        "frame_shift": {"std_fraction": strength / 100},
    }.get(name)


def changed_sounds(name: str, batch: Batch, strength: float, generator: torch.Generator) -> Batch:
    """Return a batch after gain (dB) or wavmix (% of the partner) of exactly this strength."""
    import torch

    from sedlab.audio.waveform_augment import apply_gain
    from sedlab.training.augmentation import augment_waveforms

    if name == "gain":
        return replace(batch, waveform=apply_gain(batch.waveform, torch.full((len(batch),), float(strength))))
    partners = batch.partners
    share = torch.full_like(partners.share, 1 - strength / 100)
    config = _waveforms_alone()
    return augment_waveforms(replace(batch, partners=replace(partners, share=share)), config, generator)


def changed_features(name: str, clips: Clips, strength: float, generator: torch.Generator) -> Clips:
    """Return clips after mixup, mixstyle, time mask or warp of exactly this strength (%)."""
    return _FIXED[name](clips, strength / 100, generator)


def with_upper_edge(config: TransformerConfig, hertz: float) -> TransformerConfig:
    """Return fPaSST's configuration with its bands up to ``hertz``."""
    return config.model_copy(update={"fmax": round(hertz)})


def _waveforms_alone() -> Any:
    from sedlab.config.augmentation import AugmentConfig

    return AugmentConfig(mixup={"p": 0.0})


def _mixing(clips: Clips, part: float, generator: torch.Generator) -> Any:
    """Return whom training would mix with whom, with the same share for all."""
    import torch

    from sedlab.audio.mixup import draw_mixing

    drawn = draw_mixing(clips.rows.mixing_blocks(), len(clips), 1.0, generator)
    return replace(drawn, coefficient=torch.full_like(drawn.coefficient, 1 - part))


def _mixup(clips: Clips, part: float, generator: torch.Generator) -> Clips:
    from sedlab.audio.mixup import mix
    from sedlab.training.augmentation_steps import mixed

    mixing = _mixing(clips, part, generator)
    return clips.change((mix(stream, mixing) for stream in clips.streams), targets=mixed(clips.targets, mixing))


def _mixstyle(clips: Clips, part: float, generator: torch.Generator) -> Clips:
    from sedlab.audio.mixstyle import mixstyle

    return clips.change(mixstyle(stream, _mixing(clips, part, generator)) for stream in clips.streams)


def _time_mask(clips: Clips, part: float, generator: torch.Generator) -> Clips:
    """Mask around one place, wherever the length ends."""
    import torch

    from sedlab.audio.draws import Span
    from sedlab.audio.time_mask import mask_time

    num_frames = clips.targets.strong.shape[-1]
    width = round(part * num_frames)
    span = Span(round(float(torch.rand((), generator=generator)) * (num_frames - width)), width)
    rows = clips.rows.hard_labelled
    streams = [
        mask_time(stream, span, rows, frames_per_label=frames)
        for stream, frames in zip(clips.streams, clips.frames_per_label, strict=True)
    ]
    return clips.change(streams, targets=clips.targets.with_frames(lambda labels: mask_time(labels, span, rows)))


def _warp(clips: Clips, part: float, generator: torch.Generator) -> Clips:
    """Warp the transformer's features of all clips by a band of this height, at one place of the axis."""
    import torch

    from sedlab.audio.draws import Span
    from sedlab.audio.frequency_warp import warp_frequency

    *others, features = clips.streams
    height = max(1, round(part * features.shape[-2]))
    place = float(torch.rand((), generator=generator))
    return clips.change([*others, warp_frequency(features, Span(round(place * (features.shape[-2] - height)), height))])


_FIXED = {"mixup": _mixup, "mixstyle": _mixstyle, "time_mask": _time_mask, "warp": _warp}
