"""Whole files or none: every output is written under a temporary name and then renamed."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sedlab.errors import SedlabError, first_problem

if TYPE_CHECKING:
    from pydantic import BaseModel

_Model = TypeVar("_Model", bound="BaseModel")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without error.

    The temporary name keeps the suffix, so that libraries which choose a format by it work. If the block raises, the
    temporary file is removed and an existing ``path`` stays as it was.

    Raises
    ------
    SedlabError
        When the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise SedlabError(
            f"{path}: cannot be written ({error.strerror}). Free space or choose another folder."
        ) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; give the result the permissions a plain open() would.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SedlabError(f"{path}: cannot be written ({error}). Free space or choose another folder.") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` (UTF-8) to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_text_if_changed(path: str | Path, text: str) -> bool:
    """Write ``text`` unless ``path`` already holds it; return whether it was written.

    An unchanged file keeps its time stamp, so nothing that depends on it is rebuilt.
    """
    path = Path(path)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value``, plain data or a pydantic model, as indented JSON to ``path`` atomically."""
    # Not model_dump_json, which writes null for nan.
    plain = value.model_dump() if hasattr(value, "model_dump") else value
    write_text(path, json.dumps(plain, indent=2) + "\n")


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
