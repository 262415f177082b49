"""Our checkpoint format: writing it, and understanding what was written.

It is one file of `torch.save` that holds plain values and tensors alone, so that reading it runs no code:

| key | detector | pre-training |
| --- | --- | --- |
| `format` | "sedlab-detector-1" | "sedlab-tagger-1" |
| `sedlab`, `torch` | versions that wrote it | same |
| `classes` | class names in the order of the scores | AudioSet class ids |
| `model` | `DetectorConfig` as JSON | `TaggerConfig` as JSON |
| `frontends` | constants of the front-ends as JSON, for the record | same |
| `node` | resolved configuration of the training run as JSON, or "" | same |
| `networks` | state dicts by name: `student`, `teacher` | `student` |

A checksum over all of it is in the file's end, see `sedlab.checkpoints.seal`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Json,
    StrictStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from torch import Tensor

from sedlab.audio.frontends import Constants, build_frontend
from sedlab.checkpoints.content import CheckpointContent, State
from sedlab.checkpoints.kinds import AGAIN
from sedlab.checkpoints.seal import save_sealed
from sedlab.checkpoints.strict_loading import is_plain
from sedlab.config.model import DetectorConfig, TaggerConfig
from sedlab.errors import SedlabError, short
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.models.transformer import AudioTransformer

DETECTOR_FORMAT = "sedlab-detector-1"
TAGGER_FORMAT = "sedlab-tagger-1"

Config = TypeVar("Config", DetectorConfig, TaggerConfig)


def save_networks(
    path: str | Path,
    networks: Mapping[str, Detector] | Mapping[str, FrameTagger],
    *,
    node: BaseModel | None = None,
    states: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write networks of one configuration, by name ("student", "teacher"), to ``path``.

    ``node`` is the resolved configuration of the run that trained them; it is kept for the record. ``states`` are other
    weights of these networks, to be written in place of those they have.
    """
    first = next(iter(networks.values()))
    content = {
        "format": DETECTOR_FORMAT if isinstance(first, Detector) else TAGGER_FORMAT,
        "sedlab": version("sedlab"),
        "torch": str(torch.__version__),
        "classes": list(first.classes),
        "model": first.config.model_dump_json(),
        "frontends": json.dumps(frontend_constants(first)),
        "node": "" if node is None else node.model_dump_json(),
        "networks": states or {name: dict(network.state_dict()) for name, network in networks.items()},
    }
    save_sealed(content, path)


def save_detector(path: str | Path, network: Detector | FrameTagger, *, node: BaseModel | None = None) -> None:
    """Write a single detector or tagger to ``path``, as the student of a checkpoint."""
    save_networks(path, {"student": network}, node=node)


def frontend_constants(network: Detector | FrameTagger | AudioTransformer) -> dict[str, Constants]:
    """Return the constants of each front-end of ``network``: "transformer", and "crnn" in detectors."""
    if isinstance(network, AudioTransformer):
        return {"transformer": build_frontend(network.config).constants}
    constants = {"transformer": network.transformer_frontend.constants}
    return {**constants, "crnn": network.crnn_frontend.constants} if isinstance(network, Detector) else constants


class _Frame(BaseModel, Generic[Config]):
    """What the entries of our checkpoint hold."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: Json[Config]
    classes: list[StrictStr] = Field(min_length=1)
    sedlab: StrictStr = ""
    torch: StrictStr = ""
    frontends: Json[dict[str, Any]] = Field(default="{}", validate_default=True)
    node: StrictStr
    networks: dict[Literal["student", "teacher"], dict[StrictStr, Tensor]] = Field(min_length=1)

    @field_validator("classes")
    @classmethod
    def _check_names(cls, names: list[str]) -> list[str]:
        for name in names:
            if not name.isprintable() or name != name.strip() or not name:
                raise ValueError(f"{name!r} is no name of a class")
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is there twice")
        return names

    @field_validator("node")
    @classmethod
    def _check_node(cls, node: str) -> str:
        if node:
            TypeAdapter(Json[dict[str, Any]]).validate_python(node)
        return node

    @field_validator("networks")
    @classmethod
    def _check_tensors(cls, networks: dict[str, State]) -> dict[str, State]:
        for key, value in [item for state in networks.values() for item in state.items()]:
            if not is_plain(value):
                raise ValueError(f"{key!r} is no tensor with numbers of its own")
        return networks

    @model_validator(mode="after")
    def _check_count(self) -> _Frame[Config]:
        if len(self.classes) != self.model.num_classes:
            raise ValueError(f"{len(self.classes)} names of classes for {self.model.num_classes} classes")
        return self


_FRAMES: dict[str, type[_Frame[Any]]] = {DETECTOR_FORMAT: _Frame[DetectorConfig], TAGGER_FORMAT: _Frame[TaggerConfig]}


def understand_own(content: Mapping[str, Any], path: Path) -> CheckpointContent:
    """Return what our checkpoint ``content``, read from ``path``, holds.

    Raises
    ------
    SedlabError
        When another version of sedlab wrote it in another format or with other settings, or it is not what one writes.
    """
    name = content["format"]
    if name not in _FRAMES:
        raise SedlabError(
            f"{path}: is of format {name[:40]!r}, which this version of sedlab does not know. Update sedlab, or give "
            f"the best.pt of a stage ({', '.join(_FRAMES)})."
        )
    try:
        frame = _FRAMES[name].model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        entry, *setting = first["loc"] or ("classes",)
        if first["type"] == "missing" and not setting:
            raise SedlabError(f"{path}: has no entry {entry!r}, which {name} needs. {AGAIN}.") from error
        where = ".".join(map(str, setting or [entry]))
        where = where if where.isprintable() else short(where)
        problem = f"{where}: {first['msg'].removeprefix('Value error, ')}"
        if entry == "model" and setting:
            raise SedlabError(
                f"{path}: written by sedlab {str(content.get('sedlab'))[:40]} with other settings ({problem}). "
                f"Use that version. {AGAIN}."
            ) from error
        raise SedlabError(f"{path}: is no {name} that sedlab wrote ({problem[:200]}). {AGAIN}.") from error
    return CheckpointContent(
        path=path,
        format=name,
        config=frame.model,
        networks=frame.networks,
        classes=tuple(frame.classes),
        versions={key: getattr(frame, key) for key in ("sedlab", "torch") if getattr(frame, key)},
        node=frame.node,
    )
