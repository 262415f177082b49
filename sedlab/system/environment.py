"""Environment variables: numbers that belong to a machine rather than to an experiment, and what children may import.

Python looks for modules in the working folder first, where a person may keep a `random.py` of their own, or a clone
called `sedlab`.
"""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path

from sedlab.errors import SedlabError, warn_once


def number_from_environment(name: str, default: int) -> int:
    """Return a whole number from 0 that the environment may set; SedlabError for anything else."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise SedlabError(f"{name}={text[:40]}: expected a whole number. Set it to one, or unset it.")
    return int(text)


def can_have_queues() -> bool:
    """Return whether children can be sent work here, with one warning if not: it takes semaphores."""
    try:
        multiprocessing.Lock()
    except (OSError, ImportError) as error:
        warn_once(f"/dev/shm: no semaphores ({error}), so no processes beside this one: the work is done by it alone.")
        return False
    return True


def safe_imports() -> dict[str, str]:
    """Return what to add to a child's environment so that it and its own children import nothing from there."""
    # An empty entry, as `PYTHONPATH=$PYTHONPATH:/mine` leaves, is the working folder.
    entries = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(entries)}


def shadowing_module() -> Path | None:
    """Return a module that PYTHONPATH puts before one of this environment's or of Python; None without."""
    own = [sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib")]
    for folder in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        for module in pkgutil.iter_modules([folder]):
            if PathFinder.find_spec(module.name, own) and os.path.realpath(folder) not in map(os.path.realpath, own):
                return Path(PathFinder.find_spec(module.name, [folder]).origin or folder)
    return None


@contextmanager
def importing_safely() -> Iterator[None]:
    """Let processes started in this block, which cannot be told their environment, import nothing from there."""
    changes = safe_imports()
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
