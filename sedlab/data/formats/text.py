"""The text of a file as people save it: UTF-8, or as its mark says, also compressed by gzip."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from pathlib import Path

from sedlab.errors import SedlabError, os_problem

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    # Before UTF-16, whose mark is the beginning of this one.
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_AS_TEXT = "Save the table as text, with tabs between the columns."
_NO_TABLES = {
    b"PK\3\4": f"a spreadsheet or a zip archive. {_AS_TEXT}",
    b"\xd0\xcf\x11\xe0": f"a spreadsheet. {_AS_TEXT}",
    b"\x89HDF": "an HDF5 file. Give the table (TSV).",
    b"version https://git-lfs": "the pointer of Git LFS to one. Run `git lfs pull` in its repository.",
    b"<!": "a web page. Open its address in a browser and save the file itself.",
    b"<html": "a web page. Open its address in a browser and save the file itself.",
}
# What a table holds, unpacked; the largest published one has 40 MB.
_MAX_BYTES = 2**30
_GZIP = b"\x1f\x8b"


def table_file(path: Path) -> Path:
    """Return ``path``, or, where only that is there, its twin with ``.gz`` behind the name."""
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.is_file() and not path.exists() else path


def is_table(path: Path) -> bool:
    """Return whether there is a table at ``path``, or its compressed twin."""
    return table_file(path).is_file()


def unpacked(content: bytes, path: Path) -> bytes:
    """Return what gzip compressed, other content as it is; SedlabError for what is damaged or too large."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            found = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise SedlabError(f"{path}: what gzip compressed is damaged or cut short. Copy the file again.") from None
    if len(found) > _MAX_BYTES:
        raise SedlabError(f"{path}: holds more than {_MAX_BYTES:,} bytes when unpacked, so it is no table. Replace it.")
    return found


def read_text(path: Path, *, any_bytes: bool = False) -> str:
    """Return a file's text, UTF-8 or as its mark says; SedlabError where there is none."""
    try:
        path = table_file(path)
        # Pipes of the shell, `<(zcat table.tsv.gz)`, but no device that never ends.
        if path.exists() and not path.is_file() and path.parent not in (Path("/dev/fd"), Path("/proc/self/fd")):
            what = "a folder" if path.is_dir() else "no file with an end"
            raise SedlabError(f"{path}: is {what}. Name the table itself.")
        content = path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise SedlabError(f"{path}: links to {path.readlink()}, which is not there. Correct the link.") from None
        raise SedlabError(f"{path}: no such table. Correct the path.") from None
    except (OSError, ValueError) as error:
        raise SedlabError(os_problem(error, path)) from None
    content = unpacked(content, path)
    for begin, what in _NO_TABLES.items():
        if content.startswith(begin):
            raise SedlabError(f"{path}: is no table but {what}")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding, errors="surrogateescape" if any_bytes else "strict")
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise SedlabError(
            f"{path}, line {line}: not {encoding.upper().removesuffix('-SIG')} text (byte 0x{byte:02x}). "
            "Save the table as UTF-8, with tabs between the columns."
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SedlabError(f"{path}, line {line}: holds NUL characters, so it is no text. Save the table as UTF-8 text.")
    if "\ufeff" in text:
        line = text.count("\n", 0, text.index("\ufeff")) + 1
        raise SedlabError(
            f"{path}, line {line}: holds an invisible byte order mark (U+FEFF), as where tables were joined. Remove it "
            "with a text editor, and a second header with it."
        )
    return text
