"""Memory of large arrays that come and go."""

from __future__ import annotations

import ctypes
from functools import cache

# Numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
#: The largest that glibc takes for what it gets from the system piece by piece.
_MMAP_BYTES = 32 * 2**20
#: So much freed memory stays with the process.
_KEPT_BYTES = 256 * 2**20
#: So much is asked for at once.
_STEP_BYTES = 64 * 2**20
_OPTIONS = {_MMAP_THRESHOLD: _MMAP_BYTES, _TRIM_THRESHOLD: _KEPT_BYTES, _TOP_PAD: _STEP_BYTES}


@cache
def keep_freed_memory() -> bool:
    """Let the arrays of this process use memory again that others gave up, and return whether that could be arranged.

    By itself glibc gives megabytes back to the system as soon as they are freed and asks for them anew, page by page.
    Where several threads work on a file each, that costs a tenth of the time. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(option, value) for option, value in _OPTIONS.items())
