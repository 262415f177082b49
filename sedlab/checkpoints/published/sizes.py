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

#: Settings of an original BEATs file by our names: what they are called there, and what a missing entry means.
_BEATS_SIZES: dict[str, tuple[str, Any]] = {
    "dim": ("encoder_embed_dim", 768),
    "depth": ("encoder_layers", 12),
    "heads": ("encoder_attention_heads", 12),
    "mlp_dim": ("encoder_ffn_embed_dim", 3072),
    "patch_size": ("input_patch_size", -1),
    "patch_dim": ("embed_dim", 512),
    "position_kernel": ("conv_pos", 128),
    "position_groups": ("conv_pos_groups", 16),
    "num_buckets": ("num_buckets", 320),
    "max_distance": ("max_distance", 1280),
    "dropout": ("dropout", 0.1),
    "attention_dropout": ("attention_dropout", 0.1),
    "layer_drop": ("encoder_layerdrop", 0.0),
}
#: What else it may ask for: what a missing entry means, and the only value for which there is code.
_BEATS_FIXED: dict[str, tuple[Any, Any]] = {
    "conv_bias": (False, False),
    "activation_fn": ("gelu", "gelu"),
    "layer_norm_first": (False, False),
    "deep_norm": (False, True),
    "relative_position_embedding": (False, True),
    "gru_rel_pos": (False, True),
}


def transformer_config(arch: Arch, state: State, *, heads: int | None = None) -> TransformerConfig:
    """Return the configuration of the transformer in ``state``.

    ``heads`` is that of `sedlab.load_detector`; BEATs' show in its bias.

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
    for key, (default, supported) in _BEATS_FIXED.items():
        value = cfg.get(key, default)
        if not isinstance(value, bool | int | str) or value != supported:
            stated = "" if key in cfg else ", which is what a missing entry means"
            raise SedlabError(
                f"cfg asks for {key} = {value!r}{stated}; only {supported!r} is implemented. "
                "Use a BEATs_iter3 or BEATs_iter3+ checkpoint."
            )
    return BeatsConfig(**{name: cfg.get(key, default) for name, (key, default) in _BEATS_SIZES.items()})


def detector_config(arch: Arch, state: State, *, heads: int | None = None) -> DetectorConfig:
    """Return the configuration of the detector in ``state``, with the README's pooling; errors as for transformers."""
    transformer = transformer_config(arch, state, heads=heads)
    crnn = _crnn(state)
    seen = _size(state, "merge.weight", 1, crnn.channels[-1] + 527) - crnn.channels[-1]
    has_wrapper = _has(state, "wrapper.") or seen != transformer.dim
    return DetectorConfig(
        transformer=transformer,
        crnn=crnn,
        wrapper_dim=seen if arch != "beats" and has_wrapper else None,
        embed_pool="conv" if _has(state, "embed_pool.") else README_POOL[arch],
        num_classes=_size(state, "head.events.bias", 0, 27),
    )


def tagger_config(transformer: TransformerConfig, state: State, *, clip_head: str, short_clips: str) -> TaggerConfig:
    """Return the configuration of the tagger in ``state``; whether there are recurrent layers shows in its keys."""
    found = {"num_classes": _size(state, "head.bias", 0, 447), "short_clips": short_clips}
    if _has(state, "rnn."):
        found["rnn_dim"] = _size(state, "rnn.weight_hh_l0", 1, 2048)
        found["rnn_layers"] = _layers(state, "rnn.weight_hh_l", default=2)
    if _has(state, "clip_head."):
        found["clip_head"] = clip_head
        if clip_head == "linear":
            found["num_clip_classes"] = _size(state, "clip_head.bias", 0, found["num_classes"])
    return TaggerConfig(transformer=transformer, **found)


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


def _has(state: State, prefix: str) -> bool:
    return any(key.startswith(prefix) for key in state)


def _layers(state: State, prefix: str, *, default: int = 12) -> int:
    """Return one more than the largest number that follows ``prefix``."""
    matches = (re.match(re.escape(prefix) + r"([0-9]{1,4})\b", key) for key in state)
    return max((int(match.group(1)) + 1 for match in matches if match), default=default)


def _size(state: State, key: str, axis: int, default: int) -> int:
    value = state.get(key)
    return value.shape[axis] if isinstance(value, Tensor) and value.dim() > axis else default
