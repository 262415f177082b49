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
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ValidationError

from sedlab.audio.frontends import Constants, build_frontend
from sedlab.checkpoints.content import CheckpointContent
from sedlab.config.model import DetectorConfig, TaggerConfig
from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.models.transformer import AudioTransformer

DETECTOR_FORMAT = "sedlab-detector-1"
TAGGER_FORMAT = "sedlab-tagger-1"

_CONFIGS: dict[str, type[DetectorConfig | TaggerConfig]] = {
    DETECTOR_FORMAT: DetectorConfig,
    TAGGER_FORMAT: TaggerConfig,
}


def save_networks(
    path: str | Path, networks: Mapping[str, Detector] | Mapping[str, FrameTagger], *, node: BaseModel | None = None
) -> None:
    """Write networks of one configuration, by name ("student", "teacher"), to ``path``.

    ``node`` is the resolved configuration of the run that trained them; it is kept for the record.
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
        "networks": {name: dict(network.state_dict()) for name, network in networks.items()},
    }
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


def save_detector(path: str | Path, network: Detector | FrameTagger, *, node: BaseModel | None = None) -> None:
    """Write a single detector or tagger to ``path``, as the student of a checkpoint."""
    save_networks(path, {"student": network}, node=node)


def frontend_constants(network: Detector | FrameTagger | AudioTransformer) -> dict[str, Constants]:
    """Return the constants of each front-end of ``network``: "transformer", and "crnn" in detectors."""
    if isinstance(network, AudioTransformer):
        return {"transformer": build_frontend(network.config).constants}
    constants = {"transformer": network.transformer_frontend.constants}
    return {**constants, "crnn": network.crnn_frontend.constants} if isinstance(network, Detector) else constants


def understand_own(content: Mapping[str, Any], path: Path) -> CheckpointContent:
    """Return what our checkpoint ``content``, read from ``path``, holds.

    Raises
    ------
    SedlabError
        When another version of sedlab wrote it in another format or with other settings.
    """
    name = content["format"]
    if name not in _CONFIGS:
        raise SedlabError(
            f"{path}: is of format {name!r}, which this version of sedlab does not know. Update sedlab, or give the "
            f"best.pt of a stage ({', '.join(_CONFIGS)})."
        )
    try:
        return CheckpointContent(
            path=path,
            format=name,
            config=_CONFIGS[name].model_validate_json(content["model"]),
            networks=content["networks"],
            classes=tuple(content["classes"]),
            versions={key: content[key] for key in ("sedlab", "torch") if key in content},
            node=content["node"],
        )
    except KeyError as error:
        raise SedlabError(f"{path}: has no entry {error.args[0]!r}, which {name} needs. Train it again.") from error
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise SedlabError(
            f"{path}: written by sedlab {content.get('sedlab')} with other settings ({setting}: {first['msg']}). "
            "Use that version or train again."
        ) from error
