"""Whole files or none: every output is written under a temporary name and then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sedlab.errors import OS_REMEDIES, SedlabError, first_problem, os_problem

if TYPE_CHECKING:
    from pydantic import BaseModel

_Model = TypeVar("_Model", bound="BaseModel")


_STREAM_REMEDIES = {
    errno.ENXIO: "Start what reads from it first, or choose another name.",
    errno.EPIPE: "What reads from it has ended: start that again, or choose another name.",
}


#: How `_replaced` names its files; and as an earlier version named checkpoints.
_TEMPORARY = re.compile(r"\..{1,40}\.[0-9a-f]{8}(\..{1,15})?|\.(last|best|best_so_far)\.[a-z0-9_]{8}\.pt", re.DOTALL)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without error.

    The temporary name keeps the suffix, so that libraries which choose a format by it work. If the block raises, the
    temporary file is removed and an existing ``path`` stays as it was. A link stays a link: the file it points to is
    replaced. An existing file keeps its permissions and, where that is allowed, its owner. What is no file but a stream
    (`/dev/stdout`, `/dev/null`, a pipe) receives the content when the block ends.

    Raises
    ------
    SedlabError
        When the disk is full, the folder cannot be written to, or ``path`` is a folder or a disk.
    """
    path = Path(path)
    try:
        found = _stat(path)
        if found is None or (stat.S_ISREG(found.st_mode) and not _names_a_stream(path)):
            replaced = _replaced(Path(os.path.realpath(path)), found)
        elif stat.S_ISREG(found.st_mode) or stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode):
            replaced = _poured(path)
        else:
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or socket"
            raise SedlabError(f"{path}: is {kind}, so no file of this name can be written. Choose another name.")
        with replaced as temporary:
            yield temporary
    except OSError as error:
        remedy = (OS_REMEDIES | _STREAM_REMEDIES).get(error.errno, "Free space or choose another folder.")
        raise SedlabError(f"{path}: cannot be written ({error.strerror or error}). {remedy}") from error


def _stat(path: Path) -> os.stat_result | None:
    """Return what the file system says of what ``path`` leads to, None where nothing is."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except ValueError as error:  # a NUL, or half of a character
        raise SedlabError(f"{str(path)!r}: is no name of a file. Choose another name.") from error


def _names_a_stream(path: Path) -> bool:
    """Return whether ``path`` is a name of an open file, such as /dev/stdout: to replace that would miss who has it."""
    folder = Path(os.path.realpath(path.parent))
    return _standard_stream(path) is not None or any(
        folder.is_relative_to(of_files) for of_files in ("/proc", "/dev/fd")
    )


def _standard_stream(path: Path) -> int | None:
    """Return the handle of stdout or stderr if ``path`` is the same file, whatever its name."""
    for standard in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or no file at all, as in a notebook
            if os.path.samestat(path.stat(), os.fstat(standard.fileno())):
                standard.flush()
                return standard.fileno()
    return None


@contextmanager
def _replaced(path: Path, found: os.stat_result | None) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix if len(path.suffix) <= 16 else ""
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}{suffix}")
    # Nobody may read meanwhile what only its owner may read in the end.
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if found else 0o666))
    try:
        yield temporary
        if found:
            with suppress(PermissionError):
                os.chown(temporary, found.st_uid, found.st_gid)
            temporary.chmod(stat.S_IMODE(found.st_mode))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _poured(stream: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / f"content{stream.suffix}"
        temporary.touch()
        yield temporary
        with os.fdopen(_opened(stream), "wb") as target, temporary.open("rb") as source:
            shutil.copyfileobj(source, target)


def _opened(stream: Path) -> int:
    standard = _standard_stream(stream)
    if standard is not None:
        return os.dup(standard)  # opened anew, a file would be written to from its beginning
    # Without waiting: a pipe that nobody reads would stop us for ever.
    handle = os.open(stream, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    return handle


def is_file(path: str | Path) -> bool:
    """Return whether ``path`` is a file; raise `SedlabError` where that cannot be known, as of a name too long."""
    try:
        return Path(path).is_file()
    except OSError as error:
        raise SedlabError(os_problem(error, path)) from error


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; SedlabError when it cannot be read."""
    return _file_digest(path, "sha256")


def file_md5(path: str | Path) -> str:
    """Return the MD5 of a file, which publishers give, in hexadecimal digits; SedlabError when it cannot be read."""
    return _file_digest(path, "md5")


def _file_digest(path: str | Path, algorithm: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise SedlabError(os_problem(error, path)) from error


def sweep_temporaries(folder: Path) -> None:
    """Remove what writers that were killed have left in ``folder`` and below; nobody may be writing there."""
    for path in folder.rglob(".*"):
        if _TEMPORARY.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            with suppress(OSError):
                path.unlink()


def link_or_copy(source: Path, target: Path) -> None:
    """Put the file ``source`` at ``target`` too, without taking its space twice where the file system allows that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}{target.suffix[:16]}")
    try:
        os.link(source, temporary)
        temporary.replace(target)
    except OSError:
        with atomic_path(target) as copy:
            shutil.copyfile(source, copy)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` (UTF-8) to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_text_if_changed(path: str | Path, text: str) -> bool:
    """Write ``text`` unless ``path`` already holds it; return whether it was written.

    An unchanged file keeps its time stamp, so nothing that depends on it is rebuilt.
    """
    path = Path(path)
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    write_text(path, text)
    return True


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value``, plain data or a pydantic model, as indented JSON to ``path`` atomically."""
    # Not model_dump_json, which writes null for nan.
    plain = value.model_dump() if hasattr(value, "model_dump") else value
    write_text(path, json.dumps(plain, indent=2) + "\n")


def read_remembered(file: Path, length: int) -> dict[str, list[Any]]:
    """Return the lists of ``length`` in a JSON mapping that is only a memory: what is lost or damaged is not there."""
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {name: entry for name, entry in known.items() if isinstance(entry, list) and len(entry) == length}


def read_json(path: str | Path, model: type[_Model], remedy: str) -> _Model:
    """Return a JSON file as an instance of ``model``.

    Parameters
    ----------
    model : pydantic model
        Says what the file holds.
    remedy : str
        What to do about a file that is absent or does not fit: the end of the message.

    Raises
    ------
    SedlabError
        When the file is absent, cannot be read, is not JSON, or does not fit the model.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate_json(Path(path).read_bytes())
    except FileNotFoundError:
        raise SedlabError(f"{path}: no such file. {remedy}") from None
    except OSError as error:
        raise SedlabError(f"{path}: cannot be read ({error.strerror}). {remedy}") from error
    except ValidationError as error:
        raise SedlabError(f"{path}: {first_problem(error)} {remedy}") from error
