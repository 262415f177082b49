"""Understand a published checkpoint: unpack the container, recognise the layout, give tensors our names.

Source: what the public code of CP-JKU's DCASE 2024 Task 4 system, PretrainedSED, BEATs, ATST-Frame and DeiT writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sedlab.checkpoints.content import CheckpointContent, State
from sedlab.checkpoints.published.container import KNOWN, Container, same, shown, unpack, without_prefix
from sedlab.checkpoints.published.deit import STEM, passt_from_deit
from sedlab.checkpoints.published.layouts import Layout, common_prefixes, recognise
from sedlab.checkpoints.published.sizes import beats_config, detector_config, tagger_config, transformer_config
from sedlab.checkpoints.strict_loading import is_plain
from sedlab.config.model import TransformerConfig
from sedlab.data.corpora.audioset_classes import published_classes
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES

_BASE_DIM, _BASE_DEPTH = 768, 12
_SHARED_BIAS = ".self_attn.relative_attention_bias.weight"


def understand(content: Any, path: Path, *, heads: int | None = None, ignore: Sequence[str] = ()) -> CheckpointContent:
    """Return what the published checkpoint ``content``, read from ``path``, holds.

    ``heads`` and ``ignore`` are those of `sedlab.load_detector`.

    Raises
    ------
    SedlabError
        When no published format has such tensors, or the file contradicts itself.
    """
    container, layout, prefix = _recognised(content, path)
    source = f"{path} ({layout.name}, {layout.arch})"
    try:
        networks = {
            name: _sorted(without_prefix(tensors, prefix), layout, ignore)
            for name, tensors in container.networks.items()
        }
        states = {name: state for name, (state, _, _) in networks.items()}
        found = _described(path, layout, states, container.cfg, heads)
    except SedlabError as error:
        raise SedlabError(f"{source}: {error}") from error
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SedlabError(
            f"{source}: its sizes make no network ({reason}). Check that the file is complete."
        ) from error
    transformer = found.transformer_config
    if transformer.dim == _BASE_DIM and transformer.depth != _BASE_DEPTH:
        found = replace(found, notes=(*found.notes, f"{transformer.depth} blocks; published ones have {_BASE_DEPTH}"))
    unexpected = [key for _, unknown, _ in networks.values() for key in unknown]
    ignored = [*found.ignored, *(key for _, _, left_out in networks.values() for key in left_out)]
    for key in container.beside:
        (ignored if _left_out(key, layout, ignore) else unexpected).append(key)
    notes = (*container.notes, *found.notes)
    return replace(found, notes=notes, extra=container.extra, unexpected=tuple(unexpected), ignored=tuple(ignored))


def _recognised(content: Any, path: Path) -> tuple[Container, Layout, str]:
    """Return the networks in ``content``, their layout, and what all their keys begin with besides.

    Programs that wrap a network (compiled, on several devices, in a trainer) put their names before all of its keys,
    outside "student" and "teacher" or inside. That is left out where more keys are known without it.

    Raises
    ------
    SedlabError
        When no layout knows a tensor.
    """
    container = first = unpack(content, path)
    found: tuple[Container, Layout, str] | None = None
    most = 0
    for outer in common_prefixes(first.keys):
        container = unpack(content, path, outer) if outer else first
        keys = next(iter(container.networks.values()))
        for inner in common_prefixes(keys):
            layout, known = recognise(without_prefix(keys, inner))
            if layout and known > most:
                most = known
                note = f"every key begins with {outer + inner!r}, which is left out" if outer + inner else ""
                found = replace(container, notes=(note,) if note else ()), layout, inner
            if most == len(keys) and found:
                return found
    if found is None:
        keys = next(iter(first.networks.values()))
        raise SedlabError(f"{path}: no tensor of a known network; found {shown(keys)}. {KNOWN}.")
    return found


def _described(
    path: Path, layout: Layout, states: dict[str, State], cfg: Mapping[str, Any] | None, heads: int | None
) -> CheckpointContent:
    content = partial(CheckpointContent, path=path, format=layout.name, networks=states, file_key=layout.file_key)
    state = next(iter(states.values()))
    if layout.kind == "detector":
        config = detector_config(layout.arch, state, heads=heads)
        return content(config=config, classes=CLASSES if config.num_classes == len(CLASSES) else ())
    if layout.arch == "beats" and cfg is not None:
        return content(config=beats_config(cfg))
    transformer = transformer_config(layout.arch, state, heads=heads)
    if layout.kind == "deit":
        states = {name: passt_from_deit(tensors, transformer) for name, tensors in states.items()}
        note = "an image transformer: the stem is freshly initialised, positions and patches are converted"
        return content(config=transformer, networks=states, fresh=STEM, notes=(note,))
    notes = ("no settings in the file: published ones assumed",) if layout.arch == "beats" else ()
    found = content(config=transformer, notes=notes)
    return _with_heads(found, layout, transformer) if layout.kind == "tagger" else found


def _with_heads(content: CheckpointContent, layout: Layout, transformer: TransformerConfig) -> CheckpointContent:
    state = content.networks["student"]
    if not any(key.startswith("head.") for key in state):
        # Without frame-level head only the transformer is of use.
        weights = {key: value for key, value in state.items() if key.startswith("transformer.")}
        ignored = tuple(layout.file_key(key) for key in state if key not in weights)
        return replace(content, networks={"student": weights}, ignored=ignored)
    config = tagger_config(transformer, state, clip_head=layout.clip_head, short_clips=layout.short_clips)
    return replace(content, config=config, classes=published_classes(config.num_classes) or ())


def _sorted(tensors: Mapping[str, Any], layout: Layout, ignore: Sequence[str]) -> tuple[State, list[str], list[str]]:
    """Return ``tensors`` under our names, the keys that have none, and those that are left out.

    Raises
    ------
    SedlabError
        When two tensors with the same place differ, or some but not all layers list the bias they share.
    """
    state: State = {}
    unexpected, ignored, layers = [], [], []
    for key, value in tensors.items():
        own = layout.own_key(key)
        if _left_out(key, layout, ignore):
            ignored.append(key)
        elif own is None:
            unexpected.append(key)
        elif not is_plain(value):
            raise SedlabError(f"{key!r} is no tensor with numbers of its own. Download the file again.")
        elif own in state and not same(state[own], value):
            raise SedlabError(f"{key!r} differs from another tensor with the same place. Download the file again.")
        else:
            state[own] = value
        if own is not None and key.endswith(_SHARED_BIAS):
            layers.append(int(key.removesuffix(_SHARED_BIAS).rsplit(".", 1)[1]))
    depth = len({key.split(".")[2] for key in state if key.startswith("transformer.blocks.")})
    if layers and sorted(layers) not in ([0], list(range(depth))):
        raise SedlabError(
            f"the relative position bias that all layers share is listed in {len(layers)} of {depth} layers, not in "
            "the first or all. Download the file again."
        )
    return state, unexpected, ignored


def _left_out(key: str, layout: Layout, ignore: Sequence[str]) -> bool:
    return layout.ignores(key) or any(fnmatchcase(key, pattern) for pattern in ignore)
