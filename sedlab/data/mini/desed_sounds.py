"""Recipes of the ten DESED classes.

Every recipe takes a generator and a wished duration in seconds and returns a waveform (samples,) of any level.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy import signal

from sedlab.data.mini.envelopes import curve, decay, glide, hump, num_samples, place, unit_rms
from sedlab.data.mini.filters import band, formants, resonances, tilt_spectrum
from sedlab.data.mini.sources import clicks, coloured_noise, damped_modes, harmonics, oscillate
from sedlab.data.mini.voices import random_voice, speak
from sedlab.grid import SAMPLE_RATE


def alarm_bell_ringing(rng: Generator, seconds: float) -> np.ndarray:
    """A smoke detector, an alarm clock, a telephone bell, a car alarm or a two-tone chime."""
    kind = rng.choice([_beeps, _hammered_bell, _warble, _chime], p=[0.4, 0.3, 0.15, 0.15])
    return kind(rng, seconds)


def blender(rng: Generator, seconds: float) -> np.ndarray:
    """A harmonic motor that runs up, labours under its load and runs down, with a roar of noise."""
    n = num_samples(seconds)
    up, down = rng.uniform(0.2, 0.7), rng.uniform(0.15, 0.4)
    pitch = rng.uniform(110, 260) * (1 + 0.025 * curve(rng, n, rate_hz=3))
    time = np.arange(n) / SAMPLE_RATE
    pitch *= 0.45 + 0.55 * np.minimum(1 - np.exp(-time / (up / 3)), 1 - np.exp(-(seconds - time) / (down / 2)))
    pitch = np.maximum(pitch, 40)
    amplitudes = harmonics(40, tilt=0.55) * rng.uniform(0.2, 1, 40)
    # Blades pass several times a turn: one harmonic family stands out.
    amplitudes[rng.integers(3, 7) - 1 :: rng.integers(4, 7)] *= 3
    motor = unit_rms(oscillate(pitch, amplitudes, rng=rng))
    roar = unit_rms(band(rng.standard_normal(n), rng.uniform(500, 1100), rng.uniform(3500, 6500)))
    chop = 1 + 0.5 * np.sin(2 * np.pi * np.cumsum(pitch / rng.choice([4, 6, 8])) / SAMPLE_RATE)
    load = 1 + 0.2 * curve(rng, n, rate_hz=4)
    return (motor + rng.uniform(0.35, 0.8) * roar * chop) * load * hump(n, attack=up, release=down)


def cat(rng: Generator, seconds: float) -> np.ndarray:
    """One to three meows: a pitch arc while the mouth opens and closes."""
    count = 1 if seconds < 1.0 else int(rng.integers(1, 3))
    base, tract = rng.uniform(380, 760), rng.uniform(0.85, 1.2)
    out = np.zeros(num_samples(seconds + 0.3))
    each = seconds / count
    for index in range(count):
        n = num_samples(each * rng.uniform(0.75, 0.9) if count > 1 else each)
        arc = glide(n, [0.75, 1.0, rng.uniform(1.05, 1.25), 1.0, rng.uniform(0.6, 0.85)])
        pitch = base * rng.uniform(0.92, 1.08) * arc * (1 + 0.012 * curve(rng, n, rate_hz=14))
        source = oscillate(pitch, harmonics(30, tilt=0.7)) + 0.15 * rng.standard_normal(n)
        mouth = tract * np.array([[450, 2300], [900, 2100], [1250, 1800], [950, 1400], [550, 1000]])
        meow = formants(source, mouth, bandwidths=(140, 220), levels=(1, 0.6))
        place(out, meow * hump(n, attack=0.06, release=0.35 * n / SAMPLE_RATE), int(index * each * SAMPLE_RATE))
    return out


def dishes(rng: Generator, seconds: float) -> np.ndarray:
    """A cluster of hits on crockery, glass or cutlery."""
    return dish_cluster(rng, seconds, hits_per_second=rng.uniform(4, 11))


def dish_cluster(rng: Generator, seconds: float, *, hits_per_second: float) -> np.ndarray:
    """Return hits on two or three bodies, spread over ``seconds`` and ringing into each other."""
    out = np.zeros(num_samples(seconds + 0.4))
    bodies = [_dish(rng) for _ in range(rng.integers(2, 4))]
    times = np.sort(rng.uniform(0, max(seconds - 0.15, 0.01), max(1, rng.poisson(seconds * hits_per_second))))
    for time in np.concatenate([[0.0], times[1:]]):
        frequencies, decays, amplitudes = bodies[rng.integers(len(bodies))]
        n = num_samples(min(0.5, 6 * decays.max()))
        hit = damped_modes(
            rng, n, frequencies=frequencies, decays=decays, amplitudes=amplitudes * rng.uniform(0.4, 1, len(amplitudes))
        )
        hit[:80] += rng.standard_normal(min(n, 80)) * np.linspace(1, 0, 80)[: min(n, 80)] * amplitudes.max()
        place(out, hit * rng.lognormal(0, 0.5), int(time * SAMPLE_RATE))
    return out


def dog(rng: Generator, seconds: float) -> np.ndarray:
    """Barks: short, harmonic and hoarse, the pitch jumps up and falls."""
    size = rng.uniform(0, 1)  # 0 a large dog, 1 a small one
    base = 240 * 3.2**size
    throat = np.array([620, 1500]) * 1.7**size
    interval = rng.uniform(0.28, 0.6)
    count = max(1, round(seconds / interval))
    out = np.zeros(num_samples(seconds + 0.6))
    for index in range(count):
        n = num_samples(rng.uniform(0.18, 0.34) * (1.15 - 0.3 * size))
        pitch = base * rng.uniform(0.9, 1.1) * glide(n, [0.75, 1.15, 1.0, 0.6], [0, 0.15, 0.45, 1])
        source = unit_rms(oscillate(pitch, harmonics(30, tilt=0.5))) + rng.uniform(0.3, 0.8) * rng.standard_normal(n)
        opened = throat * np.array([[0.75, 0.9], [1.15, 1.05], [0.8, 0.95]])
        bark = formants(source, opened, bandwidths=(180, 300), levels=(1, 0.7))
        bark *= decay(n, attack=0.012, constant=0.1) * hump(n, attack=0.005, release=0.04)
        place(out, bark * rng.uniform(0.6, 1), int((index + rng.uniform(-0.12, 0.12)) * interval * SAMPLE_RATE))
    return out


def electric_shaver_toothbrush(rng: Generator, seconds: float) -> np.ndarray:
    """A steady buzz: the comb of a mains-driven shaver, or of a toothbrush that beats."""
    n = num_samples(seconds)
    shaver = rng.random() < 0.65
    pitch = rng.uniform(95, 130) if shaver else rng.uniform(210, 280)
    drift = 1 + 0.006 * curve(rng, n, rate_hz=1.5)
    buzz = unit_rms(oscillate(pitch * drift, harmonics(60, tilt=0.25) * rng.uniform(0.3, 1, 60), rng=rng))
    if not shaver:
        buzz += 0.7 * unit_rms(oscillate(pitch * 1.02 * drift, harmonics(30, tilt=0.4), rng=rng))
    # Moving over skin or teeth changes what resonates, a little all the time.
    points = max(2, int(seconds * 2))
    walk = np.column_stack(
        [rng.uniform(700, 1600, points), rng.uniform(2200, 4500, points), rng.uniform(5000, 7000, points)]
    )
    buzz = formants(buzz, walk, bandwidths=(500, 900, 1200), levels=(1, 0.9, 0.5))
    hiss = 0.15 * unit_rms(band(rng.standard_normal(n), 3000, None)) * np.sqrt(np.mean(buzz**2))
    return (buzz + hiss) * (1 + 0.08 * curve(rng, n, rate_hz=6)) * hump(n, attack=0.05, release=0.05)


def frying(rng: Generator, seconds: float) -> np.ndarray:
    """Crackle: countless tiny pops of very different size over a soft hiss."""
    n = num_samples(seconds)
    rate = rng.uniform(70, 260) * np.exp(0.4 * curve(rng, n, rate_hz=1.5))
    fine = resonances(clicks(rng, n, rate_hz=rate, spread=0.8), rng.uniform(2200, 6800, 3), (900, 1200, 1500))
    coarse = resonances(clicks(rng, n, rate_hz=rate / 25, spread=0.6), rng.uniform(900, 2500, 2), (350, 500))
    hiss = unit_rms(band(rng.standard_normal(n), rng.uniform(2200, 3600), None)) * np.exp(
        0.12 * curve(rng, n, rate_hz=3)
    )
    # Limited, or the one largest pop would set the level of the whole clip.
    fine, coarse = (8 * np.tanh(unit_rms(pops) / 8) for pops in (fine, coarse))
    mix = fine + rng.uniform(0.2, 0.5) * coarse + rng.uniform(0.4, 0.9) * hiss
    return mix * hump(n, attack=rng.uniform(0.05, 0.6), release=rng.uniform(0.05, 0.4))


def running_water(rng: Generator, seconds: float) -> np.ndarray:
    """A tap: filtered noise that flows, full of bubbles whose pitch rises."""
    n = num_samples(seconds)
    stream = band(rng.standard_normal(n), rng.uniform(250, 600), rng.uniform(2200, 5200), order=1)
    flow = np.exp(0.25 * curve(rng, n, rate_hz=rng.uniform(5, 9)))
    stream = unit_rms(stream) * flow
    bubbles = np.zeros(n)
    length = num_samples(0.05)
    time = np.arange(length) / SAMPLE_RATE
    starts = rng.integers(0, n, rng.poisson(seconds * rng.uniform(25, 90)))
    pitch = rng.uniform(380, 2000, len(starts))
    rise = 1 + rng.uniform(1, 5, len(starts))[:, None] * time
    pieces = np.sin(2 * np.pi * pitch[:, None] * rise * time) * np.exp(
        -time / rng.uniform(0.006, 0.02, len(starts))[:, None]
    )
    for start, piece in zip(starts, pieces * rng.lognormal(0, 0.5, len(starts))[:, None], strict=True):
        place(bubbles, piece, int(start))
    mix = stream + rng.uniform(0.4, 1.1) * unit_rms(bubbles)
    # The sink or basin below colours the whole.
    basin = resonances(mix, rng.uniform(300, 1800, 2), (220, 350))
    return (mix + 0.8 * unit_rms(basin)) * hump(n, attack=rng.uniform(0.1, 0.4), release=rng.uniform(0.1, 0.5))


def speech(rng: Generator, seconds: float) -> np.ndarray:
    """One adult, or sometimes a child, who says something unintelligible."""
    return speak(rng, seconds, random_voice(rng, "child" if rng.random() < 0.1 else "adult"))


def vacuum_cleaner(rng: Generator, seconds: float) -> np.ndarray:
    """Broad noise with fixed resonances and a thin motor whine; starts and stops with a sweep."""
    n = num_samples(seconds)
    up, down = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.8)
    speed = hump(n, attack=up, release=down)
    noise = coloured_noise(rng, n, exponent=rng.uniform(0.5, 1.1))
    nozzle = resonances(noise, rng.uniform([350, 1000, 2500], [700, 2000, 5000]), (150, 300, 700))
    suction = 1 + 0.12 * curve(rng, n, rate_hz=1.0)
    airflow = tilt_spectrum(unit_rms(noise) + 0.8 * unit_rms(nozzle), 400 + 6500 * speed * suction.clip(0.6, 1.3))
    pitch = rng.uniform(320, 800) * (0.35 + 0.65 * speed) * (1 + 0.004 * curve(rng, n, rate_hz=2)) * suction**0.2
    whine = unit_rms(oscillate(pitch, harmonics(10, tilt=0.9) * rng.uniform(0.3, 1, 10), rng=rng))
    return (unit_rms(airflow) + rng.uniform(0.15, 0.5) * whine) * (0.02 + 0.98 * speed) * suction


def _dish(rng: Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frequencies (modes,) in Hz, decay times in seconds and amplitudes of a plate, a glass or a spoon."""
    kind = rng.choice(["plate", "glass", "cutlery"], p=[0.5, 0.2, 0.3])
    count, low, ring = {"plate": (12, 700, 0.035), "glass": (6, 1600, 0.09), "cutlery": (10, 2400, 0.06)}[kind]
    # Modes of a plate crowd towards high frequencies and ring shorter there.
    frequencies = rng.uniform(low, 1.6 * low) * (1 + np.append(0.0, np.sort(rng.uniform(0.1, 4.5, count - 1))) ** 1.1)
    frequencies = frequencies[frequencies < 7600]
    decays = ring * rng.uniform(0.4, 1.4, len(frequencies)) * (frequencies[0] / frequencies) ** 0.5
    return frequencies, decays, rng.lognormal(0, 0.6, len(frequencies))


def _beeps(rng: Generator, seconds: float) -> np.ndarray:
    n = num_samples(seconds)
    pitch = np.full(n, rng.uniform(900, 3400))
    beep, gap = rng.uniform(0.06, 0.4), rng.uniform(0.05, 0.3)
    group, pause = int(rng.integers(1, 5)), rng.uniform(0.0, 0.4)
    period = group * (beep + gap) + pause
    time = np.arange(n) / SAMPLE_RATE % period
    on = (time < group * (beep + gap)) & (time % (beep + gap) < beep)
    # 3 ms edges: a piezo starts fast but does not click.
    envelope = np.convolve(on, np.ones(48) / 48, mode="same")
    if rng.random() < 0.35:
        pitch *= np.where((np.arange(n) / SAMPLE_RATE / (beep + gap)).astype(int) % 2, rng.uniform(0.72, 0.9), 1.0)
    return oscillate(pitch, np.array([1, 0, rng.uniform(0.1, 0.5), 0, rng.uniform(0, 0.25)])) * envelope


def _hammered_bell(rng: Generator, seconds: float) -> np.ndarray:
    n = num_samples(seconds)
    base = rng.uniform(800, 2000)
    ratios = np.array([1, 1.51, 2.02, 2.74, 3.03, 4.1]) * rng.uniform(0.98, 1.02, 6)
    strikes = np.zeros(n)
    interval = 1 / rng.uniform(10, 24)
    times = np.arange(0, seconds, interval) + rng.normal(0, 0.002, len(np.arange(0, seconds, interval)))
    if rng.random() < 0.4:  # a telephone rings in bursts
        times = times[times % rng.uniform(1.2, 2.0) < rng.uniform(0.7, 1.0)]
    strikes[np.clip((times * SAMPLE_RATE).astype(int), 0, n - 1)] = rng.uniform(0.7, 1.0, len(times))
    length = num_samples(0.5)
    frequencies = base * ratios[base * ratios < 7600]
    bell = damped_modes(
        rng, length, frequencies=frequencies, decays=rng.uniform(0.05, 0.2, len(frequencies)),
        amplitudes=rng.uniform(0.3, 1, len(frequencies)),
    )  # fmt: skip
    return signal.fftconvolve(strikes, bell)[:n]


def _warble(rng: Generator, seconds: float) -> np.ndarray:
    n = num_samples(seconds)
    phase = np.arange(n) / SAMPLE_RATE * rng.uniform(1.5, 6)
    sweep = np.abs(2 * (phase % 1) - 1) if rng.random() < 0.5 else phase % 1
    pitch = rng.uniform(700, 1400) * 2 ** (sweep * rng.uniform(0.4, 1.0))
    return oscillate(pitch, harmonics(5, tilt=1.0)) * hump(n, attack=0.01, release=0.02)


def _chime(rng: Generator, seconds: float) -> np.ndarray:
    out = np.zeros(num_samples(seconds + 0.5))
    base = rng.uniform(600, 1500)
    for index in range(max(2, round(seconds / rng.uniform(0.35, 0.6)))):
        frequencies = base * (1.26 if index % 2 == 0 else 1.0) * np.array([1, 2, 3.01, 4.2])
        tone = damped_modes(
            rng, num_samples(0.7), frequencies=frequencies, decays=np.array([0.25, 0.15, 0.08, 0.05]),
            amplitudes=np.array([1, 0.4, 0.25, 0.15]),
        )  # fmt: skip
        place(out, tone, int(index * 0.45 * SAMPLE_RATE))
    return out
