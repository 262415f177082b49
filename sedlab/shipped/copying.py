"""Copying the notebooks, and the pages that they point to, into a person's folder; and again, after an update.

What that person has changed stays: `.copied.json` beside the notebooks says what was copied.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from sedlab.errors import SedlabError
from sedlab.files import atomic_path, file_sha256, read_json, write_json
from sedlab.shipped.parts import shipped_files
from sedlab.shipped.places import COPIED, NOTEBOOKS, checkout_root, shipped_root


class CopiedFiles(BaseModel):
    """What `.copied.json` says."""

    files: dict[str, str] = Field(default_factory=dict)
    """Path from the top -> SHA-256 of what was copied."""
    declined: dict[str, str] = Field(default_factory=dict)
    """Likewise of what was last not copied, because the file had been changed there."""


@dataclass(frozen=True)
class Copied:
    """What a copy has done, each by path from its top."""

    new: tuple[str, ...]
    updated: tuple[str, ...]
    """Were there as an earlier sedlab had them."""
    kept: tuple[str, ...]
    """Are there otherwise than any sedlab had put them, and stay."""


def copy_notebooks(top: Path) -> Copied:
    """Copy what is shipped to below ``top``: notebooks to `notebooks`, pages to `docs`, the layout of `data`.

    Raises
    ------
    SedlabError
        When ``top`` is the checkout itself, or cannot be written to.
    """
    if checkout_root() is not None and top.resolve() == checkout_root():
        raise SedlabError(f"{top}: is where the notebooks come from. Name another folder, or open them: sedlab lab")
    if top.exists() and not top.is_dir():
        raise SedlabError(f"{top}: is a file. Name a folder.")
    source, record = shipped_root(), top / NOTEBOOKS / COPIED
    known = read_copied(top)
    new, updated, kept = [], [], []
    for name in shipped_files(source):
        there, digest = top / name, file_sha256(source / name)
        if not there.exists():
            new.append(name)
        elif (present := _digest(there)) != digest:
            (updated if present == known.files.get(name) else kept).append(name)
    for name in (*new, *updated):
        with atomic_path(top / name) as temporary:
            shutil.copyfile(source / name, temporary)
    shipped = {name: file_sha256(source / name) for name in shipped_files(source)}
    copied = {name: digest for name, digest in shipped.items() if name not in kept}
    found = CopiedFiles(files=known.files | copied, declined={name: shipped[name] for name in kept})
    if found != known or not record.is_file():
        write_json(record, found)
    return Copied(tuple(new), tuple(updated), tuple(kept))


def read_copied(top: Path) -> CopiedFiles:
    """Return what was copied to below ``top``: nothing, where no record is."""
    file = top / NOTEBOOKS / COPIED
    return read_json(file, CopiedFiles, "Delete it, and copy again.") if file.is_file() else CopiedFiles()


def newer_notebooks(top: Path) -> list[str]:
    """Return the notebooks of which this sedlab has others than a copy has brought to ``top``, or has kept out."""
    known, source = read_copied(top), shipped_root()
    return [
        name
        for name in shipped_files(source)
        if name.startswith(f"{NOTEBOOKS}/")
        and file_sha256(source / name) not in (known.files.get(name), known.declined.get(name))
    ]


def _digest(path: Path) -> str:
    """Return the SHA-256 of what is at ``path``; something else than a file is as a file that was changed."""
    return file_sha256(path) if path.is_file() else hashlib.sha256().hexdigest()
