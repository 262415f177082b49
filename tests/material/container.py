"""What containers and network disks lack: a library whose answers are put before those of the C library."""

from __future__ import annotations

import errno
import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

static int number(const char *name) { const char *text = getenv(name); return text ? atoi(text) : 0; }

int flock(int file, int operation) {
    int (*real)(int, int) = dlsym(RTLD_NEXT, "flock");
    if (!number("TRY_FLOCK_ERRNO")) return real(file, operation);
    errno = number("TRY_FLOCK_ERRNO");
    return -1;
}

static int room(const char *name, int file, off_t begin, off_t length) {
    int (*real)(int, off_t, off_t) = dlsym(RTLD_NEXT, name);
    if (number("TRY_SHARED_BYTES") && length > number("TRY_SHARED_BYTES")) return ENOSPC;
    return real(file, begin, length);
}

int posix_fallocate(int file, off_t begin, off_t length) { return room("posix_fallocate", file, begin, length); }
int posix_fallocate64(int file, off_t begin, off_t length) { return room("posix_fallocate64", file, begin, length); }

static int free_room(const char *name, const char *path, struct statvfs *answer) {
    int (*real)(const char *, struct statvfs *) = dlsym(RTLD_NEXT, name);
    int failed = real(path, answer);
    if (!failed && number("TRY_SHARED_BYTES") && !strcmp(path, "/dev/shm"))
        answer->f_blocks = answer->f_bfree = answer->f_bavail = number("TRY_SHARED_BYTES") / answer->f_frsize;
    return failed;
}

int statvfs(const char *path, struct statvfs *answer) { return free_room("statvfs", path, answer); }
/* The same record on machines of 64 bits; the header declares it with a type of another name. */
int large(const char *path, struct statvfs *answer) __asm__("statvfs64");
int large(const char *path, struct statvfs *answer) { return free_room("statvfs64", path, answer); }

sem_t *sem_open(const char *name, int flags, ...) {
    errno = ENOSYS;
    return SEM_FAILED;
}
"""


def _environment(folder: Path, *defined: str, **variables: object) -> dict[str, str]:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.fail("no C compiler, which sedlab needs anyway. Install gcc.")
    source, library = folder / "answers.c", folder / f"answers{len(defined)}.so"
    if not library.exists():
        text = _SOURCE if "sem_open" in defined else _SOURCE.partition("sem_t *sem_open")[0]
        source.write_text(text)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)} | {name: str(value) for name, value in variables.items()}


def without_locks(folder: Path, error: str = "ENOLCK") -> dict[str, str]:
    """Return the environment of processes whose file systems have no locks and say so with this error."""
    return _environment(folder, TRY_FLOCK_ERRNO=getattr(errno, error))


def small_shared_memory(folder: Path, num_bytes: int = 65_536) -> dict[str, str]:
    """Return the environment of processes that have so much shared memory."""
    return _environment(folder, TRY_SHARED_BYTES=num_bytes)


def without_semaphores(folder: Path) -> dict[str, str]:
    """Return the environment of processes without shared memory for semaphores."""
    return _environment(folder, "sem_open")
