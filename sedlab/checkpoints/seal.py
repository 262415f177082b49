"""A checksum over a whole checkpoint, so that not one bit of it can change unnoticed.

`torch.save` writes a zip archive whose members have checksums that `torch.load` does not compare, and there are none of
what lies between the members. Ours have another one over everything, in the comment at the archive's end: for other
programs they are what `torch.save` writes. Comparing takes about a third of a second for 360 MB.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from sedlab.files import atomic_path

_SEAL = re.compile(rb"sedlab crc32 ([0-9a-f]{8})")
_SEAL_BYTES = len("sedlab crc32 ") + 8
_END_BYTES = 22
_BLOCK_BYTES = 1 << 20


class Damaged(Exception):
    """Bits of a file have changed; the text says how that shows."""


def save_sealed(content: Mapping[str, Any], path: str | Path) -> None:
    """Write ``content`` to ``path``, whole or not at all, with a checksum over the whole file."""
    with atomic_path(path) as temporary:
        torch.save(content, temporary)
        with temporary.open("r+b") as file:
            file.seek(-2, 2)  # an archive ends with the length of its comment, which is none so far
            file.write(struct.pack("<H", _SEAL_BYTES) + b"sedlab crc32 ")
            file.write(b"%08x" % _checksum(file, file.tell()))


def check_whole(path: Path) -> None:
    """Compare the archive ``path`` with its checksums: ours over everything, or in others' files those of its members.

    Raises
    ------
    Damaged
        When one of them does not fit. Archives that were written without checksums (an option of torch) pass.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - _SEAL_BYTES - _END_BYTES, 0))
        end = file.read()
        seal = _SEAL.fullmatch(end[-_SEAL_BYTES:])
        if seal and int(seal[1], 16) != _checksum(file, size - 8):
            raise Damaged("its checksum does not fit")
    if seal:
        return
    # An archive that torch wrote has no comment: what does not end like one was ours.
    if not (end[-_END_BYTES:].startswith(b"PK\5\6") and end.endswith(b"\0\0")):
        raise Damaged("it does not end as a checkpoint does")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        broken = [name for name in names if not _is_whole(archive, name)]
    if broken and len(broken) < len(names):
        raise Damaged(f"the checksum of {broken[0]} in it does not fit")


def _checksum(file: BinaryIO, size: int) -> int:
    """Return the CRC-32 of the first ``size`` bytes; the file is then read up to there."""
    file.seek(0)
    value = 0
    while size:
        block = file.read(min(size, _BLOCK_BYTES))
        value, size = zlib.crc32(block, value), size - len(block)
    return value


def _is_whole(archive: zipfile.ZipFile, name: str) -> bool:
    try:
        with archive.open(name) as member:
            while member.read(_BLOCK_BYTES):
                pass
    except zipfile.BadZipFile:
        return False
    return True
