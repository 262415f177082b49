"""Whether compressed sound is all there: MP3 files whose header says no length, OGG files that break off."""

from __future__ import annotations

import os
import re
from typing import BinaryIO

_HEAD_BYTES = 64
_MOST_TAGS = 100
_MP3_FRAME = re.compile(rb"\xff[\xe2-\xff]", re.DOTALL)
# Bits per ms by index, for layers 2 and 3 of MPEG 1, and for both layers of MPEG 2 and 2.5.
_BIT_RATES = {
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    None: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def id3_length(head: bytes) -> int:
    """Return the bytes of the ID3 tag that ``head`` begins with; 0 without one."""
    if not head.startswith(b"ID3"):
        return 0
    return 10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))


def mp3_start(file: BinaryIO) -> tuple[int, bytes]:
    """Return where the first frame of an MP3 file is, and its first bytes; these are empty for another format."""
    start = 0
    for _ in range(_MOST_TAGS):
        file.seek(start)
        head = file.read(_HEAD_BYTES)
        if not id3_length(head):
            break
        start += id3_length(head)
    return start, head if _MP3_FRAME.match(head) else b""


def says_mp3_length(head: bytes) -> bool:
    """Return whether the first frame of an MP3 file says how many there are; otherwise libsndfile guesses."""
    mark = re.search(rb"(Xing|Info)...(.)", head, re.DOTALL)
    return b"VBRI" in head or bool(mark and mark[2][0] & 1)


def mp3_sound_follows(rest: bytes) -> bool:
    """Return whether there are frames of MP3, three in a row, in what lies behind the sound: usually tags do."""
    return any(_frames_in_a_row(rest, match.start()) for match in _MP3_FRAME.finditer(rest))


def _frames_in_a_row(data: bytes, at: int, wanted: int = 3) -> bool:
    for _ in range(wanted):
        length = _mp3_frame_bytes(data[at : at + 4])
        if not length:
            return False
        at += length
    return True


def _mp3_frame_bytes(header: bytes) -> int:
    """Return the length of a frame of layer 2 or 3, 0 for other bytes."""
    if len(header) < 4 or not _MP3_FRAME.match(header):
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer not in (1, 2) or bit_rate in (0, 15) or rate == 3:
        return 0
    bits = _BIT_RATES.get((version, layer), _BIT_RATES[None])[bit_rate - 1] * 1000
    samples = 1152 if version == 3 or layer == 2 else 576
    return samples // 8 * bits // _SAMPLE_RATES[version][rate] + padding


def is_whole_ogg(file: BinaryIO) -> bool:
    """Return whether an OGG file ends with the page that says it is the last."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * 65_536))  # longer than any page
    tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    lengths = page[27 : 27 + page[26]] if len(page) > 26 else b""
    return bool(page[5:6]) and bool(page[5] & 4) and len(page) >= 27 + len(lengths) + sum(lengths)
