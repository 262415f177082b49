"""What lies between a sound and its file: background noise and reverberation of the place, and the recorder."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import signal

from sedlab.data.mini.envelopes import curve, hump, num_samples, place, unit_rms
from sedlab.data.mini.filters import NYQUIST, band, resonances
from sedlab.data.mini.sources import clicks, coloured_noise, harmonics, oscillate
from sedlab.data.mini.voices import random_voice, speak
from sedlab.grid import SAMPLE_RATE

#: Kinds of background of a DESED-like clip and how often they occur.
HOME_BACKGROUNDS: dict[str, float] = {"pink": 0.3, "brown": 0.2, "hum": 0.25, "street": 0.15, "babble": 0.1}

_DEVICE_SECONDS = 0.04


def background(rng: Generator, n: int, kind: str) -> np.ndarray:
    """Return a background (n,) of RMS 1.

    ``kind`` is pink, brown, hum (mains and ventilation), street (distant traffic), babble (a crowd next door) or
    hall (a large station with machines).
    """
    floor = coloured_noise(rng, n, exponent=rng.uniform(0.8, 1.2))
    slow = np.exp(0.12 * curve(rng, n, rate_hz=0.7))
    if kind == "pink":
        return unit_rms(floor * slow)
    if kind == "brown":
        return unit_rms((coloured_noise(rng, n, exponent=rng.uniform(1.5, 2.0)) + 0.15 * floor) * slow)
    if kind == "hum":
        mains = oscillate(
            np.full(n, rng.choice([50.0, 60.0])), harmonics(12, tilt=0.8) * rng.uniform(0.1, 1, 12), rng=rng
        )
        fan = resonances(floor, rng.uniform(150, 900, 2), (80, 200))
        return unit_rms(floor + rng.uniform(0.2, 1.0) * unit_rms(mains) + rng.uniform(0.3, 1.0) * unit_rms(fan))
    if kind == "street":
        traffic = band(rng.standard_normal(n), 40, rng.uniform(400, 900))
        traffic = unit_rms(traffic) * np.exp(0.35 * curve(rng, n, rate_hz=0.4))
        return unit_rms(traffic + 0.4 * floor)
    if kind == "babble":
        return unit_rms(rng.uniform(0.5, 1.2) * _distant_crowd(rng, n) + floor * slow)
    if kind == "hall":
        clatter = resonances(clicks(rng, n, rate_hz=3, spread=0.7), rng.uniform(300, 1500, 3), (60, 80, 100))
        rumble = band(rng.standard_normal(n), 40, 250)
        return unit_rms(unit_rms(rumble) * slow + 0.5 * floor + 0.15 * unit_rms(clatter))
    raise ValueError(kind)


def room_response(rng: Generator, reverb_seconds: float) -> np.ndarray:
    """Return the late part of a room's impulse response (samples,) with energy 1: noise that dies away.

    It falls by 60 dB in ``reverb_seconds``, faster at high frequencies, after a short gap and a few early reflections.
    """
    n = num_samples(1.1 * reverb_seconds)
    time = np.arange(n) / SAMPLE_RATE
    noise = rng.standard_normal(n)
    dark = band(noise, None, rng.uniform(1800, 4000), order=1)
    # Walls and air swallow high frequencies first: full band early, low band late.
    tail = noise * 10 ** (-3 * time / (0.5 * reverb_seconds)) + 1.5 * dark * 10 ** (-3 * time / reverb_seconds)
    gap = num_samples(rng.uniform(0.004, 0.02))
    tail[:gap] = 0
    early = gap + rng.integers(0, num_samples(0.03), 6)
    tail[np.minimum(early, n - 1)] += rng.normal(0, 4, 6)
    return tail / np.sqrt((tail**2).sum())


def reverberate(dry: np.ndarray, send: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return ``dry`` plus ``send`` through ``response``, all (n,) but the response; the tail beyond n is cut."""
    return dry + signal.oaconvolve(send, response)[: len(dry)]


def device_colour(rng: Generator, x: np.ndarray) -> np.ndarray:
    """Return ``x`` as a cheap recorder would hear it: band edges and one broad resonance."""
    x = band(x, rng.uniform(60, 250), None, order=1)
    x = band(x, None, rng.uniform(0.45, 0.95) * NYQUIST, order=1)
    return x + rng.uniform(0.0, 0.7) * resonances(x, (rng.uniform(600, 4000),), (rng.uniform(500, 1500),)) * 3


def device_response(rng: Generator) -> np.ndarray:
    """Return the impulse response (samples,) of a cheap microphone in a box that rings; its energy is 1.

    Its peak is near the middle, so that the augmentation colours a clip without moving it in time.
    """
    n = num_samples(_DEVICE_SECONDS)
    impulse = np.zeros(n)
    impulse[n // 2 - 1] = 1
    heard = device_colour(rng, impulse)
    box = resonances(heard, rng.uniform(200, 1500, 2), rng.uniform(80, 300, 2))
    response = heard + rng.uniform(0.2, 0.6) * box * np.linalg.norm(heard) / np.linalg.norm(box)
    response *= hump(n, attack=0.001, release=0.005)
    return response / np.linalg.norm(response)


def _distant_crowd(rng: Generator, n: int) -> np.ndarray:
    out = np.zeros(n)
    for _ in range(4):
        voice = random_voice(rng)
        seconds = rng.uniform(2.0, 4.0)
        # One utterance heard again and again, half a turn apart: nobody follows a crowd word by word.
        murmur = speak(rng, seconds, voice)
        start = -int(rng.uniform(0, seconds) * SAMPLE_RATE)
        while start < n:
            place(out, murmur, start)
            start += int(len(murmur) * rng.uniform(0.9, 1.5))
    return unit_rms(band(out, 200, 1400))
