"""Will it fit into memory? Estimated before work starts, because whoever takes too much is killed without a word."""

from __future__ import annotations

from pathlib import Path

from sedlab.errors import SedlabError

_GIB = 2**30
#: Limit, statistics and what they call memory that cannot be given back, of a container (cgroups 2 and 1).
_CGROUPS = (("memory.max", "memory.stat", "anon"), ("memory/memory.limit_in_bytes", "memory/memory.stat", "total_rss"))


def check_fits(needed: float, what: str, remedy: str) -> None:
    """Raise SedlabError when ``needed`` bytes for ``what`` are more than this process may still take."""
    free = free_memory()
    if needed > free:
        raise SedlabError(
            f"{what}: needs about {needed / _GIB:.1f} GiB of memory, {free / _GIB:.1f} are free. {remedy}"
        )


def free_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Return how many bytes this process may still take: of the machine with its swap, and of its container."""
    import psutil

    free = [psutil.virtual_memory().available + psutil.swap_memory().free]
    for limit, statistics, kind in _CGROUPS:
        try:
            counts = dict(line.split() for line in (cgroup / statistics).read_text().splitlines())
            free.append(int((cgroup / limit).read_text()) - int(counts[kind]))
        except (OSError, ValueError, KeyError):
            continue  # no such kind of container, or one without a limit ("max")
    return max(0.0, float(min(free)))
