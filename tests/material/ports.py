"""Ports for servers that are told which one to use, and take it a while later."""

from __future__ import annotations

import random
import socket
from itertools import islice
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(number: int) -> list[int]:
    """Return ports of this machine that nobody has, none of them twice.

    They lie below those that the system gives to whoever asks for any, so that no connection takes one meanwhile.
    """
    first_of_the_system = int(_RANGE.read_text().split()[0]) if _RANGE.is_file() else 32_768
    candidates = random.SystemRandom().sample(  # whatever seed a test has set
        range(first_of_the_system // 2, first_of_the_system), 1000
    )
    return list(islice(filter(_is_free, candidates), number))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
