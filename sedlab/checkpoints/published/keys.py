"""Names of the published checkpoints' tensors, translated to ours and back.

The published networks are state dicts whose keys tell the history of the code bases they come from. Here each part is
one table of (pattern of the published key, our key); `{i}` stands for a layer number, `*` for the last part. Which
tables make up a file, and under which prefixes, is in `layouts`.

Source: state dicts of the public CP-JKU DCASE 2024 Task 4 code and of PretrainedSED.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from sedlab.config.model import Arch

Rule = tuple[str, str]

_PRE_NORM_BLOCKS = (
    ("blocks.{i}.norm1.*", "blocks.{i}.norm1.*"),
    ("blocks.{i}.attn.qkv.*", "blocks.{i}.attention.qkv.*"),
    ("blocks.{i}.attn.proj.*", "blocks.{i}.attention.out.*"),
    ("blocks.{i}.norm2.*", "blocks.{i}.norm2.*"),
    ("blocks.{i}.mlp.fc1.*", "blocks.{i}.up.*"),
    ("blocks.{i}.mlp.fc2.*", "blocks.{i}.down.*"),
)

_TRANSFORMER: dict[Arch, tuple[tuple[str, str], ...]] = {
    "passt": (
        ("conv_in_1.*", "stem.0.*"),
        ("conv_in_2.*", "stem.1.*"),
        ("conv_in_3.*", "stem.2.*"),
        ("patch_embed.proj.*", "patch.*"),
        ("cls_token", "class_token"),
        ("dist_token", "distillation_token"),
        ("new_pos_embed", "token_position"),
        ("freq_new_pos_embed", "frequency_position"),
        ("time_new_pos_embed", "time_position"),
        *_PRE_NORM_BLOCKS,
        ("norm.*", "final_norm.*"),
    ),
    "beats": (
        ("patch_embedding.*", "patch.*"),
        ("layer_norm.*", "patch_norm.*"),
        ("post_extract_proj.*", "projection.*"),
        ("encoder.pos_conv.0.bias", "position_conv.bias"),
        ("encoder.pos_conv.0.parametrizations.weight.original0", "position_conv.gain"),
        ("encoder.pos_conv.0.parametrizations.weight.original1", "position_conv.direction"),
        # the original files use the older names of weight normalisation
        ("encoder.pos_conv.0.weight_g", "position_conv.gain"),
        ("encoder.pos_conv.0.weight_v", "position_conv.direction"),
        ("encoder.layer_norm.*", "input_norm.*"),
        # every layer lists the one table that all share
        ("encoder.layers.{i}.self_attn.relative_attention_bias.weight", "relative_bias.weight"),
        ("encoder.layers.{i}.self_attn.q_proj.*", "blocks.{i}.query.*"),
        ("encoder.layers.{i}.self_attn.k_proj.*", "blocks.{i}.key.*"),
        ("encoder.layers.{i}.self_attn.v_proj.*", "blocks.{i}.value.*"),
        ("encoder.layers.{i}.self_attn.out_proj.*", "blocks.{i}.out.*"),
        ("encoder.layers.{i}.self_attn.grep_linear.*", "blocks.{i}.gate.*"),
        ("encoder.layers.{i}.self_attn.grep_a", "blocks.{i}.gate_constant"),
        ("encoder.layers.{i}.self_attn_layer_norm.*", "blocks.{i}.attention_norm.*"),
        ("encoder.layers.{i}.fc1.*", "blocks.{i}.up.*"),
        ("encoder.layers.{i}.fc2.*", "blocks.{i}.down.*"),
        ("encoder.layers.{i}.final_layer_norm.*", "blocks.{i}.output_norm.*"),
    ),
    "atst": (
        ("patch_embed.patch_embed.*", "patch.*"),
        ("pos_embed", "position"),
        ("mask_embed", "mask_token"),
        *_PRE_NORM_BLOCKS,
        ("norm_frame.*", "final_norm.*"),
    ),
}

_DETECTOR: tuple[Rule, ...] = (
    ("cnn.cnn.conv{i}.*", "cnn.layers.{i}.convolution.*"),
    ("cnn.cnn.batchnorm{i}.*", "cnn.layers.{i}.norm.*"),
    ("cnn.cnn.cg{i}.linear.*", "cnn.layers.{i}.gate.*"),
    ("rnn.rnn.*", "rnn.*"),
    ("cat_tf.*", "merge.*"),
    ("dense.*", "head.events.*"),
    ("dense_softmax.*", "head.attention.*"),
    ("as_model.head_linear_layer.*", "wrapper.*"),
    ("pool_conv.0.*", "embed_pool.*"),
)

#: Where the transformer sits in the published detector.
_PREFIX: dict[Arch, str] = {"passt": "as_model.model.", "beats": "as_model.model.", "atst": "as_model.model.atst."}


def transformer_rules(arch: Arch, prefix: str = "") -> tuple[Rule, ...]:
    """Return the rules of a published transformer whose keys begin with ``prefix``; ours with ``transformer.``."""
    return tuple((prefix + published, f"transformer.{own}") for published, own in _TRANSFORMER[arch])


def detector_rules(arch: Arch) -> tuple[Rule, ...]:
    """Return the rules of a published detector."""
    return (*transformer_rules(arch, _PREFIX[arch]), *_DETECTOR)


def translate(rules: Iterable[Rule], key: str) -> str | None:
    """Return the other name of ``key``, whose own is the first of a rule's two; None when no rule knows it."""
    for pattern, other in rules:
        match = _expression(pattern).fullmatch(key)
        if match:
            found = match.groupdict()
            # A table that all layers share is named after the first one.
            return other.replace("{i}", found.get("i", "0")).replace("*", found.get("rest", ""))
    return None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(
        re.escape(pattern).replace(r"\{i\}", r"(?P<i>[0-9]{1,4})").replace(r"\*", r"(?P<rest>[a-z_0-9]+)")
    )
