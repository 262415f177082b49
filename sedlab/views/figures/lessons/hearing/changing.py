"""One clip through one augmentation, as strong as asked for or drawn as in training, and what was drawn.

Draws and arithmetic are those of `sedlab.audio`, as the training step has them; here they are made one by one, so that
what was drawn can be told. In training a partner is any clip of the batch; here it is the one that is given.

Shape letters: N samples, F bands, T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from sedlab.audio.device_response import convolve_responses, draw_devices
from sedlab.audio.draws import Span
from sedlab.audio.filter_augment import draw_filters, filter_augment
from sedlab.audio.frame_shift import draw_shifts, roll_frames, scale_shifts
from sedlab.audio.frequency_warp import draw_band, warp_frequency
from sedlab.audio.frontends import build_frontend
from sedlab.audio.mel_filters import band_edges
from sedlab.audio.mixstyle import mixstyle
from sedlab.audio.mixup import Mixing, mix
from sedlab.audio.time_mask import draw_time_span, mask_time
from sedlab.audio.waveform_augment import apply_gain, draw_gains_db, mix_waveforms
from sedlab.config.augmentation import AugmentConfig
from sedlab.errors import SedlabError, nearest
from sedlab.grid import NUM_FRAMES, SAMPLE_RATE
from sedlab.labels import SOFT_THRESHOLD
from sedlab.views.figures.lessons.hearing import drawing
from sedlab.views.figures.lessons.hearing.asking import Ask, Changed, HeardClip
from sedlab.views.figures.lessons.hearing.drawing import Drawn
from sedlab.views.figures.lessons.hearing.ears import CRNN, TRANSFORMERS, Ears
from sedlab.views.figures.lessons.strength import with_upper_edge

if TYPE_CHECKING:
    from torch import Tensor

#: Of the published recipe: Beta's parameter for mixing clips, and for mixing colours.
_ALPHA, _STYLE_ALPHA = 0.2, 0.3
#: The published recipe has no gain; one can have this.
_GAIN_DB = 12
_WHOLE = slice(0, 1)


def change(
    name: str,
    ears: Ears,
    clip: HeardClip,
    *,
    other: HeardClip | None = None,
    strength: float | None = None,
    seed: int = 0,
    responses: Tensor | None = None,
) -> Changed:
    """Return ``clip`` after the augmentation ``name`` (see `CHANGES`).

    Parameters
    ----------
    other : HeardClip or None
        The clip to mix in, where one is.
    strength : float or None
        As strong, in the unit of `STRENGTHS`; None: drawn as in training.
    responses : (R, L) Tensor or None
        Of recording devices.

    Raises
    ------
    SedlabError
        For an unknown augmentation, and when it needs what was not given.
    """
    if name not in CHANGES:
        raise SedlabError(f"unknown augmentation {name!r}.{nearest(name, CHANGES)}")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        return CHANGES[name](Ask(ears, clip, other, strength, generator, responses))


def _sound(ask: Ask, sound: Tensor, drawn: Drawn, labels: np.ndarray | None = None) -> Changed:
    changed = replace(ask.clip, waveform=sound, raw=ask.ears.raw(sound))
    return Changed(replace(changed, labels=ask.clip.labels if labels is None else labels), drawn, sound)


def _wavmix(ask: Ask) -> Changed:
    own, other = ask.kept(_ALPHA), ask.partner
    sound = mix_waveforms(ask.clip.waveform[None], other.waveform[None], torch.tensor([own]))[0]
    return _sound(ask, sound, drawing.share(own, other.name), _mixed_labels(ask.clip, other, own))


def _device(ask: Ask) -> Changed:
    if ask.responses is None:
        raise SedlabError("no device responses given. Read them with read_device_responses.")
    chosen = int(draw_devices(1, len(ask.responses), 1.0, ask.generator).response[0])
    sound = convolve_responses(ask.clip.waveform[None], ask.responses[chosen])[0]
    return _sound(ask, sound, drawing.device(chosen, len(ask.responses)))


def _gain(ask: Ask) -> Changed:
    decibel = draw_gains_db(1, _GAIN_DB, ask.generator) if ask.strength is None else torch.tensor([ask.strength])
    return _sound(ask, apply_gain(ask.clip.waveform[None], decibel.float())[0], drawing.gain(float(decibel[0])))


def _upper_edge(ask: Ask) -> Changed:
    name, model = TRANSFORMERS["passt"], ask.ears.models.get("passt")
    if model is None:
        raise SedlabError("there is no fPaSST among these models, and the others have fixed bands.")
    if ask.strength is None:
        front_end = build_frontend(model.transformer).train()
        # The same draws once more, to tell them.
        again = torch.Generator().set_state(ask.generator.get_state())
        lower, upper = model.transformer.fmin_range, model.transformer.fmax_range
        lowest = front_end.fmin + int(torch.randint(lower, (), generator=again))
        highest = front_end.fmax + upper // 2 - int(torch.randint(upper, (), generator=again))
    else:
        front_end = build_frontend(with_upper_edge(model.transformer, ask.strength)).eval()
        lowest, highest = front_end.fmin, front_end.fmax
    raw = ask.clip.raw | {name: front_end(ask.clip.waveform[None], ask.generator)}
    edges = {name: band_edges(model.transformer.num_mels, lowest, highest).numpy()}
    return Changed(replace(ask.clip, raw=raw), drawing.upper_edge(lowest, highest), edges=edges)


def _harden(ask: Ask) -> Changed:
    labels = ask.clip.labels
    hard = None if labels is None else (labels > SOFT_THRESHOLD).astype(labels.dtype)
    return Changed(replace(ask.clip, labels=hard), Drawn(f"labels above {SOFT_THRESHOLD:g} become 1, others 0"))


def _frame_shift(ask: Ask) -> Changed:
    fraction = AugmentConfig().frame_shift.std_fraction if ask.strength is None else ask.strength / 100
    num_frames = ask.clip.raw[CRNN].shape[-1]
    shifts = draw_shifts(1, num_frames, fraction, ask.generator)
    raw = {
        name: roll_frames(values, scale_shifts(shifts, values.shape[-1] / num_frames))
        for name, values in ask.clip.raw.items()
    }
    seconds = float(shifts[0]) * ask.ears.front_ends[CRNN].hop / SAMPLE_RATE
    labels = ask.clip.labels
    if labels is not None:
        labels = roll_frames(torch.from_numpy(labels)[None], scale_shifts(shifts, NUM_FRAMES / num_frames))[0].numpy()
    sound = ask.clip.waveform.roll(round(seconds * SAMPLE_RATE))
    return Changed(replace(ask.clip, raw=raw, labels=labels), drawing.shift(seconds), sound, exact=False)


def _time_mask(ask: Ask) -> Changed:
    if ask.strength is None:
        span = draw_time_span(NUM_FRAMES, ask.generator)
    else:
        width = round(ask.strength / 100 * NUM_FRAMES)
        span = Span(round(float(torch.rand((), generator=ask.generator)) * (NUM_FRAMES - width)), width)
    raw = {
        name: mask_time(values, span, _WHOLE, frames_per_label=4 if name == CRNN else values.shape[-1] / NUM_FRAMES)
        for name, values in ask.clip.raw.items()
    }
    labels = ask.clip.labels
    if labels is not None:
        labels = mask_time(torch.from_numpy(labels)[None], span, _WHOLE)[0].numpy()
    drawn, sound = drawing.silence(span), ask.clip.waveform.clone()
    sound[round(drawn.values["start"] * SAMPLE_RATE) : round(drawn.values["stop"] * SAMPLE_RATE)] = 0
    return Changed(replace(ask.clip, raw=raw, labels=labels), drawn, sound, exact=False)


def _mixup(ask: Ask) -> Changed:
    own, other = ask.kept(_ALPHA), ask.partner
    raw = {name: mix(torch.cat([values, other.raw[name]]), _both(own))[:1] for name, values in ask.clip.raw.items()}
    changed = replace(ask.clip, raw=raw, labels=_mixed_labels(ask.clip, other, own))
    sound = torch.lerp(other.waveform, ask.clip.waveform, own)
    return Changed(changed, drawing.share(own, other.name), sound, exact=False)


def _mixstyle(ask: Ask) -> Changed:
    raw, shares, other = {}, {}, ask.partner
    for name, values in ask.clip.raw.items():
        shares[name] = ask.kept(_STYLE_ALPHA)
        raw[name] = mixstyle(torch.cat([values, other.raw[name]]), _both(shares[name]))[:1]
    return Changed(replace(ask.clip, raw=raw), drawing.colours(shares, other.name))


def _warp(ask: Ask) -> Changed:
    raw, spans, state = dict(ask.clip.raw), {}, ask.generator.get_state()
    for name in ask.transformers():
        # Each would be trained by itself: the same draws for each.
        generator = torch.Generator().set_state(state)
        num_bins = raw[name].shape[-2]
        if ask.strength is None:
            spans[name] = draw_band(num_bins, generator)
        else:
            height = max(1, round(ask.strength / 100 * num_bins))
            spans[name] = Span(round(float(torch.rand((), generator=generator)) * (num_bins - height)), height)
        raw[name] = warp_frequency(raw[name], spans[name])
    return Changed(replace(ask.clip, raw=raw), drawing.bands(spans, ask.edges()))


def _filter(ask: Ask) -> Changed:
    config = AugmentConfig().filter
    if ask.strength is not None:
        config = config.model_copy(update={"db": (-ask.strength, ask.strength)})
    draws = {CRNN: draw_filters(1, ask.clip.raw[CRNN].shape[-2], config, ask.generator)}
    state = ask.generator.get_state()
    for name in ask.transformers():
        generator = torch.Generator().set_state(state)
        draws[name] = draw_filters(1, ask.clip.raw[name].shape[-2], config, generator)
    raw = {name: filter_augment(values, draws[name]) for name, values in ask.clip.raw.items()}
    return Changed(replace(ask.clip, raw=raw), drawing.filters(draws, ask.edges()))


def _both(own: float) -> Mixing:
    return Mixing(torch.tensor([1, 0]), torch.full((2,), float(own)))


def _mixed_labels(clip: HeardClip, other: HeardClip, own: float) -> np.ndarray | None:
    if clip.labels is None or other.labels is None:
        return clip.labels
    return np.clip(own * clip.labels + (1 - own) * other.labels, 0, 1)


#: By name, in the order in which stage 2 applies them.
CHANGES: dict[str, Callable[[Ask], Changed]] = {
    "wavmix": _wavmix,
    "device_response": _device,
    "gain": _gain,
    "band_edges": _upper_edge,
    "harden": _harden,
    "frame_shift": _frame_shift,
    "time_mask": _time_mask,
    "mixup": _mixup,
    "mixstyle": _mixstyle,
    "warp": _warp,
    "filter": _filter,
}
