"""Sizes of published networks, read off the shapes of their tensors.

What leaves no trace in a shape (hop sizes, band edges, how time is pooled) is as published. A tensor that is missing
gives the published size too; loading then reports it.

Keys here are ours, with their places in the network: ``transformer.blocks.0.norm1.weight``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sedlab.config.model import (
    Arch,
    AtstConfig,
    BeatsConfig,
    CrnnConfig,
    DetectorConfig,
    PasstConfig,
    PoolMode,
    TaggerConfig,
    TransformerConfig,
)
from sedlab.errors import SedlabError

State = Mapping[str, Tensor]

#: Of the README recipes; with a learnt convolution the file tells.
README_POOL: dict[Arch, PoolMode] = {"passt": "nearest-exact", "beats": "nearest-exact", "atst": "aap"}
_HEAD_DIM = 64
_PATCH_FRAMES = 4

#: What BEATs assumes where its configuration says nothing.
_BEATS_DEFAULTS: dict[str, Any] = {
    "input_patch_size": -1,
    "embed_dim": 512,
    "conv_bias": False,
    "encoder_layers": 12,
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "encoder_attention_heads": 12,
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "deep_norm": False,
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "encoder_layerdrop": 0.0,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "relative_position_embedding": False,
    "num_buckets": 320,
    "max_distance": 1280,
    "gru_rel_pos": False,
}
#: The only values for which there is code.
_BEATS_FIXED = {
    "conv_bias": False,
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "deep_norm": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
}


def transformer_config(arch: Arch, state: State, *, heads: int | None = None) -> TransformerConfig:
    """Return the configuration of the transformer in ``state``.

    Parameters
    ----------
    heads : int, optional
        Attention heads of PaSST and ATST; by default one for each 64 dimensions, as published. BEATs' show in its bias.

    Raises
    ------
    SedlabError
        When the width is not a multiple of 64 and ``heads`` is not given.
    """
    if arch == "beats":
        return _beats(state)
    dim = _size(state, "transformer.final_norm.weight", 0, 768)
    if heads is None and dim % _HEAD_DIM:
        raise SedlabError(
            f"a width of {dim} is not a multiple of {_HEAD_DIM}, so the number of attention heads is not known. "
            "Give heads=."
        )
    sizes = {"dim": dim, "depth": _layers(state, "transformer.blocks."), "heads": heads or dim // _HEAD_DIM}
    sizes["mlp_dim"] = _size(state, "transformer.blocks.0.up.weight", 0, 3072)
    if arch == "atst":
        return AtstConfig(
            **sizes,
            num_mels=_size(state, "transformer.patch.weight", 1, 256) // _PATCH_FRAMES,
            max_tokens=_size(state, "transformer.position", 1, 251) - 1,
        )
    return PasstConfig(
        **sizes,
        num_mels=_size(state, "transformer.patch.weight", 2, 128),
        stem_channels=tuple(_size(state, f"transformer.stem.{i}.weight", 0, 16 * 2**i) for i in range(3)),
        max_tokens=_size(state, "transformer.time_position", 3, 250),
    )


def beats_config(cfg: Mapping[str, Any]) -> BeatsConfig:
    """Return the configuration that ``cfg`` of an original BEATs file describes.

    Raises
    ------
    SedlabError
        When it asks for a variant that is not implemented, naming the setting.
    """
    settings = {**_BEATS_DEFAULTS, **{key: cfg[key] for key in _BEATS_DEFAULTS if key in cfg}}
    for key, supported in _BEATS_FIXED.items():
        if settings[key] != supported:
            stated = "" if key in cfg else ", which is what a missing entry means"
            raise SedlabError(
                f"cfg asks for {key} = {settings[key]!r}{stated}; only {supported!r} is implemented. "
                "Use a BEATs_iter3 or BEATs_iter3+ checkpoint."
            )
    return BeatsConfig(
        dim=settings["encoder_embed_dim"],
        depth=settings["encoder_layers"],
        heads=settings["encoder_attention_heads"],
        mlp_dim=settings["encoder_ffn_embed_dim"],
        patch_size=settings["input_patch_size"],
        patch_dim=settings["embed_dim"],
        position_kernel=settings["conv_pos"],
        position_groups=settings["conv_pos_groups"],
        num_buckets=settings["num_buckets"],
        max_distance=settings["max_distance"],
        dropout=settings["dropout"],
        attention_dropout=settings["attention_dropout"],
        layer_drop=settings["encoder_layerdrop"],
    )


def detector_config(arch: Arch, state: State, *, heads: int | None = None) -> DetectorConfig:
    """Return the configuration of the detector in ``state``, with the README's pooling; errors as for transformers."""
    transformer = transformer_config(arch, state, heads=heads)
    crnn = _crnn(state)
    seen = _size(state, "merge.weight", 1, crnn.channels[-1] + 527) - crnn.channels[-1]
    has_wrapper = any(key.startswith("wrapper.") for key in state) or seen != transformer.dim
    return DetectorConfig(
        transformer=transformer,
        crnn=crnn,
        wrapper_dim=seen if arch != "beats" and has_wrapper else None,
        embed_pool="conv" if any(key.startswith("embed_pool.") for key in state) else README_POOL[arch],
        num_classes=_size(state, "head.events.bias", 0, 27),
    )


def tagger_config(transformer: TransformerConfig, state: State, *, clip_head: str, short_clips: str) -> TaggerConfig:
    """Return the configuration of the tagger in ``state``; whether there are recurrent layers shows in its keys."""
    has_rnn = any(key.startswith("rnn.") for key in state)
    has_clip_head = any(key.startswith("clip_head.") for key in state)
    classes = _size(state, "head.bias", 0, 447)
    return TaggerConfig(
        transformer=transformer,
        num_classes=classes,
        rnn_dim=_size(state, "rnn.weight_hh_l0", 1, 2048) if has_rnn else None,
        rnn_layers=_layers(state, "rnn.weight_hh_l", default=2) if has_rnn else 2,
        clip_head=clip_head if has_clip_head else None,
        num_clip_classes=_size(state, "clip_head.bias", 0, classes)
        if has_clip_head and clip_head == "linear"
        else None,
        short_clips=short_clips,
    )


def _beats(state: State) -> BeatsConfig:
    """Return the configuration of a BEATs whose file has no ``cfg``: sizes from shapes, the rest as published."""
    dim = _size(state, "transformer.input_norm.weight", 0, 768)
    return BeatsConfig(
        dim=dim,
        depth=_layers(state, "transformer.blocks."),
        heads=_size(state, "transformer.relative_bias.weight", 1, max(dim // _HEAD_DIM, 1)),
        mlp_dim=_size(state, "transformer.blocks.0.up.weight", 0, 3072),
        patch_size=_size(state, "transformer.patch.weight", 2, 16),
        patch_dim=_size(state, "transformer.patch.weight", 0, 512),
        position_kernel=_size(state, "transformer.position_conv.gain", 2, 128),
        position_groups=dim // _size(state, "transformer.position_conv.direction", 1, max(dim // 16, 1)),
        num_buckets=_size(state, "transformer.relative_bias.weight", 0, 320),
    )


def _crnn(state: State) -> CrnnConfig:
    depth = _layers(state, "cnn.layers.", default=7)
    published = CrnnConfig()
    return CrnnConfig(
        num_mels=2**depth,  # each layer halves the mel axis, down to one
        channels=tuple(_size(state, f"cnn.layers.{i}.convolution.weight", 0, 128) for i in range(depth)),
        pools=tuple(published.pools[min(i, 2)] for i in range(depth)),
        merge_dim=_size(state, "merge.weight", 0, 256),
        rnn_dim=_size(state, "rnn.weight_hh_l0", 1, 256),
        rnn_layers=_layers(state, "rnn.weight_hh_l", default=2),
    )


def _layers(state: State, prefix: str, *, default: int = 12) -> int:
    """Return one more than the largest number that follows ``prefix``."""
    matches = (re.match(re.escape(prefix) + r"(\d+)", key) for key in state)
    return max((int(match.group(1)) + 1 for match in matches if match), default=default)


def _size(state: State, key: str, axis: int, default: int) -> int:
    value = state.get(key)
    return value.shape[axis] if value is not None and value.dim() > axis else default
