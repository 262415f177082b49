"""Impulse responses of recording devices: are there any, and can they be used?"""

from __future__ import annotations

from pathlib import Path

from sedlab.data.audio_file import read_header
from sedlab.data.checking.findings import ERROR, WARNING, Findings
from sedlab.data.formats.suffixes import is_audio_name
from sedlab.errors import SedlabError
from sedlab.grid import CLIP_SECONDS

FOLDER = "device_responses"
_GET = "sedlab data desed download --only devices"


def check_responses(root: Path, findings: Findings) -> int:
    """Report responses that are damaged or too long; return how many there are."""
    folder = root / FOLDER
    paths = sorted(path for path in folder.rglob("*") if is_audio_name(path.name)) if folder.is_dir() else []
    if folder.is_dir() and not paths:
        findings.add(ERROR, FOLDER, "no responses", f"{FOLDER}/ holds no sound file", f"{_GET}", count=1)
    damaged, long = [], []
    for path in paths:
        try:
            if read_header(path).duration > CLIP_SECONDS:
                long.append(path.relative_to(root))
        except SedlabError:
            damaged.append(path.relative_to(root))
    remedy = f"Get them again ({_GET}), or delete them."
    findings.add(ERROR, FOLDER, "unreadable", "responses that are not readable as sound", remedy, examples=damaged)
    said = f"responses longer than {CLIP_SECONDS:g} s: are these recordings?"
    findings.add(WARNING, FOLDER, "long", said, "Take out what is no impulse response.", examples=long)
    return len(paths)
