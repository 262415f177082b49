"""Synthetic weights and waveforms of the golden fixtures, rebuilt from their recipe.

The fixtures in `tests/golden/models` hold activations of the published code, run with weights that nobody has to store:
every tensor follows from its key in the published state dict, every waveform from its clip number and length. This
module is that recipe; `tests/golden/README.md` tells the conventions.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import torch

from sedlab.checkpoints.published.keys import detector_rules, transformer_rules, translate
from sedlab.config.model import Arch

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
SEED = "sedlab-golden-1"

#: Factor on a weight's 1/sqrt(fan-in) deviation: the first name found in the key counts.
_GAINS = (
    ("qkv.", 2.0),
    ("q_proj.", 2.0),
    ("k_proj.", 2.0),
    ("patch_embed", 3.0),
    ("attn.proj.", 0.5),
    ("mlp.fc2.", 0.5),
    ("cnn.cnn.conv", 2.0),
    ("dense", 4.0),
)
_HALF_NORMAL = ("pos_embed", "cls_token", "dist_token", "mask_embed")


def golden(name: str) -> dict[str, np.ndarray]:
    """Return all arrays of fixture ``name``."""
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return dict(arrays)


def manifest(name: str) -> dict[str, tuple[int, ...]]:
    """Return the published state-dict keys and shapes of network ``name``."""
    content = json.loads((GOLDEN / "manifests" / f"{name}.json").read_text())
    return {key: tuple(shape) for key, (shape, _) in content["state_dict"].items()}


def generator(*parts: object) -> np.random.Generator:
    """Return the generator that belongs to the joined ``parts``."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(":".join(str(part) for part in parts).encode())))


def weight(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the tensor of published state-dict ``key``."""
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, dtype=np.int64)
    if key.endswith("relative_attention_bias.weight"):  # one table, shared by all layers, drawn under layer 0's name
        head, tail = key.split("encoder.layers.")
        key = f"{head}encoder.layers.0.{tail.split('.', 1)[1]}"
    normal = generator(SEED, "w", key).standard_normal(shape)
    return _scaled(key, normal, shape).astype(np.float32)


def state(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Return tensors for a table of published keys and shapes."""
    return {key: torch.from_numpy(weight(key, tuple(shape))) for key, shape in shapes.items()}


def own_transformer_key(arch: Arch, key: str) -> str:
    """Return our name of a published transformer's ``key``, both without prefix."""
    return translate(transformer_rules(arch), key).removeprefix("transformer.")


def own_detector_key(arch: Arch, key: str) -> str | None:
    """Return our name of a published detector's ``key``, or None if it is not one."""
    return translate(detector_rules(arch), key)


def own_state(arch: str) -> dict[str, torch.Tensor]:
    """Return the golden weights of an architecture's detector under sedlab's names."""
    return {own_detector_key(arch, key): value for key, value in state(manifest(f"{arch}_detector")).items()}


@cache
def batch(seconds: int, clips: int = 2) -> np.ndarray:
    """Return waveforms (clips, samples): even clips are loud, odd ones 26 dB lower with a silent end."""
    return np.stack([_waveform(clip, seconds) for clip in range(clips)])


def _scaled(key: str, normal: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if key.endswith("running_var"):
        return 1 + 0.1 * np.abs(normal)
    if key.endswith("running_mean"):
        return 0.1 * normal
    if key.endswith("grep_a"):
        return 1 + 0.1 * normal
    if key.endswith(("weight.original0", "weight_g")):
        return 2.5 * (1 + 0.1 * normal)
    if key.endswith("relative_attention_bias.weight") or any(name in key for name in _HALF_NORMAL):
        return 0.5 * normal
    if len(shape) == 1:
        return 1 + 0.1 * normal if key.endswith(".weight") else 0.05 * normal
    gain = next((gain for name, gain in _GAINS if name in key), 1.0)
    return gain * normal / np.sqrt(prod(shape[1:]))


def _waveform(clip: int, seconds: float) -> np.ndarray:
    """Return four chirps with smooth envelopes over breathing noise."""
    num_samples = round(seconds * 16000)
    time = np.arange(num_samples) / 16000
    draw = generator(SEED, "x", clip, num_samples)
    start, end = draw.uniform(80, 3000, 4), draw.uniform(200, 7500, 4)
    level = draw.uniform(0.05, 0.25, 4)
    onset = draw.uniform(0, 0.6, 4) * seconds
    duration = draw.uniform(0.15, 0.5, 4) * seconds
    wave = 0.01 * (0.3 + 0.7 * np.sin(2 * np.pi * 0.3 * time) ** 2) * draw.standard_normal(num_samples)
    for k in range(4):
        inside = (time >= onset[k]) & (time - onset[k] < duration[k])
        t = np.where(inside, time - onset[k], 0.0)
        envelope = level[k] * np.sin(np.pi * t / duration[k]) ** 2
        chirp = np.sin(2 * np.pi * (start[k] * t + 0.5 * (end[k] - start[k]) * t * t / duration[k]))
        wave = wave + inside * envelope * chirp
    if clip % 2 == 1:
        wave = 0.05 * wave
        wave[int(0.85 * num_samples) :] = 0.0
    return wave.astype(np.float32)
