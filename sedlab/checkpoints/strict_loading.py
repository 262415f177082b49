"""Put weights into a network: every tensor in its place, none left over, none that is not a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sedlab.errors import SedlabError

_SHOWN = 3
_SHOWN_CHARACTERS = 100
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def load_strict(
    module: nn.Module,
    state: Mapping[str, Any],
    *,
    source: str,
    unexpected: Sequence[str] = (),
    file_key: Callable[[str], str] = str,
) -> None:
    """Copy ``state`` into ``module``; one without memory for its weights (device "meta") is only compared.

    Parameters
    ----------
    source : str
        What the message begins with: the file, and what it was taken for.
    unexpected : sequence of str
        Keys of the file that have no place in the module.
    file_key : function
        Returns the file's name of one of our keys, for the message.

    Raises
    ------
    SedlabError
        When tensors are missing, unexpected, of another shape, or not finite; the message names the first of them.
    """
    own = module.state_dict()
    missing = [file_key(key) for key in own if key not in state]
    unexpected = [*unexpected, *(file_key(key) for key in state if key not in own)]
    misfits = [
        f"{file_key(key)} is {_described(state[key])}, expected {_described(value)}"
        for key, value in own.items()
        if key in state and _described(state[key]) != _described(value)
    ]
    kinds = [
        (missing, "missing", _first(missing)),
        (unexpected, "unexpected", _first(unexpected)),
        (misfits, "of another shape", "".join(misfits[:1])),
    ]
    problems = [f"{_count(tensors)} {what} (first: {first})" for tensors, what, first in kinds if tensors]
    if problems:
        raise SedlabError(
            f"{source}: {', '.join(problems)}. Check that the file is complete and of this kind; tensors that are "
            "not needed can be left out with ignore=[PATTERN]."
        )
    if any(value.is_meta for value in own.values()):
        return
    broken = [file_key(key) for key, value in state.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise SedlabError(
            f"{source}: {_count(broken)} with values that are not finite ({_first(broken)}). "
            "The training diverged or the file is damaged; take an earlier checkpoint or download it again."
        )
    module.load_state_dict(state)


def is_plain(value: Any) -> bool:
    """Return whether ``value`` is a tensor as networks have them: numbers that are all there, one after another.

    Sizes can be claimed without a number behind them; a network of these sizes would take all memory.
    """
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized or value.is_meta:
        return False
    return value.untyped_storage().nbytes() >= value.numel() * value.element_size()


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    kind = "" if value.dtype in _FLOATS else f" {str(value.dtype).removeprefix('torch.')}"
    return f"{tuple(value.shape)}{kind}"


def _first(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:_SHOWN_CHARACTERS]) for name in names[:_SHOWN])


def _count(tensors: Sequence[object]) -> str:
    return f"{len(tensors)} tensor{'' if len(tensors) == 1 else 's'}"
