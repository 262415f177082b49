"""The grid of samples and frames that everything here shares: 10 s of mono sound at 16 kHz, and what networks score.

Detectors give an output frame every 64 ms (the CRNN's hop of 256 samples, pooled by 4); networks trained on AudioSet
strong, which have no CRNN, one every 40 ms.
"""

from __future__ import annotations

SAMPLE_RATE = 16_000
CLIP_SECONDS = 10.0
CLIP_SAMPLES = 160_000
#: What 16-bit samples are divided by; a power of two, so that no digit is lost.
FULL_SCALE = 32768.0

FRAME_SAMPLES = 1024
FRAME_SECONDS = 0.064
NUM_FRAMES = 156

AUDIOSET_FRAME_SAMPLES = 640
AUDIOSET_FRAME_SECONDS = 0.04
AUDIOSET_NUM_FRAMES = 250
