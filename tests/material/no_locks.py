"""A file system without locks: a library that answers for `flock`, put before the C library's."""

from __future__ import annotations

import errno
import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = """
#include <errno.h>
#include <stdlib.h>
int flock(int file, int operation) { errno = atoi(getenv("FLOCK_ERRNO")); return -1; }
"""


def without_locks(folder: Path, error: str = "ENOLCK") -> dict[str, str]:
    """Return the environment of processes whose file systems have no locks and say so with this error."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.fail("no C compiler, which sedlab needs anyway. Install gcc.")
    source, library = folder / "no_locks.c", folder / "no_locks.so"
    if not library.exists():
        source.write_text(_SOURCE)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), "FLOCK_ERRNO": str(getattr(errno, error))}
