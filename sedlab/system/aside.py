"""A function call in a process of its own, beside what goes on here.

For work that would keep other threads from Python. The process gets its work and gives its result through pipes, so it
needs no shared memory and ends when nobody is there to take the result.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sedlab.errors import warn_once
from sedlab.system.environment import safe_imports
from sedlab.system.slurm import outlive_warning

_Result = TypeVar("_Result")

_WORDS = [sys.executable, "-c", "from sedlab.system.aside import work; work()"]
#: One core, and no GPU, whose memory is somebody else's.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def aside(function: Callable[..., _Result], *arguments: Any) -> Future[_Result]:
    """Return the result to come of ``function(*arguments)``, all of them picklable, from a process of its own.

    Should the process end without one, for lack of memory for instance, the function is called here, with a warning.
    """
    future: Future[_Result] = Future()
    thread = threading.Thread(target=_wait, args=(future, function, arguments), name="sedlab-aside", daemon=True)
    thread.start()
    return future


def work() -> None:
    """Do, as such a process, what comes through standard input; errors of the function are its result."""
    # What a function prints must not get into its result.
    answer, sys.stdout = sys.stdout.buffer, sys.stderr
    outlive_warning()
    function, arguments = pickle.load(sys.stdin.buffer)
    try:
        result, error = function(*arguments), None
    except Exception as raised:
        result, error = None, raised
    pickle.dump((result, error), answer, protocol=pickle.HIGHEST_PROTOCOL)
    answer.flush()


def _wait(future: Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        result, error = _elsewhere(function, arguments)
    except Exception as problem:
        warn_once(f"{function.__name__}: a process beside this one failed ({problem!r}); done here instead.")
        try:
            result, error = function(*arguments), None
        except Exception as raised:
            result, error = None, raised
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _elsewhere(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    environment = {**os.environ, **safe_imports(), **_ENVIRONMENT}
    with subprocess.Popen(_WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        try:
            # Written piece by piece: arrays of many megabytes are not copied into one string first.
            pickle.dump((function, arguments), process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            process.stdin.close()
            return pickle.load(process.stdout)
        except BaseException:
            process.kill()
            raise
