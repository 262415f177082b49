"""All sounds the mini corpus can make, by label: recipe, usual duration, AudioSet class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from sedlab.data.mini import desed_sounds, extra_sounds, maestro_sounds
from sedlab.data.mini.envelopes import hump, unit_rms
from sedlab.errors import SedlabError, nearest

#: Below its loudest moment by more than this, a sound counts as over.
ACTIVE_RANGE_DB = 27.0
_ENVELOPE_SAMPLES = 160
_NEIGHBOURS = 5


@dataclass(frozen=True)
class SoundKind:
    """One kind of sound."""

    label: str
    recipe: Callable[[Generator, float], np.ndarray]
    seconds: tuple[float, float]
    """Shortest and longest wished duration; drawn log-uniformly. Close to the quartiles of the real class."""
    mid: str
    """Class of the AudioSet ontology (Freebase id), from Google's list of strong labels."""
    max_per_clip: int = 1
    """Most events of this class that one 10 s clip is given at once."""


def _table(*sounds: SoundKind) -> dict[str, SoundKind]:
    return {sound.label: sound for sound in sounds}


DESED_SOUNDS = _table(
    SoundKind("Alarm_bell_ringing", desed_sounds.alarm_bell_ringing, (0.5, 4.0), "/m/07pp_mv", 2),
    SoundKind("Blender", desed_sounds.blender, (2.0, 8.0), "/m/02pjr4"),
    SoundKind("Cat", desed_sounds.cat, (0.45, 1.4), "/m/01yrx", 3),
    SoundKind("Dishes", desed_sounds.dishes, (0.3, 1.1), "/m/04brg2", 4),
    SoundKind("Dog", desed_sounds.dog, (0.3, 1.6), "/m/0bt9lr", 3),
    SoundKind("Electric_shaver_toothbrush", desed_sounds.electric_shaver_toothbrush, (3.0, 11.0), "/m/02g901"),
    SoundKind("Frying", desed_sounds.frying, (4.0, 12.0), "/m/0dxrf"),
    SoundKind("Running_water", desed_sounds.running_water, (2.0, 9.0), "/m/02jz0l"),
    SoundKind("Speech", desed_sounds.speech, (0.6, 2.8), "/m/09x0r", 3),
    SoundKind("Vacuum_cleaner", desed_sounds.vacuum_cleaner, (4.0, 12.0), "/m/0d31p"),
)

MAESTRO_SOUNDS = _table(
    SoundKind("birds_singing", maestro_sounds.birds_singing, (2.0, 7.0), "/m/020bb7"),
    SoundKind("brakes_squeaking", maestro_sounds.brakes_squeaking, (0.8, 3.0), "/m/0h9mv"),
    SoundKind("car", maestro_sounds.car, (3.0, 7.0), "/t/dd00134"),
    SoundKind("large_vehicle", maestro_sounds.large_vehicle, (4.0, 10.0), "/m/07r04"),
    SoundKind("footsteps", maestro_sounds.footsteps, (2.0, 7.0), "/m/07pbtc8"),
    SoundKind("children voices", maestro_sounds.children_voices, (1.5, 5.0), "/m/0ytgt"),
    SoundKind("people talking", maestro_sounds.people_talking, (2.0, 7.0), "/m/07qfr4h"),
    SoundKind("wind_blowing", maestro_sounds.wind_blowing, (4.0, 12.0), "/m/03m9d0z"),
    SoundKind("cutlery and dishes", maestro_sounds.cutlery_and_dishes, (1.0, 4.0), "/m/023pjk"),
    SoundKind("metro approaching", maestro_sounds.metro_approaching, (6.0, 11.0), "/m/0195fx"),
    SoundKind("metro leaving", maestro_sounds.metro_leaving, (6.0, 11.0), "/m/0195fx"),
    SoundKind("announcement", maestro_sounds.announcement, (2.5, 6.0), "/m/0f8s22"),
    SoundKind("cash register beeping", maestro_sounds.cash_register_beeping, (0.3, 3.0), "/m/02fs_r"),
    SoundKind("coffee machine", maestro_sounds.coffee_machine, (3.0, 8.0), "/m/06wzb"),
    SoundKind("door opens/closes", maestro_sounds.door, (0.7, 1.6), "/m/02dgv"),
    SoundKind("furniture dragging", maestro_sounds.furniture_dragging, (0.5, 2.0), "/m/07qv4k0"),
    SoundKind("shopping cart", maestro_sounds.shopping_cart, (3.0, 8.0), "/m/07qn4z3"),
)

EXTRA_SOUNDS = _table(
    SoundKind("cricket", extra_sounds.cricket, (3.0, 10.0), "/m/09xqv"),
    SoundKind("hammer", extra_sounds.hammer, (0.8, 4.0), "/m/03l9g"),
    SoundKind("idling engine", extra_sounds.idling_engine, (3.0, 10.0), "/m/07pb8fc"),
    SoundKind("rain", extra_sounds.rain, (4.0, 12.0), "/m/06mb1"),
    SoundKind("siren", extra_sounds.siren, (3.0, 10.0), "/m/03kmc9"),
    SoundKind("thunder", extra_sounds.thunder, (2.0, 6.0), "/m/0ngt1"),
    SoundKind("typing", extra_sounds.typing, (1.0, 5.0), "/m/01m2v"),
    SoundKind("whistle", extra_sounds.whistle, (1.0, 3.5), "/m/0l156k"),
)

SOUNDS: dict[str, SoundKind] = DESED_SOUNDS | MAESTRO_SOUNDS | EXTRA_SOUNDS


def render_event(label: str, seed: int | Generator = 0, *, seconds: float | None = None) -> np.ndarray:
    """Return one example of a sound, dry and alone.

    Parameters
    ----------
    label : str
        A DESED or MAESTRO class, or one of the extra sounds of pre-training.
    seed : int or Generator
        The same seed gives the same example; another seed gives another dog, another voice.
    seconds : float or None
        Wished duration; drawn from the class's usual range unless given.

    Returns
    -------
    (samples,) float64 array
        Mono at 16 kHz, RMS 1, sounding from the first sample to the last. What a recipe makes can differ from the
        wish: barks and hits come in whole numbers.

    Raises
    ------
    SedlabError
        For an unknown label.
    """
    if label not in SOUNDS:
        raise SedlabError(f"no recipe for sound {label!r}.{nearest(label, SOUNDS)}")
    rng = np.random.default_rng(seed)
    sound = SOUNDS[label]
    if seconds is None:
        low, high = np.log(sound.seconds)
        seconds = float(np.exp(rng.uniform(low, high)))
    return unit_rms(trim(sound.recipe(rng, seconds)))


def trim(waveform: np.ndarray) -> np.ndarray:
    """Return ``waveform`` within its `active_span`, edges faded.

    What is cut away would be labelled but hardly heard; the label is then exactly where the sound is.
    """
    start, end = active_span(waveform)
    return waveform[start:end] * hump(end - start, attack=0.001, release=0.01)


def active_span(waveform: np.ndarray) -> tuple[int, int]:
    """Return the samples [start, end) between the first and the last moment within `ACTIVE_RANGE_DB` of the loudest."""
    blocks = -(-len(waveform) // _ENVELOPE_SAMPLES)
    padded = np.pad(waveform, (0, blocks * _ENVELOPE_SAMPLES - len(waveform)))
    power = (padded.reshape(blocks, _ENVELOPE_SAMPLES) ** 2).mean(axis=1)
    loud = power >= power.max() * 10 ** (-ACTIVE_RANGE_DB / 10)
    # One loud block among quiet ones is a fluctuation of noise, not an onset: its neighbourhood must be loud as well.
    sustained = np.convolve(power * loud, np.full(_NEIGHBOURS, 1 / _NEIGHBOURS))[_NEIGHBOURS // 2 :][:blocks]
    active = np.flatnonzero(loud & (sustained >= power.max() * 10 ** (-ACTIVE_RANGE_DB / 10)))
    return int(active[0]) * _ENVELOPE_SAMPLES, min(len(waveform), (int(active[-1]) + 1) * _ENVELOPE_SAMPLES)
