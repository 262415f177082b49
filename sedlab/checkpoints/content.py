"""What a checkpoint holds, whoever wrote it: networks under our names, and what is needed to build them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sedlab.checkpoints.strict_loading import load_strict
from sedlab.config.model import Arch, DetectorConfig, TaggerConfig, TransformerConfig
from sedlab.errors import SedlabError, nearest
from sedlab.models.build import build_transformer
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.models.transformer import AudioTransformer

State = dict[str, Tensor]

_TRANSFORMER = "transformer."


@dataclass(frozen=True)
class CheckpointContent:
    """A checkpoint that was recognised; its tensors are not yet compared with a network."""

    path: Path
    format: str
    """What the file was recognised as."""
    config: DetectorConfig | TaggerConfig | TransformerConfig
    networks: Mapping[str, State]
    """Tensors by our names, of "student" and perhaps "teacher". Those of the transformer begin with ``transformer.``"""
    classes: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    """Keys of the file that the format does not know."""
    ignored: tuple[str, ...] = ()
    """Tensors of the file that are left out on purpose."""
    extra: tuple[str, ...] = ()
    """Other entries of the file, such as an optimiser's state."""
    fresh: str | None = None
    """Prefix of tensors that a network needs and the format lacks: they stay as they are initialised."""
    file_key: Callable[[str], str] = str
    """Returns the file's name of one of our keys."""
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of sedlab and torch that wrote it; empty for others' files."""
    node: str = ""
    """Resolved configuration of the training run as JSON; empty if not recorded."""

    @property
    def arch(self) -> Arch:
        """Architecture of the transformer."""
        return self.transformer_config.arch

    @property
    def transformer_config(self) -> TransformerConfig:
        """Configuration of the transformer."""
        config = self.config
        return config.transformer if isinstance(config, DetectorConfig | TaggerConfig) else config

    @property
    def source(self) -> str:
        """What messages begin with."""
        return f"{self.path} ({self.format}, {self.arch})"

    def network(self, name: str) -> State:
        """Return the tensors of network ``name``; raise `SedlabError` when the file does not hold it."""
        if name not in self.networks:
            names = sorted(self.networks)
            remedy = nearest(name, names) or " Choose one of these, or another file."
            raise SedlabError(f"{self.path}: holds no network {name!r}, only {names}.{remedy}")
        return self.networks[name]

    def build(self, network: str = "student") -> nn.Module:
        """Return the detector, tagger or transformer with its weights, in evaluation mode on the CPU.

        Raises
        ------
        SedlabError
            When the file does not hold ``network``, or its tensors do not fit.
        """
        self.check(network)  # before memory is taken for sizes that the tensors do not have
        module = self._module()
        self._load(module, network)
        return module.eval()

    def build_transformer(self, network: str = "student") -> AudioTransformer:
        """Return the transformer alone; the rest of the network must be complete too. Errors as in `build`."""
        self.check(network)
        transformer = build_transformer(self.transformer_config)
        self._load(transformer, network)
        return transformer.eval()

    def check(self, network: str = "student") -> nn.Module:
        """Raise `SedlabError` unless the tensors fit; return the network without memory for its weights."""
        with torch.device("meta"), _NothingDrawn():
            module = self._module()
        self._load(module, network)
        return module

    def transformer_state(self, network: str = "student") -> State:
        """Return the tensors of the transformer, without prefix."""
        return _below(self.network(network), _TRANSFORMER)

    def wrapper_state(self, network: str = "student") -> State | None:
        """Return weight and bias of the linear layer behind the transformer, which a detector uses; None: no such."""
        # The AudioSet wrapper's frame-level head is that layer.
        is_wrapper = isinstance(self.config, TaggerConfig) and self.config.short_clips == "average"
        return _below(self.network(network), "head." if is_wrapper else "wrapper.") or None

    def _module(self) -> nn.Module:
        heads = {DetectorConfig: Detector, TaggerConfig: FrameTagger}.get(type(self.config))
        return heads(self.config, self.classes) if heads else build_transformer(self.config)

    def _load(self, module: nn.Module, network: str) -> None:
        """Copy the file's tensors for ``module`` into it, as `load_strict` does."""
        prefix, state = "", self.network(network)
        if isinstance(module, AudioTransformer):
            prefix, state = _TRANSFORMER, self.transformer_state(network)
            if self.fresh:
                fresh = self.fresh.removeprefix(prefix)
                state |= {key: value for key, value in module.state_dict().items() if key.startswith(fresh)}
        told = {"source": self.source, "unexpected": self.unexpected}
        load_strict(module, state, file_key=lambda key: self.file_key(prefix + key), **told)


class _NothingDrawn(TorchFunctionMode):
    """Leaves weights alone that have no memory: to draw none, PyTorch imports its compiler, which takes two seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.__name__ == "normal_":  # of a tensor, or of torch.nn.init
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _below(state: Mapping[str, Tensor], prefix: str) -> State:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
