"""Start PaSST from an image transformer: the weights of DeiT, bent to spectrograms.

Image patches of 16 x 16 pixels in three colours become spectrogram patches of all mel bands and two columns; the grid
of positions becomes one position in time and one, shared by all tokens, in frequency. The convolutional stem has no
counterpart and keeps its initialisation.

Source: Touvron et al., arXiv 2012.12877 (DeiT); the import of the public CP-JKU DCASE 2024 Task 4 code.
"""

from __future__ import annotations

from math import isqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from sedlab.config.model import PasstConfig
from sedlab.errors import SedlabError

_STEM_CHANNELS = 16  # channels of the stem's output once four rows are folded into one
_COLUMNS = 2
STEM = "transformer.stem."


def passt_from_deit(state: dict[str, Tensor], config: PasstConfig) -> dict[str, Tensor]:
    """Return the weights of a PaSST without stem, from those of a DeiT with ``deit.position`` and ``deit.patch``.

    Raises
    ------
    SedlabError
        When one of the two is missing or has a shape that cannot be converted.
    """
    state = dict(state)
    try:
        position, patch = state.pop("deit.position"), state.pop("deit.patch")
    except KeyError as error:
        name = {"deit.position": "pos_embed", "deit.patch": "patch_embed.proj.weight"}[error.args[0]]
        raise SedlabError(f"1 tensor missing (first: {name!r}). Download the file again.") from error
    grid = isqrt(position.shape[1] - 2) if position.dim() == 3 else 0
    if grid < 1 or grid**2 != position.shape[1] - 2:
        raise SedlabError(f"pos_embed is {tuple(position.shape)}, expected two tokens and a square grid.")
    if patch.dim() != 4 or not patch.shape[1] or patch.shape[2] * patch.shape[3] != _COLUMNS * config.num_mels:
        raise SedlabError(f"patch_embed.proj.weight is {tuple(patch.shape)}, expected (D, 3, 16, 16).")
    state["transformer.token_position"] = position[:, :2].clone()
    time, frequency = _positions(position[:, 2:], grid, config.max_tokens)
    state["transformer.time_position"], state["transformer.frequency_position"] = time, frequency
    state["transformer.patch.weight"] = _patch(patch, config.num_mels)
    return state


def _positions(grid_positions: Tensor, grid: int, max_tokens: int) -> tuple[Tensor, Tensor]:
    """Return time (1, D, 1, T) and frequency position (1, D, 1, 1) of a square grid (1, grid · grid, D)."""
    image = grid_positions.transpose(1, 2).unflatten(2, (grid, grid))
    strip = F.interpolate(image, size=(1, max_tokens), mode="bicubic", align_corners=False)
    return strip.mean(dim=2, keepdim=True), strip.mean(dim=3, keepdim=True)


def _patch(kernel: Tensor, num_mels: int) -> Tensor:
    """Return the kernel (D, 16, num_mels, 2) of an image patch (D, 3, 16, 16): colours repeated, sum kept in scale."""
    colours = kernel.shape[1]
    repeats = -(-_STEM_CHANNELS // colours)
    repeated = torch.cat([kernel] * repeats, dim=1)[:, :_STEM_CHANNELS] * (colours / _STEM_CHANNELS)
    return repeated.reshape(len(kernel), _STEM_CHANNELS, num_mels, _COLUMNS)
