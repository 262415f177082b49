"""The graphics cards that torch may use here, and the name by which a process is told of each.

What a person or a cluster has left visible (CUDA_VISIBLE_DEVICES: numbers, UUIDs, instances of MIG) is all there is.
Cards are counted by `nvidia-smi`, which takes a moment, or, where it is not there (ROCm, many containers), by torch,
which takes seconds, in a process of its own.

Source of the rules: CUDA C++ Programming Guide, "CUDA Environment Variables"; NVIDIA Multi-Instance GPU User Guide,
"Device Enumeration"; ROCm documentation, "GPU isolation techniques".
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

#: Environment variable in which a process hands on what it has found to those it starts.
KNOWN_CARDS = "SEDLAB_KNOWN_CARDS"
#: By file: the driver of a graphics card is there. Without any, torch need not be asked.
_DRIVERS = ("nvidia*", "kfd", "dxg", "nvhost*", "nvgpu*")
_ASK_TORCH = """\
import json, torch
print(json.dumps([torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]))
"""


class Card(NamedTuple):
    """A graphics card, or a part of one (MIG) that programs see as a card."""

    ident: str
    """As CUDA_VISIBLE_DEVICES names it: a number or a UUID."""
    name: str = ""
    """The model, such as "NVIDIA H100 80GB HBM3"."""
    key: str = ""
    """Its UUID where that is known: the same card by whatever number."""

    def __str__(self) -> str:
        return f"{self.ident} ({self.name})" if self.name else self.ident


def usable_cards() -> tuple[Card, ...]:
    """Return the cards that torch may use here, in its order; none with a torch for CPUs."""
    if known := os.environ.get(KNOWN_CARDS):
        return tuple(Card(*card) for card in json.loads(known))
    build = torch_build()
    return _found(build, os.environ.get("PATH", ""), _visible(build, os.environ)) if build else ()


def handed_on(cards: Sequence[Card]) -> dict[str, str]:
    """Return the environment in which a new process knows of these cards without looking for them."""
    return {KNOWN_CARDS: json.dumps(cards)}


def environment_with(cards: Sequence[Card]) -> dict[str, str]:
    """Return the environment in which a new process sees these cards alone."""
    variable = "HIP_VISIBLE_DEVICES" if torch_build() == "hip" else "CUDA_VISIBLE_DEVICES"
    return {variable: ",".join(card.ident for card in cards)}


@cache
def torch_build() -> Literal["cuda", "hip"] | None:
    """Return for what cards torch was built, without importing it; None: for CPUs, or there is no torch."""
    found = find_spec("torch")
    version = Path(found.origin).with_name("version.py") if found and found.origin else None
    text = version.read_text(encoding="utf-8") if version and version.is_file() else ""
    return next((kind for kind in ("hip", "cuda") if re.search(rf"^{kind}\b[^=]*=\s*['\"]", text, re.MULTILINE)), None)


class _Listed(NamedTuple):
    """A line of `nvidia-smi -L`."""

    name: str
    uuid: str
    parts: tuple[Card, ...]
    """Its instances of MIG."""


@cache
def _found(build: str, path: str, visible: str | None) -> tuple[Card, ...]:
    """Return the cards for a build of torch; programs are found by ``path``, and ``visible`` says which to show."""
    listed = _listed_cards(path) if build == "cuda" else None
    if listed is not None:
        return listed_cards(listed, visible)
    names = _names_by_torch()
    idents = [str(index) for index in range(len(names))] if visible is None else _tokens(visible)
    return tuple(Card(ident, name, ident) for ident, name in zip(idents, names, strict=False))


def listed_cards(listed: Sequence[_Listed], visible: str | None) -> tuple[Card, ...]:
    """Return which of the cards that `nvidia-smi` lists are visible, as CUDA decides it.

    An entry of ``visible`` that names no card hides itself and all after it; one that is there twice hides all.
    """
    if visible is None:
        return tuple(_all_cards(listed))
    tokens = _tokens(visible)
    if len(set(tokens)) < len(tokens):
        return ()
    cards = []
    for token in tokens:
        card = _named(token, listed)
        if card is None:
            break
        cards.append(card)
    return tuple(cards)


def parse_listing(text: str) -> list[_Listed]:
    """Return what `nvidia-smi -L` printed."""
    found: list[_Listed] = []
    for line in text.splitlines():
        if match := re.match(r"GPU \d+: (.*) \(UUID: (\S+)\)", line):
            found.append(_Listed(match[1], match[2], ()))
        elif found and (match := re.match(r"\s+(MIG .*?)\s+Device\s+\d+: \(UUID: (\S+)\)", line)):
            card = found[-1]
            part = Card(match[2], f"{card.name}, {match[1]}", match[2])
            found[-1] = card._replace(parts=(*card.parts, part))
    return found


def _all_cards(listed: Sequence[_Listed]) -> Iterator[Card]:
    # CUDA numbers the fastest first, `nvidia-smi` by their slots: unlike cards are named by what cannot be mistaken.
    alike = len({card.name for card in listed}) <= 1
    for index, card in enumerate(listed):
        if card.parts:
            yield from card.parts
        else:
            yield Card(str(index) if alike else card.uuid, card.name, card.uuid)


def _named(token: str, listed: Sequence[_Listed]) -> Card | None:
    """Return the card of an entry of CUDA_VISIBLE_DEVICES; None: there is none."""
    if token.isdigit():
        index = int(token)
        return Card(token, listed[index].name, listed[index].uuid) if index < len(listed) else None
    if token.startswith("GPU-"):
        matching = [card for card in listed if card.uuid.startswith(token)]
        return Card(token, matching[0].name, matching[0].uuid) if len(matching) == 1 else None
    if token.startswith("MIG-"):
        parts = [part for card in listed for part in card.parts if part.ident.startswith(token)]
        # Older drivers list MIG-UUID, and take MIG-GPU-UUID/instance/instance.
        older = Card(token, "", token) if token.startswith("MIG-GPU-") else None
        return parts[0]._replace(ident=token) if len(parts) == 1 else older
    return None


def _visible(build: str | None, environment: Mapping[str, str]) -> str | None:
    """Return what says which cards may be seen, None: all. ROCm heeds the variable of CUDA where it has none itself."""
    names = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES") if build == "hip" else ("CUDA_VISIBLE_DEVICES",)
    return next((environment[name] for name in names if name in environment), None)


def _tokens(visible: str) -> list[str]:
    return [token.strip() for token in visible.split(",") if token.strip()]


def _listed_cards(path: str) -> list[_Listed] | None:
    """Return what `nvidia-smi` lists; None where it is not there, or cannot."""
    program = shutil.which("nvidia-smi", path=path)
    text = _output([program, "-L"], seconds=30) if program else None
    return None if text is None else parse_listing(text)


def _names_by_torch() -> list[str]:
    if not any(found for pattern in _DRIVERS for found in Path("/dev").glob(pattern)):
        return []
    text = _output([sys.executable, "-c", _ASK_TORCH], seconds=120)
    return json.loads(text) if text else []


def _output(command: list[str], *, seconds: float) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
