"""Which way each layer is computed on a kind of device: the plain one unless this process was told of another.

`choose` sets ways for good, ``with chosen(...)`` for a while. A layer falls back on its plain way where the one asked
for does not serve an input (its precision, its sizes, torch.compile at work). `sedlab.models.trials` finds out which
ways are right and fast on a device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from sedlab.errors import SedlabError

#: The ways there are, the plain one first; `sedlab.models.layers` says what each layer computes.
WAYS: dict[str, tuple[str, ...]] = {
    "position_convolution": ("plain", "blocks", "unfold", "fft"),
    "gated_attention": ("plain", "half", "flex", "triton"),
    "cnn_block": ("plain", "channels_last", "channels_last_native", "compile", "triton"),
    "gru": ("plain", "directions", "triton", "triton_shares"),
    "residual_norm": ("plain", "triton"),
    "pool_time": ("plain", "matrix"),
    "weights": ("plain", "kept_casts"),
}

_chosen: dict[tuple[str, str], str] = {}


def choose(device: str, /, **ways: str) -> None:
    """Compute these layers so on ``device`` ("cuda", "cpu") from now on: ``choose("cuda", gru="triton")``.

    Raises
    ------
    SedlabError
        When there is no such layer or no such way.
    """
    for layer, way_name in ways.items():
        if layer not in WAYS:
            raise SedlabError(f"choose: there is no layer {layer!r}. Layers: {', '.join(WAYS)}.")
        if way_name not in WAYS[layer]:
            raise SedlabError(f"choose: {layer} has no way {way_name!r}. Ways: {', '.join(WAYS[layer])}.")
    _chosen.update({(device, layer): way_name for layer, way_name in ways.items()})


@contextmanager
def chosen(device: str, /, **ways: str) -> Iterator[None]:
    """Compute these layers so while the context is open; errors as in `choose`."""
    before = dict(_chosen)
    choose(device, **ways)
    try:
        yield
    finally:
        _chosen.clear()
        _chosen.update(before)


def way(layer: str, x: Tensor) -> str:
    """Return the way in which ``layer`` is to be computed for its input ``x``."""
    return _chosen.get((x.device.type, layer), "plain")


def ways(device: str) -> dict[str, str]:
    """Return the present way of every layer on ``device``."""
    return {layer: _chosen.get((device, layer), "plain") for layer in WAYS}
