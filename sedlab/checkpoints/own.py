"""Reading and writing networks.

Every published format is read, see `published`. Ours is one file of `torch.save` that holds plain values and tensors
alone, so that reading it runs no code:

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
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ValidationError
from torch import Tensor

from sedlab.checkpoints.content import CheckpointContent, State
from sedlab.checkpoints.file import read_checkpoint_file
from sedlab.checkpoints.frontend_constants import frontend_constants
from sedlab.checkpoints.published.understand import understand
from sedlab.config.model import DetectorConfig, PasstConfig, PoolMode, TaggerConfig
from sedlab.data.corpora.audioset_classes import readable
from sedlab.errors import SedlabError
from sedlab.files import atomic_path
from sedlab.labels import CLASSES
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.models.transformer import AudioTransformer

DETECTOR_FORMAT = "sedlab-detector-1"
TAGGER_FORMAT = "sedlab-tagger-1"

_CONFIGS: dict[str, type[DetectorConfig | TaggerConfig]] = {
    DETECTOR_FORMAT: DetectorConfig,
    TAGGER_FORMAT: TaggerConfig,
}
#: Settings that no weight depends on.
_TRAINING_ONLY = {"dropout", "attention_dropout", "layer_drop"}
_FRONTEND_ONLY = {"fmin", "fmin_range", "fmax", "fmax_range", "top_db_scope"}


def load_detector(
    path: str | Path,
    *,
    network: str = "student",
    embed_pool: PoolMode | None = None,
    fmax_range: int | None = None,
    heads: int | None = None,
    classes: Sequence[str] | None = None,
    clip_head: Literal["linear", "attention"] | None = None,
    ignore: Sequence[str] = (),
) -> Detector | FrameTagger:
    """Return the network in ``path`` that scores events, in evaluation mode on the CPU.

    The format is recognised by the content: our own, the detectors of CP-JKU's DCASE 2024 system (stage 1 and 2), the
    networks of PretrainedSED with a strong head, and AudioSet wrappers with both heads. Loading is strict.

    Parameters
    ----------
    network : str
        "student" or "teacher", the running mean of the student.
    embed_pool : str, optional
        How a detector pools embeddings. Published files do not say; the default is that of the published recipes:
        nearest-exact for PaSST and BEATs, adaptive averages (aap) for ATST.
    fmax_range : int, optional
        PaSST: the mel bands end at 8000 Hz - fmax_range // 2. Published files do not say; default 2000 (recipes).
    heads : int, optional
        Attention heads of a published PaSST or ATST, when they are not one for each 64 dimensions.
    classes : sequence of str, optional
        Class names, for files that have an unknown number of them.
    clip_head : "linear" or "attention", optional
        What the weak head of a PretrainedSED file is; the released ones are linear (default).
    ignore : sequence of str
        Patterns (``head.*``) of tensors to leave out, in files that hold more than the format allows.

    Returns
    -------
    Detector or FrameTagger
        Its ``classes`` are names: AudioSet ids ("MIDs") are replaced by AudioSet's English names.

    Raises
    ------
    SedlabError
        When the file is missing, damaged or of unknown format, holds no such ``network`` or no event head, or its
        tensors are not exactly those of the network.

    Examples
    --------
    >>> detector = sedlab.load_detector("atst_stage2.ckpt")
    >>> detector.window_probabilities(torch.zeros(1, 160000)).shape
    torch.Size([1, 156, 27])
    """
    content = read_checkpoint(path, heads=heads, ignore=ignore)
    if not isinstance(content.config, DetectorConfig | TaggerConfig):
        raise SedlabError(
            f"{content.source}: has no event head, so it detects nothing. It is a bare transformer: use "
            "load_transformer, or train a detector that starts from it."
        )
    settings = {"embed_pool": embed_pool, "fmax_range": fmax_range, "clip_head": clip_head}
    config = _overridden(content, {name: value for name, value in settings.items() if value is not None})
    names = readable(content.classes if classes is None else tuple(classes))
    if len(names) != config.num_classes:
        known = f"{len(names)} names were given" if classes is not None else "their names are not known"
        raise SedlabError(f"{content.source}: has {config.num_classes} classes, and {known}. Give classes=[...].")
    return replace(content, config=config, classes=names).build(network)


def load_transformer(
    path: str | Path, *, network: str = "student", heads: int | None = None, ignore: Sequence[str] = ()
) -> AudioTransformer:
    """Return the transformer in ``path``, in the sizes it has there, in evaluation mode on the CPU.

    Reads every format of `load_detector`, and bare transformers: BEATs (the file's ``cfg`` counts), ATST-Frame
    (self-supervised, fine-tuned on AudioSet, or clip-to-frame), AudioSet-strong checkpoints of PaSST and ATST, and
    DeiT, an image transformer from which PaSST can start: its convolutional stem is then freshly initialised. Heads
    behind the transformer are left out. See `load_detector` for the parameters and errors.
    """
    return read_checkpoint(path, heads=heads, ignore=ignore).build_transformer(network)


def load_transformer_into(path: str | Path, network: Detector | FrameTagger) -> None:
    """Replace the weights of ``network``'s transformer by those in ``path``, of any format of `load_transformer`.

    Where the file has the linear layer behind the transformer that a detector has too, that is replaced as well.

    Raises
    ------
    SedlabError
        When the file cannot be read or its transformer has another architecture or size.
    """
    content = read_checkpoint(path)
    is_detector = isinstance(network, Detector)
    wanted = network.config.transformer if is_detector else network.config
    ours, theirs = _structure(wanted), _structure(content.transformer_config)
    differing = [name for name in ours | theirs if ours.get(name) != theirs.get(name)]
    if differing:
        name = differing[0]
        raise SedlabError(
            f"{content.source}: its transformer has another form ({name} is {theirs.get(name)}, expected "
            f"{ours.get(name)}). Choose the architecture and size of the file, or another file."
        )
    content.build_transformer()  # complete and finite?
    # What an image transformer does not have stays as it is, so that student and teacher keep the same stem.
    network.transformer.load_state_dict({**network.transformer.state_dict(), **content.transformer_state()})
    wrapper, own = content.wrapper_state(), network.wrapper if is_detector else None
    if wrapper and own is not None and wrapper["weight"].shape == own.weight.shape:
        own.load_state_dict(wrapper)


def load_networks(path: str | Path, *names: str) -> tuple[dict[str, Tensor], ...]:
    """Return the state dicts of the detectors ``names`` ("student", "teacher") in ``path``, under our names.

    Raises
    ------
    SedlabError
        As `load_detector`, and when the file holds something else than a detector.
    """
    content = _detectors(path)
    return tuple(content.build(name).state_dict() for name in names)


def load_classes(path: str | Path) -> tuple[str, ...]:
    """Return the class names of the scores of a detector checkpoint; errors as in `load_networks`."""
    return _detectors(path).classes


def load_tagger(path: str | Path) -> tuple[FrameTagger, tuple[str, ...]]:
    """Return our tagger in ``path``, in evaluation mode on the CPU, and its classes as they are stored (AudioSet ids).

    Raises
    ------
    SedlabError
        When the file is missing, truncated or not a pre-training checkpoint.
    """
    content = read_checkpoint(path)
    if not isinstance(content.config, TaggerConfig):
        raise SedlabError(f"{content.source}: is no tagger. Give the best.pt of pretrain.")
    return content.build(), content.classes


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
    _write(path, DETECTOR_FORMAT, config, states, node, classes)


def save_detector(
    path: str | Path, detector: Detector, *, node: BaseModel | None = None, classes: Sequence[str] = CLASSES
) -> None:
    """Write a single detector to ``path``, as the student of a checkpoint."""
    save_networks(path, {"student": detector}, node=node, classes=classes)


def save_tagger(
    path: str | Path, tagger: FrameTagger, *, node: BaseModel | None = None, classes: Sequence[str]
) -> None:
    """Write a pre-trained transformer with its head to ``path``; ``classes`` in the order of its logits."""
    _write(path, TAGGER_FORMAT, tagger.sizes, {"student": tagger.state_dict()}, node, classes)


def read_checkpoint(path: str | Path, *, heads: int | None = None, ignore: Sequence[str] = ()) -> CheckpointContent:
    """Return what the checkpoint ``path`` of any known format holds; see `load_detector` for parameters and errors."""
    path = Path(path)
    content = read_checkpoint_file(path)
    if isinstance(content, dict) and isinstance(content.get("format"), str):
        return _own(content, path)
    return understand(content, path, heads=heads, ignore=ignore)


def _own(content: Mapping[str, Any], path: Path) -> CheckpointContent:
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


def _detectors(path: str | Path) -> CheckpointContent:
    content = read_checkpoint(path)
    if not isinstance(content.config, DetectorConfig):
        raise SedlabError(f"{content.source}: is no detector. Give the best.pt of stage 1 or stage 2.")
    return content


def _overridden(content: CheckpointContent, settings: dict[str, Any]) -> DetectorConfig | TaggerConfig:
    config = content.config.model_dump()
    fmax_range = settings.pop("fmax_range", None)
    if fmax_range is not None:
        if not isinstance(content.transformer_config, PasstConfig):
            raise SedlabError(f"{content.source}: fmax_range is a setting of PaSST. Leave it out.")
        config["transformer"]["fmax_range"] = fmax_range
    for name, value in settings.items():
        if name not in config or (name == "clip_head" and config[name] is None):
            raise SedlabError(f"{content.source}: this network has no {name} to choose. Leave it out.")
        config[name] = value
    if settings.get("clip_head") == "attention":
        config["num_clip_classes"] = None
    try:
        return type(content.config).model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][-1] if first["loc"] else "settings"
        raise SedlabError(f"{content.source}: {name}: {first['msg']} (found {first['input']!r}).") from error


def _structure(config: BaseModel) -> dict[str, Any]:
    return config.model_dump(exclude=_TRAINING_ONLY | _FRONTEND_ONLY)


def _write(
    path: str | Path,
    format_name: str,
    model: DetectorConfig | TaggerConfig,
    networks: Mapping[str, State],
    node: BaseModel | None,
    classes: Sequence[str],
) -> None:
    content = {
        "format": format_name,
        "sedlab": version("sedlab"),
        "torch": str(torch.__version__),
        "classes": list(classes),
        "model": model.model_dump_json(),
        "frontends": json.dumps(frontend_constants(model)),
        "node": "" if node is None else node.model_dump_json(),
        "networks": {name: dict(state) for name, state in networks.items()},
    }
    with atomic_path(path) as temporary:
        torch.save(content, temporary)
