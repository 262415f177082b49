"""How much sound the header of an uncompressed file claims, and how much is there.

Programs that write to a pipe, or were killed, leave a placeholder or an old number as the length; copies break off.
The sound is there all the same: `sound_extent` says how much, and what the header should say.

Covers WAV, RF64, Sony Wave64, AIFF, AU and CAF.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

# Format tags of WAV whose sound chunk is a plain array: PCM, float, extensible.
_PLAIN_FORMATS = (1, 3, 0xFFFE)
#: Bytes by which programs err that count their header as sound.
_MISCOUNTED = 64
#: From here on a length is a placeholder, such as the 0x7ffff000 of SoX in a pipe.
_PLACEHOLDERS = 0x7F000000
#: More are not in any file, and a file of zeros would look like a million.
_MOST_CHUNKS = 10_000
_AU_BYTE_ORDER = {b".snd": ">", b"dns.": "<"}


@dataclass(frozen=True)
class Extent:
    """The sound in a file, in bytes."""

    claimed: int | None
    """By the header; None where it leaves the length open."""
    present: int
    mended: dict[int, bytes]
    """What should stand in the header, by place; empty where it is right."""
    sample_rate: int = 0
    """0 where only libsndfile can say."""
    frame_bytes: int = 0
    """A sample of every channel; 0 where only libsndfile can say."""
    channels: int = 0
    """0 where only libsndfile can say."""

    @property
    def broken_off(self) -> bool:
        """Whether sound is missing: more than writers miscount, of a length that is no placeholder."""
        return self.claimed is not None and self.present + _MISCOUNTED < self.claimed < _PLACEHOLDERS


class _Container(NamedTuple):
    """How a file of chunks is written."""

    kinds: tuple[bytes, ...]
    """What stands at byte 8."""
    first: int
    """Where the first chunk begins."""
    length: str
    """Of a chunk, for `struct`."""
    sound: bytes
    """Name of the chunk with the samples."""
    lead: int = 0
    """Bytes of that chunk before its samples."""
    aligned: int = 2
    """Chunks begin at multiples of so many bytes."""
    whole: bool = False
    """Whether the length counts the chunk's name and length too."""


class _Chunk(NamedTuple):
    name: bytes
    length: int | None
    """Of its body, as the file says; None where it leaves that open."""
    body: int
    """Where the body begins."""
    end: int
    """Where the next chunk begins."""


_W64_SOUND = b"data" + bytes.fromhex("f3acd3118cd100c04f8edb8a")
_CONTAINERS = {
    b"RIFF": _Container((b"WAVE",), 12, "<I", b"data"),
    b"RIFX": _Container((b"WAVE",), 12, ">I", b"data"),
    b"RF64": _Container((b"WAVE",), 12, "<I", b"data"),
    b"FORM": _Container((b"AIFF", b"AIFC"), 12, ">I", b"SSND", lead=8),
    b"caff": _Container((b"desc",), 8, ">Q", b"data", lead=4, aligned=1),
    b"riff": _Container((bytes.fromhex("a5d628db"),), 40, "<Q", _W64_SOUND, aligned=8, whole=True),
}


def sound_extent(file: BinaryIO) -> Extent | None:
    """Return the extent of the sound in a file; None for a format without such a header.

    Raises
    ------
    EOFError
        For a file that ends before its sound begins.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if order := _AU_BYTE_ORDER.get(head[:4]):
        return _au_extent(head, order, size)
    container = _CONTAINERS.get(head[:4])
    return _ChunkFile(file, container, size).extent() if container and head[8:] in container.kinds else None


def _au_extent(head: bytes, order: str, size: int) -> Extent:
    if len(head) < 12:
        raise EOFError
    start, length = struct.unpack(f"{order}II", head[4:])
    rest = max(0, size - start)
    claimed = None if length == 2**32 - 1 else length
    present = length if length <= rest and (length == rest or _looks_finished(length, rest)) else rest
    mended = {} if present == length else {8: struct.pack(f"{order}I", min(present, 2**32 - 1))}
    return Extent(claimed, present, mended)


class _ChunkFile:
    """A file of chunks, one of which holds the samples."""

    def __init__(self, file: BinaryIO, container: _Container, size: int):
        self.file, self.container, self.size = file, container, size
        self.top = len(container.sound) + struct.calcsize(container.length)

    def extent(self) -> Extent:
        """Return the extent of the sound chunk; EOFError without one."""
        rate = frame_bytes = channels = 0
        ds64 = None
        for chunk in self.chunks(self.container.first):
            if chunk.name == b"fmt ":
                rate, frame_bytes, channels = self._wav_format()
            elif chunk.name == b"ds64":
                ds64 = chunk
            elif chunk.name == self.container.sound:
                break
        else:
            raise EOFError
        lead, form = self.container.lead, self.container.length
        place, length = chunk.body - struct.calcsize(form), chunk.length
        if ds64:
            # RF64: the 64-bit length before the samples counts, that of their chunk is open.
            place, form = ds64.body + 8, "<Q"
            length = _none_if_open(self._number(place, form), form) if length is None else length
            chunk = chunk._replace(end=chunk.body + (length or 0))
        claimed = None if length is None else max(0, length - lead)
        rest = max(0, self.size - chunk.body - lead)
        present = rest
        if claimed is not None and claimed <= rest and (_looks_finished(claimed, rest) or self.ends_well(chunk.end)):
            present = claimed
        right = present + lead + self.top * self.container.whole
        excess = self._number(place, form) - right
        mended = {} if 0 <= excess < max(1, frame_bytes) else {place: struct.pack(form, min(right, _largest(form)))}
        return Extent(claimed, present, mended, rate, frame_bytes, channels)

    def chunks(self, start: int) -> Iterator[_Chunk]:
        """Yield the chunks from ``start`` on; the file stands at the body of each."""
        name_bytes = len(self.container.sound)
        for _ in range(_MOST_CHUNKS):
            self.file.seek(start)
            header = self.file.read(self.top)
            if len(header) < self.top:
                return
            (number,) = struct.unpack(self.container.length, header[name_bytes:])
            length = _none_if_open(number, self.container.length)
            if length is None:
                end = self.size
            else:
                length = max(0, length - self.top * self.container.whole)
                end = start + self.top + length
                end += -end % self.container.aligned
            yield _Chunk(header[:name_bytes], length, start + self.top, end)
            start = end

    def ends_well(self, start: int) -> bool:
        """Return whether nothing but whole chunks lies between ``start`` and the end of the file."""
        for chunk in self.chunks(start):
            if chunk.end > self.size + 1 or not all(32 <= byte < 127 for byte in chunk.name[:4]):
                return False
            start = chunk.end
        return self.size - start < self.top

    def _wav_format(self) -> tuple[int, int, int]:
        """Return sample rate, bytes of a frame (0 for a format that is no plain array) and channels."""
        fields = self.file.read(16)
        if len(fields) < 16:
            raise EOFError
        form, channels, rate, _, frame_bytes, _ = struct.unpack(f"{self.container.length[0]}HHIIHH", fields)
        return rate, frame_bytes if form in _PLAIN_FORMATS else 0, channels

    def _number(self, place: int, form: str) -> int:
        width = struct.calcsize(form)
        self.file.seek(place)
        return struct.unpack(form, self.file.read(width).ljust(width, b"\0"))[0]


def _looks_finished(claimed: int, rest: int) -> bool:
    """Return whether a length that is no placeholder is that of most of what is there."""
    return claimed < _PLACEHOLDERS and rest < 2 * claimed


def _largest(form: str) -> int:
    return 2 ** (8 * struct.calcsize(form)) - 1


def _none_if_open(number: int, form: str) -> int | None:
    return None if number == _largest(form) else number
