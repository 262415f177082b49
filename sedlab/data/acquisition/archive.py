"""Zip and tar archives read as what anybody may have written: nothing outside the folder, no links, no bombs.

Names, kinds and sizes are checked before a byte of a file is used; `zipfile` and `tarfile` do the reading, and their
checksums the rest.
"""

from __future__ import annotations

import errno
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import BadGzipFile
from pathlib import Path
from typing import IO

from sedlab.errors import SedlabError, short

#: An archive of sound becomes not even twice as large, tables ten times; deflated zeros a thousand times.
MAX_RATIO = 100
#: Below this many bytes no ratio matters.
SMALL_BYTES = 32 * 1024**2
MAX_MEMBERS = 1_000_000
#: What to do about an archive that holds what it must not, and about one that is damaged.
ADVICE = "Get the archive from its publisher again"
AGAIN = "Delete it, then run the same command again"
#: What systems add on their own.
_RUBBISH = re.compile(r"__MACOSX|\.DS_Store|Thumbs\.db|desktop\.ini|\._.*")
#: What `zipfile`, `tarfile` and the decoders say of bytes that make no sense.
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, BadGzipFile, struct.error),
    *(ValueError, RuntimeError, LookupError, ArithmeticError, AttributeError, TypeError, MemoryError),
)


@dataclass(frozen=True)
class Member:
    """One file of an archive."""

    parts: tuple[str, ...]
    """Names of its folders, and its own."""
    size: int
    """bytes, as declared"""
    open: Callable[[], IO[bytes]]


def members(path: Path, *, advice: str = ADVICE, again: str = AGAIN) -> Iterator[Member]:
    """Yield the files of a zip or tar archive in their order; whoever reads each while it is its turn reads once.

    ``advice`` and ``again`` say what to do about a harmful and about a damaged one.

    Raises
    ------
    SedlabError
        When the archive is damaged, no archive, or holds what has no place in one: a path that leads out of the folder,
        an absolute one, a link, a device, an encrypted file, more bytes than sound or tables could become.
    """
    with damage_told(path, again=again):
        if not path.is_file():
            raise SedlabError(f"{path}: no such file. Download it again.")
        if zipfile.is_zipfile(path):
            yield from _zip_members(path, advice)
        elif tarfile.is_tarfile(path):
            yield from _tar_members(path, advice)
        else:
            raise SedlabError(f"{path}: {_what_it_is(path)}. {again}.")


def refuse_page(path: Path) -> None:
    """Raise `SedlabError` for an empty file and for what a server or a proxy sends in place of one."""
    with path.open("rb") as file:
        begin = file.read(512).lstrip().lower()
    if not begin or begin.startswith((b"<!doctype", b"<html", b"<?xml")):
        what = "is a web page, perhaps of a login" if begin else "is empty"
        raise SedlabError(f"{path}: {what}. Delete it, then run the same command again.")


def declared_size(path: Path) -> int | None:
    """Return how many bytes a zip archive says it becomes; None for other archives, which have no list."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(info.file_size for info in archive.infolist())
    except (OSError, *_DAMAGE):
        return None


@contextmanager
def damage_told(path: Path, *, again: str = AGAIN) -> Iterator[None]:
    """Tell what goes wrong inside while an archive is read as one line; whoever reads its files does that in here."""
    try:
        yield
    except SedlabError:
        raise
    except (OSError, *_DAMAGE) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of the disk, not of the archive
        why = short(" ".join(str(error).split()) or type(error).__name__)
        raise SedlabError(f"{path}: the archive is damaged or was cut off ({why}). {again}.") from error


def _zip_members(path: Path, advice: str) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
        _check_amount(path, len(listed), sum(info.file_size for info in listed), advice)
        # All names before the first byte: an archive with one trap gives nothing.
        files = []
        for info in listed:
            parts = _checked_parts(path, info.filename, advice)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                _refuse(path, info.filename, "a link" if kind == stat.S_IFLNK else "a device", advice)
            if info.flag_bits & 1:
                _refuse(path, info.filename, "encrypted", advice)
            if not info.is_dir() and parts:
                files.append((parts, info))
        for parts, info in files:
            yield Member(parts, info.file_size, lambda info=info: archive.open(info))


def _tar_members(path: Path, advice: str) -> Iterator[Member]:
    size = 0
    with tarfile.open(path) as archive:
        for number, entry in enumerate(archive, 1):
            size += max(entry.size, 0)
            _check_amount(path, number, size, advice)
            parts = _checked_parts(path, entry.name, advice)
            try:
                # The standard library's own rules too: for what it knows of file systems that this does not.
                tarfile.data_filter(entry, "/nowhere")
            except tarfile.FilterError:
                _refuse(path, entry.name, "a path out of the folder, a link out of it, or a device", advice)
            if entry.issym() or entry.islnk():
                _refuse(path, entry.name, "a link", advice)
            if not entry.isfile():
                continue
            if parts:
                yield Member(parts, entry.size, lambda entry=entry: archive.extractfile(entry))
        # A list of files may end properly in a file that does not: its end holds the checksum of all.
        while archive.fileobj.read(1 << 20):
            pass


def _checked_parts(path: Path, name: str, advice: str) -> tuple[str, ...]:
    """Return the names in a path inside the archive; empty for what systems add on their own."""
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
    if name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        _refuse(path, name, "an absolute path", advice)
    if ".." in parts:
        _refuse(path, name, "a path out of the folder", advice)
    if "\0" in name or any(ord(character) < 32 for character in name):
        _refuse(path, name, "no name of a file", advice)
    return () if any(is_rubbish(part) for part in parts) else parts


def is_rubbish(name: str) -> bool:
    """Return whether systems add files or folders of this name on their own; in an archive they are passed over."""
    return _RUBBISH.fullmatch(name) is not None


def _check_amount(path: Path, number: int, size: int, advice: str) -> None:
    packed = path.stat().st_size
    if number > MAX_MEMBERS or size > max(SMALL_BYTES, MAX_RATIO * packed):
        raise SedlabError(
            f"{path}: {packed / 1e6:.1f} MB that say they become {number} files of {size / 1e9:.2f} GB, which neither "
            f"sound nor tables do. Nothing was unpacked. {advice}."
        )


def _refuse(path: Path, name: str, what: str, advice: str) -> None:
    raise SedlabError(
        f"{path}: holds {short(name)}, {what}: not what its publisher packed. Nothing of it was put in place. {advice}."
    )


def _what_it_is(path: Path) -> str:
    refuse_page(path)
    return "is no zip or tar archive, or its end is missing"
