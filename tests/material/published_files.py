"""Synthetic checkpoints in the published layouts: names from the manifests, values from the golden recipe.

Full size has the published shapes, so the fixtures apply. Small size takes its shapes from a small detector.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from golden_weights import manifest, own_detector_key, weight

from sedlab.config.model import AtstConfig, BeatsConfig, CrnnConfig, DetectorConfig, PasstConfig
from sedlab.models.detector import Detector

State = dict[str, torch.Tensor]

PREFIX = {"passt": "as_model.model.", "beats": "as_model.model.", "atst": "as_model.model.atst."}
BUFFERS = {"crnn_mel.spectrogram.window": (2048,), "crnn_mel.mel_scale.fb": (1025, 128)}
ATST_BUFFERS = {"mel.mel_transform.spectrogram.window": (1024,), "mel.mel_transform.mel_scale.fb": (513, 64)}
DEPTH = 2

_SIZES = {"dim": 64, "depth": DEPTH, "heads": 1, "mlp_dim": 96}
_TRANSFORMERS = {
    "passt": PasstConfig(**_SIZES, stem_channels=(4, 8, 16)),
    "beats": BeatsConfig(**{**_SIZES, "heads": 2}, patch_dim=16, position_kernel=16, position_groups=4, num_buckets=32),
    "atst": AtstConfig(**_SIZES),
}

#: Settings of a BEATs_iter3+ file; `small_cfg` has those of the small one.
CFG = {
    "encoder_layers": 12,
    "encoder_embed_dim": 768,
    "encoder_ffn_embed_dim": 3072,
    "encoder_attention_heads": 12,
    "activation_fn": "gelu",
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "activation_dropout": 0.0,
    "encoder_layerdrop": 0.05,
    "dropout_input": 0.1,
    "layer_norm_first": False,
    "conv_bias": False,
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "relative_position_embedding": True,
    "num_buckets": 320,
    "max_distance": 800,
    "gru_rel_pos": True,
    "deep_norm": True,
    "input_patch_size": 16,
    "embed_dim": 512,
    "finetuned_model": False,
}


def small_config(arch: str) -> DetectorConfig:
    """Return the configuration of the small detector."""
    crnn = CrnnConfig(channels=(4, 8, 8, 8, 8, 8, 16), merge_dim=16, rnn_dim=8)
    return DetectorConfig(
        transformer=_TRANSFORMERS[arch],
        crnn=crnn,
        wrapper_dim=None if arch == "beats" else 24,
        embed_pool="aap" if arch == "atst" else "nearest-exact",
    )


def small_cfg() -> dict[str, Any]:
    """Return `cfg` of the small BEATs."""
    sizes = {"encoder_layers": DEPTH, "encoder_embed_dim": 64, "encoder_ffn_embed_dim": 96}
    sizes |= {"encoder_attention_heads": 2, "embed_dim": 16, "conv_pos": 16, "conv_pos_groups": 4, "num_buckets": 32}
    return {**CFG, **sizes}


def detector_state(arch: str, *, full: bool = False) -> State:
    """Return a detector's tensors under their published names."""
    shapes = manifest(f"{arch}_detector")
    if not full:
        with torch.device("meta"):
            own = Detector(small_config(arch)).state_dict()
        kept = [key for key in shapes if int((re.search(r"(?:blocks|layers)\.(\d+)\.", key) or [0, 0])[1]) < DEPTH]
        shapes = {key: tuple(own[own_detector_key(arch, key)].shape) for key in kept}
    return {key: torch.from_numpy(weight(key, shape)) for key, shape in shapes.items()}


def transformer_state(arch: str, *, full: bool = False) -> State:
    """Return a transformer's tensors under their published names, without prefix."""
    prefix = PREFIX[arch]
    names = manifest(f"{arch}_transformer")
    state = {key.removeprefix(prefix): value for key, value in detector_state(arch, full=full).items()}
    return {key: value for key, value in state.items() if key in names}


def prefixed(prefix: str, state: State) -> State:
    """Return ``state`` with a prefix before each key."""
    return {prefix + key: value for key, value in state.items()}


def drawn(**shapes: tuple[int, ...]) -> State:
    """Return tensors for keys in which ``__`` stands for a dot."""
    return {key.replace("__", "."): torch.from_numpy(weight(key, shape)) for key, shape in shapes.items()}


def stage_file(arch: str, student: State, teacher: State) -> dict[str, Any]:
    """Return what Lightning writes after stage 1 or 2: networks twice, buffers, and the state of the training."""
    buffers = BUFFERS | (ATST_BUFFERS if arch == "atst" else {})
    return {
        "epoch": 3,
        "global_step": 1234,
        "pytorch-lightning_version": "2.1.0",
        "state_dict": {
            **{key: torch.from_numpy(weight(key, shape)) for key, shape in buffers.items()},
            **prefixed("student.", student),
            **prefixed("teacher.", teacher),
        },
        "student": student,
        "teacher": teacher,
        "optimizer_states": [{"state": {}, "param_groups": [{"lr": 1e-4}]}],
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(1.5)}},
    }


def pretrainedsed_state(arch: str, transformer: State, *, rnn_dim: int | None = None, classes: int = 447) -> State:
    """Return a PretrainedSED release with both heads, and with recurrent layers if ``rnn_dim`` is given."""
    prefix = {"passt": "model.", "beats": "model.model.", "atst": "model.atst."}[arch]
    dim = _width(arch, transformer)
    rnn = torch.nn.GRU(dim, rnn_dim, num_layers=2, bidirectional=True) if rnn_dim else None
    head_dim = 2 * rnn_dim if rnn_dim else dim
    heads = drawn(
        strong_head__weight=(classes, head_dim),
        strong_head__bias=(classes,),
        weak_head__weight=(classes, head_dim),
        weak_head__bias=(classes,),
    )
    recurrent = prefixed("seq_model.rnn.", dict(rnn.state_dict())) if rnn else {}
    buffers = {"model.atst_mel." + key.removeprefix("mel."): torch.zeros(shape) for key, shape in ATST_BUFFERS.items()}
    return {**prefixed(prefix, transformer), **heads, **recurrent, **(buffers if arch == "atst" else {})}


def deit_state(transformer: State) -> State:
    """Return an image transformer whose blocks are those of a PaSST."""
    kept = ("cls_token", "dist_token", "blocks.", "norm.", "patch_embed.proj.bias")
    dim = _width("passt", transformer)
    return {key: value for key, value in transformer.items() if key.startswith(kept)} | drawn(
        pos_embed=(1, 578, dim),
        patch_embed__proj__weight=(dim, 3, 16, 16),
        head__weight=(1000, dim),
        head__bias=(1000,),
    )


def transformer_files(arch: str, transformer: State, *, wrapper_dim: int = 24) -> dict[str, Any]:
    """Return content by name for every published kind of file that holds this transformer without a detector."""
    dim = _width(arch, transformer)
    head = drawn(weight=(wrapper_dim, dim), bias=(wrapper_dim,))
    attention = {key: value + 1 for key, value in head.items()}
    other_nets = {"net_weak.head.bias": torch.zeros(3), "net_strong.sigmoid_dense.bias": torch.zeros(3)}
    files: dict[str, Any] = {"pretrainedsed": pretrainedsed_state(arch, transformer), "bare": transformer}
    if arch == "beats":
        as_published = {
            key.replace("parametrizations.weight.original0", "weight_g").replace(
                "parametrizations.weight.original1", "weight_v"
            ): value
            for key, value in transformer.items()
        }
        cfg = CFG if dim == 768 else small_cfg()
        tuned = {**cfg, "finetuned_model": True, "predictor_class": 527, "layer_wise_gradient_decay_ratio": 0.6}
        files["self-supervised"] = {"cfg": cfg, "model": as_published}
        files["fine-tuned"] = {"cfg": tuned, "model": {**as_published, **prefixed("predictor.", head)}}
        return files
    inner = "model." if arch == "passt" else "model.atst."
    files["strong"] = {"state_dict": {**prefixed(f"net_strong.{inner}", transformer), **other_nets}}
    files["wrapper"] = {
        "state_dict": {
            **prefixed(f"net.{inner}", transformer),
            **prefixed("net.head_linear_layer.", head),
            **prefixed("net.att_linear_layer.", attention),
        }
    }
    if arch == "passt":
        with_wrapper = prefixed("net_strong.model.model.", transformer)
        with_wrapper |= prefixed("net_strong.model.head_linear_layer.", head)
        files["strong with wrapper"] = {"state_dict": {**with_wrapper, **other_nets}}
        return files
    self_supervised = {
        ("norm." + key.removeprefix("norm_frame.") if key.startswith("norm_frame.") else key): value
        for key, value in transformer.items()
    }
    files["fine-tuned"] = {"state_dict": prefixed("encoder.encoder.", transformer), "epoch": 3}
    files["c2f"] = {
        "state_dict": {
            **prefixed("encoder.encoder.frame_encoder.", transformer),
            **prefixed("encoder.encoder.teacher_module.", transformer),
        }
    }
    files["self-supervised"] = {
        "state_dict": {
            **prefixed("model.teacher.encoder.", self_supervised),
            "model.teacher.encoder.cls_token": torch.zeros(1, 1, dim),
        }
    }
    return files


def _width(arch: str, transformer: State) -> int:
    return len(transformer[{"passt": "norm.bias", "beats": "encoder.layer_norm.bias", "atst": "norm_frame.bias"}[arch]])
