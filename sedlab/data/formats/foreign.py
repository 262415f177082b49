"""Files that libsndfile cannot read but the person who has them can: recognised by their content, with the command.

Phones and browsers record M4A, AMR, 3GP or WebM; an archive cloned without Git LFS holds pointers for sounds.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from sedlab.data.formats.streams import id3_length

#: Beginnings of files that ffmpeg converts: names and where the mark stands.
_CONVERTED = (
    ("MP4, M4A or 3GP", rb"....(ftyp|moov|mdat|wide|free|skip)"),
    ("WebM or Matroska", rb"\x1a\x45\xdf\xa3"),
    ("AMR", rb"#!AMR"),
    ("AAC", rb"ADIF|\xff[\xf0\xf1\xf8\xf9]"),
    ("WMA or WMV", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ("WavPack", rb"wvpk"),
    ("Monkey's Audio", rb"MAC "),
    ("Musepack", rb"MPCK|MP\+"),
    ("True Audio", rb"TTA1"),
    ("DSD", rb"DSD |FRM8"),
    ("RealAudio", rb"\.ra\xfd|\.RMF"),
    ("AC-3", rb"\x0b\x77"),
    ("AVI", rb"RIFF....AVI "),
    ("Flash video", rb"FLV"),
    ("MPEG video", rb"\x00\x00\x01\xba|\x47.{187}\x47"),
)
_LFS = b"version https://git-lfs"
_PAGE = re.compile(rb"\s*<(!doctype html|html|\?xml)", re.IGNORECASE)


def foreign_remedy(head: bytes, path: Path) -> str:
    """Return what a file is that begins with ``head`` (some hundred bytes) and what to do; empty if it is not known."""
    if head.startswith(_LFS):
        return "is a pointer of Git LFS, not the sound itself. Fetch it: git lfs pull"
    if _PAGE.match(head):
        return "is a web page, not a sound file. Download the file itself."
    body = head[id3_length(head) :]
    for name, mark in _CONVERTED:
        if re.match(mark, body, re.DOTALL):
            return f"is {name}, which libsndfile does not read. {convert(path)}"
    return ""


def convert(path: Path) -> str:
    """Return the sentence that says how to make a WAV file of a sound file."""
    target = path.with_suffix(".wav")
    if target == path:
        target = path.with_name(f"{path.stem}_converted.wav")
    return f"Convert it with ffmpeg: ffmpeg -i {shlex.quote(str(path))} {shlex.quote(str(target))}"
