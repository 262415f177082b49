"""Unpack a published checkpoint: where in the file the tensors are, and which networks they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sedlab.errors import SedlabError, count_of

NETWORKS = ("student", "teacher")
KNOWN = "Known are files of BEATs, ATST-Frame, frame-level PaSST, DeiT, PretrainedSED, CP-JKU (DCASE 2024) and sedlab"


@dataclass(frozen=True)
class Container:
    """A file's tensors under its own names, by network, and what lies beside them."""

    networks: Mapping[str, Mapping[str, Any]]
    beside: tuple[str, ...] = ()
    """Keys of tensors that belong to no network, such as buffers of front-ends."""
    cfg: Mapping[str, Any] | None = None
    """Settings that an original BEATs file brings along."""
    extra: tuple[str, ...] = ()
    """Entries that are no tensors of a network."""
    keys: tuple[str, ...] = ()
    """Of the state dict that was taken apart into networks."""
    notes: tuple[str, ...] = ()


def unpack(content: Any, path: Path, prefix: str = "") -> Container:
    """Return the networks in ``content``: a state dict, or a dictionary of them as BEATs or Lightning write it.

    A stage's file has its networks twice, in ``state_dict`` with prefixes and on their own; one of the two is enough.
    ``prefix`` is left out where keys of the state dict begin with it.

    Raises
    ------
    SedlabError
        When there is no state dict, or the two copies differ.
    """
    if not isinstance(content, dict):
        raise SedlabError(f"{path}: holds a {type(content).__name__}, no state dict. {KNOWN}.")
    content = {str(key): value for key, value in content.items()}
    alone = {name: without_prefix(content[name]) for name in NETWORKS if isinstance(content.get(name), dict)}
    whole = next((name for name in ("state_dict", "model") if isinstance(content.get(name), dict)), None)
    used = {*alone, *([whole] if whole else ())}
    if used:
        state = without_prefix(content[whole], prefix) if whole else {}
        extra = tuple(key for key in content if key not in used)
    else:
        tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)}
        state = without_prefix(tensors, prefix)
        extra = tuple(key for key in content if key not in tensors)
    if not state and not alone:
        raise SedlabError(f"{path}: holds no state dict, only {shown(content)}. {KNOWN}.")
    prefixed = {
        name: {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
        for name in NETWORKS
    }
    prefixed = {name: tensors for name, tensors in prefixed.items() if tensors}
    if not prefixed and not alone:
        cfg = content.get("cfg") if whole == "model" else None
        cfg = cfg if isinstance(cfg, dict) else None
        return Container({"student": state}, cfg=cfg, extra=extra, keys=tuple(state))
    _check_agreement(prefixed, alone, path)
    beside = tuple(key for key in state if not key.startswith(tuple(f"{name}." for name in prefixed)))
    return Container({**prefixed, **alone}, beside=beside, extra=extra, keys=tuple(state))


def without_prefix(state: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Return ``state`` under keys that are text and do not begin with ``prefix``."""
    return {str(key).removeprefix(prefix): value for key, value in state.items()}


def shown(keys: Iterable[Any]) -> str:
    """Return the first of ``keys`` as a message shows them."""
    keys = [repr(str(key)[:80]) for key in keys]
    return f"{', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''}" if keys else "nothing"


def _check_agreement(
    prefixed: Mapping[str, Mapping[str, Any]], alone: Mapping[str, Mapping[str, Any]], path: Path
) -> None:
    """Compare the two copies of each network; a file where they differ gives other results in other programs."""
    for name in prefixed.keys() & alone.keys():
        one, other = prefixed[name], alone[name]
        differing = sorted(key for key in one.keys() | other.keys() if not same(one.get(key), other.get(key)))
        if differing:
            raise SedlabError(
                f"{path}: the {name} in 'state_dict' and the one on its own differ in "
                f"{count_of(len(differing), 'tensor')} (first: {differing[0]!r}). "
                "Keep one of the two and save the file again."
            )


def same(one: Any, other: Any) -> bool:
    """Return whether both are tensors with the same values, or the same object."""
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return one is other
    # In most files both are the same memory, and there is nothing to read.
    try:
        return one.shape == other.shape and (one.data_ptr() == other.data_ptr() or torch.equal(one, other))
    except RuntimeError:  # another layout, or no values
        return False
