"""From a checkpoint file of any known format to a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from sedlab.checkpoints.content import CheckpointContent
from sedlab.checkpoints.file import read_checkpoint_file
from sedlab.checkpoints.own import understand_own
from sedlab.checkpoints.published.understand import understand
from sedlab.config.model import DetectorConfig, PasstConfig, TaggerConfig
from sedlab.data.corpora.audioset_classes import readable
from sedlab.errors import SedlabError
from sedlab.models.detector import Detector
from sedlab.models.tagger import FrameTagger
from sedlab.models.transformer import AudioTransformer

#: Settings of a transformer on which no weight depends: those of its training, and of its front-end.
_NOT_WEIGHTS = {
    *("dropout", "attention_dropout", "layer_drop"),
    *("fmin", "fmin_range", "fmax", "fmax_range", "top_db_scope"),
}


def load_network(
    path: str | Path,
    *,
    network: str = "student",
    heads: int | None = None,
    classes: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    **settings: Any,
) -> Detector | FrameTagger:
    """Return the network in ``path`` that scores events, in evaluation mode on the CPU.

    `sedlab.load_detector` explains formats, parameters (``settings`` are embed_pool, fmax_range, clip_head) and errors.
    """
    content = read_checkpoint(path, heads=heads, ignore=ignore)
    if not isinstance(content.config, DetectorConfig | TaggerConfig):
        raise SedlabError(
            f"{content.source}: has no event head, so it detects nothing. It is a bare transformer: use "
            "load_transformer, or train a detector that starts from it."
        )
    config = _overridden(content, settings)
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
    behind the transformer are left out. Parameters and errors are those of `load_detector`.
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
    configs = (network.config.transformer, content.transformer_config)
    ours, theirs = (config.model_dump(exclude=_NOT_WEIGHTS) for config in configs)
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
    wrapper, own = content.wrapper_state(), getattr(network, "wrapper", None)
    if wrapper and own is not None and wrapper["weight"].shape == own.weight.shape:
        own.load_state_dict(wrapper)


def load_networks(path: str | Path, *names: str) -> tuple[dict[str, Tensor], ...]:
    """Return the state dicts of the detectors ``names`` ("student", "teacher") in ``path``, under our names.

    Errors are those of `load_detector`, which something else than a detector is as well.
    """
    content = read_checkpoint(path)
    if not isinstance(content.config, DetectorConfig):
        raise SedlabError(f"{content.source}: is no detector. Give the best.pt of stage 1 or stage 2.")
    return tuple(content.build(name).state_dict() for name in names)


def load_tagger(path: str | Path) -> FrameTagger:
    """Return our tagger in ``path``, in evaluation mode on the CPU; its classes are named as stored (AudioSet ids).

    Errors are those of `load_detector`, which something else than a tagger is as well.
    """
    content = read_checkpoint(path)
    if not isinstance(content.config, TaggerConfig):
        raise SedlabError(f"{content.source}: is no tagger. Give the best.pt of pretrain.")
    return content.build()


def read_checkpoint(path: str | Path, *, heads: int | None = None, ignore: Sequence[str] = ()) -> CheckpointContent:
    """Return what the checkpoint ``path`` of any known format holds; errors as in `sedlab.load_detector`."""
    path = Path(path)
    content = read_checkpoint_file(path)
    if isinstance(content, dict) and isinstance(content.get("format"), str):
        return understand_own(content, path)
    return understand(content, path, heads=heads, ignore=ignore)


def _overridden(content: CheckpointContent, settings: dict[str, Any]) -> DetectorConfig | TaggerConfig:
    """Return the configuration of a network with other ``settings`` than the file's; None leaves one as it is."""
    config = content.config.model_dump()
    settings = {name: value for name, value in settings.items() if value is not None}
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
