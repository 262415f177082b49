"""What is shown lies where it sounds, and what is said to have been drawn is what was done."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sedlab.audio.device_response import align_responses, convolve_responses
from sedlab.audio.filter_augment import FilterDraws, filter_augment
from sedlab.audio.frequency_warp import warp_frequency
from sedlab.audio.frontends import scale_crnn_mel
from sedlab.audio.mixstyle import mixstyle
from sedlab.audio.mixup import Mixing
from sedlab.audio.time_mask import mask_time
from sedlab.config.loading import load_experiment
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SAMPLES, SAMPLE_RATE
from sedlab.views.figures.lessons.demonstration import AUGMENTATIONS
from sedlab.views.figures.lessons.hearing.asking import HeardClip
from sedlab.views.figures.lessons.hearing.changing import CHANGES, change
from sedlab.views.figures.lessons.hearing.ears import CRNN, Ears, as_clip
from sedlab.views.figures.lessons.hearing.figure import heard_figure
from sedlab.views.figures.lessons.strength import STRENGTHS

EARS = Ears()
RESPONSES = align_responses([np.array([0.0, 1.0, 0.5]), np.array([0.3, 1.0, 0.0])])
SEEDS = range(3)


def clip(name: str, seed: int) -> HeardClip:
    waveform = 0.05 * torch.randn(CLIP_SAMPLES, generator=torch.Generator().manual_seed(seed))
    labels = np.zeros((27, 156), dtype=np.float32)
    labels[seed, 40:80] = 1
    return HeardClip(name, waveform, EARS.raw(waveform), labels)


ONE, OTHER = clip("one", 1), clip("other", 2)


def changed(name: str, seed: int = 0, strength: float | None = None):
    return change(name, EARS, ONE, other=OTHER, seed=seed, strength=strength, responses=RESPONSES)


def same(one, other) -> None:
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("hertz", [250, 1000, 3000, 6000])
def test_a_pure_tone_lands_at_its_frequency_and_its_time_for_every_front_end(hertz):
    time = np.arange(CLIP_SAMPLES) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * hertz * time) * ((time >= 3) & (time < 4))
    heard = EARS.heard(EARS.raw(as_clip(tone)))
    assert set(heard) == {"fPaSST", "BEATs", "ATST", CRNN}
    for name, one in heard.items():
        frames = one.first_seconds + np.arange(one.values.shape[1]) * one.hop_seconds
        inside = one.values[:, (frames > 3.1) & (frames < 3.9)].mean(axis=1)
        loudest = int(inside.argmax())
        # Between the edges of its band.
        assert one.edges[loudest] < hertz < one.edges[loudest + 2], name
        level = one.values[loudest]
        # A frame hears up to 64 ms on either side, on both alike: what it hears lies around its middle.
        heard_at = frames[level > (level.max() + level.min()) / 2]
        assert heard_at.mean() == pytest.approx(3.5, abs=0.006), name
        assert 0.99 < heard_at[-1] - heard_at[0] < 1.13, name


def test_the_values_are_those_that_the_networks_get():
    heard = EARS.heard(ONE.raw)
    same(torch.from_numpy(heard[CRNN].values), scale_crnn_mel(EARS.front_ends[CRNN](ONE.waveform[None]))[0, 0])
    same(torch.from_numpy(heard["BEATs"].values), EARS.front_ends["BEATs"](ONE.waveform[None])[0, 0])
    # ATST's clip stands alone, whatever it is heard with.
    pair = EARS.front_ends["ATST"](torch.stack([0.01 * ONE.waveform, ONE.waveform]))
    same(torch.from_numpy(heard["ATST"].values), pair[1, 0])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("strength", [None, 40])
def test_the_drawn_share_is_the_one_that_was_mixed(seed, strength):
    for name in ("wavmix", "mixup"):
        done = changed(name, seed, strength)
        own = done.drawn.values["share"]
        assert strength is None or own == pytest.approx(0.6)
        assert f"{own:.1%} of this clip" in done.drawn.text and "other" in done.drawn.text
        assert done.clip.labels[1].max() == pytest.approx(own) and done.clip.labels[2].max() == pytest.approx(1 - own)
    same(done.clip.raw["BEATs"], own * ONE.raw["BEATs"] + (1 - own) * OTHER.raw["BEATs"])
    mixed = own * (ONE.waveform - ONE.waveform.mean()) + (1 - own) * (OTHER.waveform - OTHER.waveform.mean())
    same(changed("wavmix", seed, 100 * (1 - own)).sound, mixed - mixed.mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_drawn_done_again_by_hand_gives_the_same(seed):
    gain = changed("gain", seed)
    same(gain.sound, ONE.waveform * 10 ** (gain.drawn.values["gain_db"] / 20))

    device = changed("device_response", seed)
    same(device.sound, convolve_responses(ONE.waveform[None], RESPONSES[device.drawn.values["device"]])[0])

    shift = changed("frame_shift", seed)
    hops = round(shift.drawn.values["seconds"] / 0.016)
    same(shift.clip.raw[CRNN], ONE.raw[CRNN].roll(hops, dims=-1))
    assert f"{abs(shift.drawn.values['seconds']):.2f} s" in shift.drawn.text

    mask = changed("time_mask", seed)
    for name, frames in ((CRNN, 4), ("ATST", 1001 / 156)):
        masked = mask_time(ONE.raw[name], mask.drawn.values["span"], slice(0, 1), frames_per_label=frames)
        same(mask.clip.raw[name], masked)
    start, stop = (mask.drawn.values[end] for end in ("start", "stop"))
    assert not mask.sound[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)].any()
    assert f"{start:.2f} to {stop:.2f} s" in mask.drawn.text

    colour = changed("mixstyle", seed)
    for name, own in colour.drawn.values["shares"].items():
        mixing = Mixing(torch.tensor([1, 0]), torch.full((2,), own))
        same(colour.clip.raw[name], mixstyle(torch.cat([ONE.raw[name], OTHER.raw[name]]), mixing)[:1])

    warp = changed("warp", seed)
    for name, span in warp.drawn.values["spans"].items():
        same(warp.clip.raw[name], warp_frequency(ONE.raw[name], span))
        low, high = warp.drawn.values["hertz"][name]
        peaks = EARS.front_ends[name].band_edges[1:-1].tolist()
        assert (low, high) == (peaks[span.start], peaks[span.start + span.length - 1])

    equal = changed("filter", seed)
    for name, drawn in equal.drawn.values.items():
        draws = FilterDraws(drawn["bins"], torch.tensor([drawn["gains_db"]]))
        same(equal.clip.raw[name], filter_augment(ONE.raw[name], draws))

    edges = changed("band_edges", seed)
    model = load_experiment("paper").models["passt"].transformer
    moved = model.model_copy(update={"fmin": edges.drawn.values["fmin"], "fmax": edges.drawn.values["fmax"]})
    again = Ears({"passt": load_experiment("paper").models["passt"].model_copy(update={"transformer": moved})})
    same(edges.clip.raw["fPaSST"], again.raw(ONE.waveform)["fPaSST"])
    np.testing.assert_allclose(edges.edges["fPaSST"], again.front_ends["fPaSST"].band_edges)


def test_every_augmentation_of_the_recipe_is_there_and_seeds_repeat_it():
    assert list(CHANGES) == list(AUGMENTATIONS)
    for name in CHANGES:
        one, again, *others = (changed(name, seed) for seed in (3, 3, 4, 5, 6))
        assert one.drawn.text == again.drawn.text and one.drawn.text
        assert all(torch.equal(values, again.clip.raw[stream]) for stream, values in one.clip.raw.items())
        assert name == "harden" or len({done.drawn.text for done in (one, *others)}) > 1


@pytest.mark.parametrize("name", STRENGTHS)
def test_more_strength_is_further_from_the_clip(name):
    values = STRENGTHS[name].values
    weak, strong = {"warp": (100, 20), "band_edges": (7000, 5000), "gain": (3, 24)}.get(name, (values[1], values[-1]))
    away = []
    for strength in (weak, strong):
        done = changed(name, 4, strength).clip
        away.append(max(float((done.raw[key] - ONE.raw[key]).abs().mean()) for key in ONE.raw))
    assert away[0] < away[1]


def test_what_is_missing_is_said():
    for name, words in (("mixup", "no second clip"), ("device_response", "no device responses")):
        with pytest.raises(SedlabError, match=words):
            change(name, EARS, ONE)
    with pytest.raises(SedlabError, match="Did you mean 'mixup'"):
        change("mixupp", EARS, ONE)
    with pytest.raises(SedlabError, match="no fPaSST among"):
        change("band_edges", Ears({"atst": load_experiment("nano").models["atst"]}), ONE)


def test_the_still_picture_has_hertz_seconds_and_a_scale():
    after = changed("warp")
    figure = heard_figure(EARS.heard(ONE.raw), EARS.heard(after.clip.raw))
    axes = [ax for ax in figure.axes if ax.get_ylabel() == "Frequency (Hz)"]
    assert [ax.get_title(loc="left") for ax in axes[:2]] == ["fPaSST, before", "fPaSST, after"]
    assert axes[0].images[0].get_clim() == axes[1].images[0].get_clim()
    assert len(axes) == 8 and axes[-1].get_xlabel() == "Time (s)"
    low, high = axes[4].get_ylim()
    ticks = dict(zip((text.get_text() for text in axes[4].get_yticklabels()), axes[4].get_yticks(), strict=True))
    peaks = EARS.front_ends["ATST"].band_edges[1:-1].numpy()
    assert ticks["1000"] == pytest.approx(np.interp(1000, peaks, np.arange(64))) and low < ticks["1000"] < high
