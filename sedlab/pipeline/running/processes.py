"""The scheduler as a process of its own: started, listened to, and never left behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from sedlab.pipeline.running.scheduler import JobEvent
from sedlab.runs.locks import RUN_PROCESS, this_process
from sedlab.system.environment import safe_imports

#: Time a job gets to save its notebook and end its kernel after an interrupt.
STOP_SECONDS = 8.0


def events_of(process: subprocess.Popen, tick: Callable[[], None]) -> Iterator[JobEvent]:
    """Yield the scheduler's events until it ends, calling ``tick`` in between, about four times a second."""
    buffer = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.25):
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    return
                *lines, buffer = (buffer + chunk).split(b"\n")
                yield from map(JobEvent.model_validate_json, lines)
            tick()


@contextmanager
def process_group(
    command: list[str], environment: Mapping[str, str], *, stop_seconds: float = STOP_SECONDS, **options: Any
) -> Iterator[subprocess.Popen]:
    """Start a process with a group of its own and leave nothing of it behind, whatever happens here.

    ``environment`` is added to this process's; ``stop_seconds`` it has to end by itself after an interrupt.

    SIGTERM and SIGHUP are treated like Ctrl-C.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    environment = {**os.environ, **environment, **safe_imports(), RUN_PROCESS: this_process(), "PYTHONUNBUFFERED": "1"}
    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **options)
    try:
        yield process
        process.wait()
    except BaseException:
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(stop_seconds)
        raise
    finally:
        # Also after a regular end: jobs of a scheduler that was killed would otherwise live on.
        _signal_group(process, signal.SIGKILL)
        process.wait()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _signal_group(process: subprocess.Popen, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
