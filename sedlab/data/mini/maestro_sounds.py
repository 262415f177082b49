"""Recipes of the MAESTRO Real classes: streets, stations, shops and cafés.

As in `desed_sounds`, a recipe takes a generator and a wished duration in seconds and returns a waveform (samples,).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from sedlab.data.mini.desed_sounds import dish_cluster
from sedlab.data.mini.envelopes import curve, decay, glide, hump, num_samples, place, unit_rms
from sedlab.data.mini.filters import band, formants, resonances, tilt_spectrum
from sedlab.data.mini.sources import clicks, coloured_noise, damped_modes, harmonics, oscillate
from sedlab.data.mini.voices import conversation, random_voice, speak
from sedlab.grid import SAMPLE_RATE


def birds_singing(rng: Generator, seconds: float) -> np.ndarray:
    """One to three birds that repeat short phrases of whistles and trills."""
    out = np.zeros(num_samples(seconds))
    for _ in range(int(rng.integers(1, 4))):
        base = rng.uniform(2300, 5000)
        phrase = [(base * 2 ** rng.uniform(-0.25, 0.45, 3), rng.uniform(0.04, 0.16)) for _ in range(rng.integers(1, 5))]
        gain, repeats = rng.uniform(0.4, 1), int(rng.integers(1, 6))
        time = rng.uniform(0, 0.3)
        while time < seconds:
            for knots, duration in phrase * repeats:
                n = num_samples(duration)
                pitch = np.clip(glide(n, knots) * (1 + 0.01 * curve(rng, n, rate_hz=80)), 1500, 7400)
                whistle = oscillate(pitch, np.array([1, 0.08])) * hump(n, attack=0.012, release=0.02)
                place(out, gain * whistle, int(time * SAMPLE_RATE))
                time += duration + rng.uniform(0.01, 0.06)
            time += rng.uniform(0.15, 0.8)
    return out


def brakes_squeaking(rng: Generator, seconds: float) -> np.ndarray:
    """A rough, loud, high squeal that wavers and sinks as the wheels stop."""
    n = num_samples(seconds)
    pitch = rng.uniform(1500, 3300) * glide(n, [1.0, rng.uniform(0.98, 1.06), rng.uniform(0.8, 0.97)])
    pitch *= 1 + 0.006 * curve(rng, n, rate_hz=18)
    squeal = oscillate(pitch, np.array([1, rng.uniform(0.2, 0.7), rng.uniform(0.05, 0.3)]), rng=rng)
    second = oscillate(pitch * rng.uniform(1.2, 1.45), np.array([1.0, 0.3]))
    rough = np.exp(0.45 * curve(rng, n, rate_hz=28))
    rub = unit_rms(band(rng.standard_normal(n), 1200, 6000)) * 0.12
    return (
        (squeal + rng.uniform(0, 0.5) * second + rub) * rough * hump(n, attack=0.15 * seconds, release=0.25 * seconds)
    )


def car(rng: Generator, seconds: float) -> np.ndarray:
    """A car that passes: tyre noise that brightens and fades, a touch of engine."""
    n = num_samples(seconds)
    near = _passing(rng, n, sharpness=rng.uniform(2.5, 4.5))
    tyres = unit_rms(resonances(coloured_noise(rng, n, exponent=0.7), rng.uniform(650, 1300, 1), (900,)))
    tyres += 0.25 * unit_rms(band(rng.standard_normal(n), 1500, 6000))
    engine = rng.uniform(60, 130) * (1 + 0.05 * np.tanh(np.linspace(3, -3, n)))
    engine = unit_rms(oscillate(engine, harmonics(20, tilt=0.9) * rng.uniform(0.4, 1, 20), rng=rng))
    return tilt_spectrum(tyres + rng.uniform(0.1, 0.5) * engine, 500 + 5500 * near) * near


def large_vehicle(rng: Generator, seconds: float) -> np.ndarray:
    """A bus or lorry: a diesel that knocks slowly and deeply, now and then the hiss of its air brakes."""
    n = num_samples(seconds)
    near = _passing(rng, n, sharpness=rng.uniform(1.2, 2.4))
    rise = glide(n, rng.uniform(0.85, 1.25, 3))
    firing = rng.uniform(26, 48) * rise * (1 + 0.015 * curve(rng, n, rate_hz=6))
    knock = oscillate(firing, harmonics(80, tilt=0.35) * rng.uniform(0.3, 1, 80), rng=rng)
    block = rng.uniform([70, 160, 420, 900], [110, 280, 650, 1500])
    engine = unit_rms(resonances(knock, block, (40, 90, 200, 400)))
    roll = unit_rms(band(rng.standard_normal(n), None, 350))
    out = tilt_spectrum(engine + rng.uniform(0.3, 0.6) * roll, 350 + 2600 * near) * near
    if rng.random() < 0.4:
        length = num_samples(rng.uniform(0.3, 0.8))
        hiss = unit_rms(band(rng.standard_normal(length), 2000, None)) * decay(length, attack=0.01, constant=0.15)
        place(out, rng.uniform(0.4, 0.9) * hiss, int(n * rng.uniform(0.35, 0.7)))
    return out


def footsteps(rng: Generator, seconds: float) -> np.ndarray:
    """Regular steps: a heel that thumps or clacks, a softer sole a tenth of a second later."""
    out = np.zeros(num_samples(seconds + 0.2))
    interval = rng.uniform(0.36, 0.65)
    hard = rng.random() < 0.5
    ranges = ((500, 1100), (2200, 4500), (0.008, 0.02)) if hard else ((90, 180), (500, 1100), (0.015, 0.035))
    low, high, ring = (rng.uniform(*bounds) for bounds in ranges)
    for index in range(max(2, round(seconds / interval))):
        start = (index + rng.normal(0, 0.02)) * interval
        n = num_samples(0.16)
        heel = unit_rms(band(rng.standard_normal(n), low, high)) * decay(n, attack=0.001, constant=ring)
        thud = damped_modes(
            rng, n, frequencies=rng.uniform([80, 160], [120, 260]), decays=np.array([0.03, 0.02]),
            amplitudes=rng.uniform(0.3, 1.0, 2),
        )  # fmt: skip
        sole = unit_rms(band(rng.standard_normal(n), 1500, 5500)) * decay(n, attack=0.02, constant=0.025)
        foot = rng.uniform(0.8, 1.2) if index % 2 else 1.0
        place(out, foot * rng.uniform(0.8, 1.1) * (heel + 0.6 * thud), int(start * SAMPLE_RATE))
        place(out, foot * rng.uniform(0.1, 0.3) * sole, int((start + rng.uniform(0.08, 0.12)) * SAMPLE_RATE))
    return out


def children_voices(rng: Generator, seconds: float) -> np.ndarray:
    """Children who call and chatter: high, lively pitch, small vocal tracts, shouts among it."""
    out = conversation(rng, seconds, num_voices=int(rng.integers(1, 4)), kind="child")
    for _ in range(rng.poisson(0.5 * seconds)):
        n = num_samples(rng.uniform(0.25, 0.7))
        pitch = rng.uniform(480, 800) * glide(n, [0.85, rng.uniform(1.05, 1.35), rng.uniform(0.8, 1.1)])
        shout = formants(
            oscillate(pitch, harmonics(15, tilt=0.5)), np.array([[900, 1900], [1200, 2200]]), bandwidths=(200, 300)
        )
        place(out, 1.5 * unit_rms(shout) * hump(n, attack=0.05, release=0.1), int(rng.integers(0, len(out))))
    return out


def people_talking(rng: Generator, seconds: float) -> np.ndarray:
    """Two to four adults in conversation."""
    return conversation(rng, seconds, num_voices=int(rng.integers(2, 5)), kind="adult")


def wind_blowing(rng: Generator, seconds: float) -> np.ndarray:
    """Gusts: low noise that swells, and a whistling resonance that follows the gust."""
    n = num_samples(seconds)
    gust = np.clip(0.55 + 0.3 * curve(rng, n, rate_hz=rng.uniform(0.5, 1.2)), 0.12, 1.3)
    noise = coloured_noise(rng, n, exponent=rng.uniform(1.0, 1.6))
    body = tilt_spectrum(noise, 250 + rng.uniform(500, 1100) * gust, order=3)
    points = gust[:: SAMPLE_RATE // 10, None]
    whistle = formants(
        rng.standard_normal(n), rng.uniform(350, 800) * (0.7 + 0.8 * points), bandwidths=(rng.uniform(35, 80),)
    )
    mix = unit_rms(body) + rng.uniform(0.1, 0.5) * unit_rms(whistle) * gust
    return mix * gust**1.3 * np.exp(0.15 * curve(rng, n, rate_hz=12)) * hump(n, attack=0.6, release=0.8)


def cutlery_and_dishes(rng: Generator, seconds: float) -> np.ndarray:
    """A table being set or cleared: the hits of `dishes`, for longer and with more pauses."""
    return dish_cluster(rng, seconds, hits_per_second=rng.uniform(2.5, 7))


def metro_approaching(rng: Generator, seconds: float) -> np.ndarray:
    """A train that comes in: rumble and hiss grow louder and brighter, the motor's whine sinks, brakes may squeal."""
    n = num_samples(seconds)
    out = _train(rng, n, near=np.linspace(0.0, 1.0, n), speed=glide(n, [1.0, 0.9, 0.35]))
    if rng.random() < 0.5:
        squeal = brakes_squeaking(rng, min(0.3 * seconds, 2.0))
        place(out, 0.35 * unit_rms(squeal), n - len(squeal))
    return out * hump(n, attack=0.05, release=0.5)


def metro_leaving(rng: Generator, seconds: float) -> np.ndarray:
    """A train that departs: the whine climbs step by step while rumble and hiss grow distant."""
    n = num_samples(seconds)
    out = _train(rng, n, near=np.linspace(1.0, 0.0, n), speed=glide(n, [0.2, 0.75, 1.0]))
    return out * hump(n, attack=0.5, release=0.05)


def announcement(rng: Generator, seconds: float) -> np.ndarray:
    """A chime of two or three notes, then a voice through a small loudspeaker."""
    out = np.zeros(num_samples(seconds))
    notes = rng.uniform(450, 700) * np.array([1.5, 1.25, 1.0])[: rng.integers(2, 4)]
    for index, note in enumerate(notes):
        n = num_samples(0.6)
        place(out, oscillate(np.full(n, note), np.array([1, 0.2])) * decay(n, attack=0.01, constant=0.2), index * 5600)
    start = 0.35 * len(notes) + 0.3
    voice = speak(rng, max(0.8, seconds - start), random_voice(rng))
    place(out, 1.2 * band(voice, 450, 3200, order=4), int(start * SAMPLE_RATE))
    return out


def cash_register_beeping(rng: Generator, seconds: float) -> np.ndarray:
    """Single scanner beeps at irregular distances."""
    out = np.zeros(num_samples(seconds))
    pitch, length = rng.uniform(1900, 3100), num_samples(rng.uniform(0.07, 0.16))
    time = 0.0
    while time < max(seconds - 0.1, 0.05):
        beep = oscillate(np.full(length, pitch), np.array([1, 0, 0.15])) * hump(length, attack=0.004, release=0.006)
        place(out, beep, int(time * SAMPLE_RATE))
        time += rng.uniform(0.6, 1.4)
    return out


def coffee_machine(rng: Generator, seconds: float) -> np.ndarray:
    """A pump that buzzes at the mains frequency, then steam."""
    n = num_samples(seconds)
    pump = unit_rms(oscillate(np.full(n, 50.0), harmonics(60, tilt=0.4) * rng.uniform(0.2, 1, 60), rng=rng))
    steam = unit_rms(band(rng.standard_normal(n), rng.uniform(1500, 2800), None)) * np.exp(
        0.3 * curve(rng, n, rate_hz=5)
    )
    blend = np.clip((np.linspace(0, 1, n) - rng.uniform(0.2, 0.7)) * 8, 0, 1)
    return (pump * (1 - blend) + steam * blend) * hump(n, attack=0.1, release=0.2)


def door(rng: Generator, seconds: float) -> np.ndarray:
    """A hinge that creaks and a leaf that falls shut."""
    n = num_samples(max(seconds, 0.6))
    out = np.zeros(n)
    creak_length = int(0.6 * n)
    grains = rng.uniform(30, 90) * (1 + 0.4 * curve(rng, creak_length, rate_hz=4)).clip(0.4)
    creak = resonances(oscillate(grains, harmonics(120, tilt=0.1)), rng.uniform(500, 2500, 3), (60, 90, 120))
    place(out, 0.25 * unit_rms(creak) * hump(creak_length, attack=0.1, release=0.15), 0)
    slam_length = n - creak_length
    slam = damped_modes(rng, slam_length, frequencies=rng.uniform(70, 420, 8), decays=rng.uniform(0.03, 0.09, 8))
    knock = band(rng.standard_normal(slam_length), 300, 3000) * decay(slam_length, attack=0.001, constant=0.02)
    place(out, 0.5 * slam + knock, creak_length)
    return out


def furniture_dragging(rng: Generator, seconds: float) -> np.ndarray:
    """A chair over the floor: stick-slip pulses through wooden resonances."""
    n = num_samples(seconds)
    slips = rng.uniform(70, 200) * np.exp(0.25 * curve(rng, n, rate_hz=7))
    scrape = oscillate(slips, harmonics(60, tilt=0.3)) + 2 * rng.standard_normal(n)
    wood = resonances(scrape, rng.uniform([250, 600, 1300], [500, 1100, 2600]), (90, 160, 300))
    return wood * np.exp(0.5 * curve(rng, n, rate_hz=9)) * hump(n, attack=0.05, release=0.1)


def shopping_cart(rng: Generator, seconds: float) -> np.ndarray:
    """Wheels that rumble over tiles and a wire basket that rattles."""
    n = num_samples(seconds)
    rattle = resonances(clicks(rng, n, rate_hz=70, spread=0.8), rng.uniform(1500, 6000, 5), rng.uniform(40, 120, 5))
    rumble = unit_rms(band(rng.standard_normal(n), 120, 700)) * (
        1 + 0.5 * np.sign(np.sin(np.arange(n) * 2 * np.pi * 9 / SAMPLE_RATE))
    )
    return (unit_rms(rattle) + 0.7 * rumble) * np.exp(0.4 * curve(rng, n, rate_hz=4)) * hump(n, attack=0.4, release=0.4)


def _passing(rng: Generator, n: int, *, sharpness: float) -> np.ndarray:
    """Return how near something is that drives by (n,): 1 at the closest point, near 0 at both ends."""
    position = np.linspace(-1, 1, n) + rng.uniform(-0.3, 0.3)
    return 1 / (1 + (sharpness * position) ** 2) ** 1.2


def _train(rng: Generator, n: int, *, near: np.ndarray, speed: np.ndarray) -> np.ndarray:
    loudness = 0.09 + 0.91 * near**1.8
    rumble = unit_rms(band(rng.standard_normal(n), 45, rng.uniform(180, 320)))
    wheels = unit_rms(coloured_noise(rng, n, exponent=0.8)) * (0.3 + 0.7 * speed)
    joints = resonances(clicks(rng, n, rate_hz=5 * speed, spread=0.3), rng.uniform(250, 900, 2), (90, 160))
    whine = oscillate(rng.uniform(700, 1500) * (0.12 + 0.88 * speed), np.array([1, 0.5, 0.3, 0.1]), rng=rng)
    body = rumble + rng.uniform(0.6, 1.1) * wheels + 0.4 * unit_rms(joints)
    body = tilt_spectrum(body, 250 + 5500 * near**1.5) + rng.uniform(0.25, 0.6) * unit_rms(whine) * speed
    return body * loudness
