"""Reading and writing networks.

A checkpoint is one file of `torch.save` that holds plain values and tensors alone, so that reading it runs no code:

| key | detector | pre-training |
| --- | --- | --- |
| `format` | "sedlab-detector-1" | "sedlab-tagger-1" |
| `sedlab` | version that wrote it | same |
| `classes` | class names in the order of the scores | AudioSet class ids |
| `model` | `DetectorConfig` as JSON | sizes of the tagger as JSON |
| `node` | resolved configuration of the training run as JSON, or "" | same |
| `networks` | state dicts by name: `student`, `teacher` | `student` |

A checkpoint of another format is told apart by its content in `_read`; that is where published containers come in.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, TypeAdapter, ValidationError
from torch import Tensor, nn

from sedlab.config.model import DetectorConfig, TransformerConfig
from sedlab.errors import SedlabError, nearest
from sedlab.files import atomic_path
from sedlab.labels import CLASSES
from sedlab.models.detector import Detector
from sedlab.models.pretraining import FrameTagger

DETECTOR_FORMAT = "sedlab-detector-1"
TAGGER_FORMAT = "sedlab-tagger-1"

State = dict[str, Tensor]


def save_networks(
    path: str | Path,
    networks: Mapping[str, Detector],
    *,
    node: BaseModel | None = None,
    classes: Sequence[str] = CLASSES,
) -> None:
    """Write detectors of one configuration, by name ("student", "teacher"), to ``path``.

    ``node`` is the resolved configuration of the run that trained them; it is kept for the record.
    """
    config = next(iter(networks.values())).config
    states = {name: network.state_dict() for name, network in networks.items()}
    _write(path, DETECTOR_FORMAT, config.model_dump_json(), states, node, classes)


def save_detector(
    path: str | Path, detector: Detector, *, node: BaseModel | None = None, classes: Sequence[str] = CLASSES
) -> None:
    """Write a single detector to ``path``, as the student of a checkpoint."""
    save_networks(path, {"student": detector}, node=node, classes=classes)


def load_detector(path: str | Path, *, network: str = "student") -> Detector:
    """Return the detector in ``path``, in evaluation mode on the CPU.

    Parameters
    ----------
    network : str
        "student" or "teacher", the running mean of the student.

    Raises
    ------
    SedlabError
        When the file is missing, truncated, not a detector checkpoint, or does not hold ``network``.
    """
    checkpoint = _read(path, DETECTOR_FORMAT)
    detector = Detector(_model(DetectorConfig, checkpoint, path))
    _load(detector, _network(checkpoint, network, path), path)
    return detector.eval()


def load_networks(path: str | Path, *names: str) -> tuple[State, ...]:
    """Return the state dicts of the networks ``names`` of a detector checkpoint; errors as in `load_detector`."""
    checkpoint = _read(path, DETECTOR_FORMAT)
    return tuple(_network(checkpoint, name, path) for name in names)


def load_classes(path: str | Path) -> tuple[str, ...]:
    """Return the class names of the scores of a detector checkpoint."""
    return tuple(_read(path, DETECTOR_FORMAT)["classes"])


def save_tagger(
    path: str | Path, tagger: FrameTagger, *, node: BaseModel | None = None, classes: Sequence[str]
) -> None:
    """Write a pre-trained transformer with its head to ``path``; ``classes`` in the order of its logits."""
    sizes = {
        "transformer": tagger.config.model_dump(mode="json"),
        "num_classes": tagger.num_classes,
        "rnn_dim": tagger.rnn_dim,
        "rnn_layers": tagger.rnn_layers,
    }
    _write(path, TAGGER_FORMAT, json.dumps(sizes), {"student": tagger.state_dict()}, node, classes)


def load_tagger(path: str | Path) -> tuple[FrameTagger, tuple[str, ...]]:
    """Return the tagger in ``path``, in evaluation mode on the CPU, and its classes.

    Raises
    ------
    SedlabError
        When the file is missing, truncated or not a pre-training checkpoint.
    """
    checkpoint = _read(path, TAGGER_FORMAT)
    sizes = json.loads(checkpoint["model"])
    transformer = TypeAdapter(TransformerConfig).validate_python(sizes.pop("transformer"))
    tagger = FrameTagger(transformer, **sizes)
    _load(tagger, _network(checkpoint, "student", path), path)
    return tagger.eval(), tuple(checkpoint["classes"])


def load_transformer(path: str | Path, network: Detector) -> None:
    """Replace the transformer's weights in ``network`` by those of a pre-training checkpoint.

    Raises
    ------
    SedlabError
        When the file cannot be read or its transformer has another architecture or size.
    """
    state = _network(_read(path, TAGGER_FORMAT), "student", path)
    prefix = "transformer."
    weights = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    _load(network.transformer, weights, path)


def _write(
    path: str | Path,
    format_name: str,
    model: str,
    networks: Mapping[str, State],
    node: BaseModel | None,
    classes: Sequence[str],
) -> None:
    content = {
        "format": format_name,
        "sedlab": version("sedlab"),
        "classes": list(classes),
        "model": model,
        "node": "" if node is None else node.model_dump_json(),
        "networks": {name: dict(state) for name, state in networks.items()},
    }
    with atomic_path(path) as temporary:
        torch.save(content, temporary)


def _read(path: str | Path, expected: str) -> dict[str, Any]:
    """Return the content of a checkpoint of format ``expected``; no tensor is placed on a GPU, no code is run."""
    path = Path(path)
    if not path.is_file():
        raise SedlabError(f"{path}: no such checkpoint. Train the node first, or give the path of a .pt file.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError, KeyError, OSError) as error:
        raise SedlabError(
            f"{path}: not a readable checkpoint, or cut short ({_first_line(error)}). Copy or train it again."
        ) from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != expected:
        raise SedlabError(
            f"{path}: expected a checkpoint of format {expected!r}, found {_described(content)}. "
            "Give the best.pt of a stage for a detector, of pretrain for a transformer."
        )
    return content


def _network(checkpoint: Mapping[str, Any], name: str, path: str | Path) -> State:
    networks = checkpoint["networks"]
    if name not in networks:
        raise SedlabError(f"{path}: holds no network {name!r}, only {sorted(networks)}.{nearest(name, networks)}")
    return networks[name]


def _model(config: type[DetectorConfig], checkpoint: Mapping[str, Any], path: str | Path) -> DetectorConfig:
    try:
        return config.model_validate_json(checkpoint["model"])
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise SedlabError(
            f"{path}: written by sedlab {checkpoint.get('sedlab')} with other settings ({field}: {first['msg']}). "
            "Use that version or train again."
        ) from error


def _load(module: nn.Module, state: State, path: str | Path) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise SedlabError(
            f"{path}: the weights do not fit the configured model ({reason}). Check architecture and sizes."
        ) from error


def _described(content: Any) -> str:
    if not isinstance(content, dict):
        return f"a {type(content).__name__}"
    if "format" in content:
        return repr(content["format"])
    keys = ", ".join(repr(str(key)) for key in list(content)[:3])
    return f"a dictionary that starts with {keys}" if keys else "an empty dictionary"


def _first_line(error: Exception) -> str:
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return line if len(line) <= 120 else line[:117] + "..."
