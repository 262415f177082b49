"""Say what a checkpoint file is and holds, without building the network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedlab.checkpoints.content import CheckpointContent
from sedlab.checkpoints.loading import read_checkpoint
from sedlab.checkpoints.own import frontend_constants
from sedlab.config.model import DetectorConfig, TaggerConfig
from sedlab.data.corpora.audioset_classes import readable
from sedlab.errors import count_of

_SHOWN = 8
_LINE = 100


@dataclass(frozen=True)
class CheckpointReport:
    """What `inspect_checkpoint` found."""

    content: CheckpointContent
    num_bytes: int
    kind: str
    """detector, tagger (frame-level AudioSet network) or transformer."""
    sizes: Mapping[str, Any]
    """Settings of the network by dotted name, as in the experiment configuration."""
    num_parameters: int
    """Of one network."""
    num_tensors: int
    """Of one network, batch norm's statistics included."""
    classes: tuple[str, ...]
    """English names; empty for transformers, and where they are not known."""
    frontends: Mapping[str, Mapping[str, Any]]
    """Constants of each front-end."""
    node: Mapping[str, Any] | None
    """Resolved configuration of the training run, if the file has it."""


def inspect_checkpoint(path: str | Path, *, heads: int | None = None, ignore: Iterable[str] = ()) -> CheckpointReport:
    """Return what the checkpoint ``path`` of any known format holds.

    Every tensor's name and shape is compared with the network's; values are not read. A file that
    `sedlab.load_detector` would not load is refused with the same reason.
    """
    content = read_checkpoint(path, heads=heads, ignore=tuple(ignore))
    for name in content.networks:
        module = content.check(name)
    first = next(iter(content.networks.values()))
    return CheckpointReport(
        content=content,
        num_bytes=content.path.stat().st_size,
        kind=_kind(content),
        sizes=dict(_dotted(content.config.model_dump(mode="json"))),
        num_parameters=sum(parameter.numel() for parameter in module.parameters()),
        num_tensors=len(first),
        classes=readable(content.classes),
        frontends=frontend_constants(module),
        node=json.loads(content.node) if content.node else None,
    )


def format_report(report: CheckpointReport) -> str:
    """Return ``report`` as text: one "name  value" line each, lists cut to what fits."""
    content = report.content
    rows = [
        ("file", f"{content.path} ({report.num_bytes / 1e6:.1f} MB)"),
        ("format", content.format),
        ("holds", f"{report.kind}, {content.arch}"),
        ("networks", ", ".join(content.networks)),
        ("parameters", f"{report.num_parameters:,} in {count_of(report.num_tensors, 'tensor')}, each network"),
        *(("note", note) for note in content.notes),
        ("sizes", _pairs(report.sizes)),
        *((f"front-end {name}", _pairs(constants)) for name, constants in report.frontends.items()),
        ("classes", _listed(report.classes)),
        ("written by", ", ".join(f"{name} {version}" for name, version in content.versions.items())),
        ("trained as", _pairs(dict(_dotted(report.node or {})))),
        ("left out", _listed(content.ignored)),
        ("other entries", _listed(content.extra)),
    ]
    width = max(len(name) for name, _ in rows)
    lines = []
    for name, value in rows:
        for i, line in enumerate(_wrapped(value)):
            lines.append(f"{name if i == 0 else '':{width}}  {line}")
    return "\n".join(lines)


def _kind(content: CheckpointContent) -> str:
    if isinstance(content.config, DetectorConfig):
        return "detector"
    return "tagger" if isinstance(content.config, TaggerConfig) else "transformer"


def _dotted(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _pairs(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {value}" for name, value in values.items())


def _listed(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)}: {'; '.join(names[:_SHOWN])}{more}"


def _wrapped(text: str) -> list[str]:
    """Break ``text`` at its semicolons; nothing for an empty one."""
    lines: list[str] = []
    for part in text.split("; ") if text else []:
        if lines and len(lines[-1]) + len(part) + 2 <= _LINE:
            lines[-1] += f"; {part}"
        else:
            lines.append(part)
    return lines
