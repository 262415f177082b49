"""The command line and the interpreter in processes of their own, as a person starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
#: Longer than anything here takes on a busy machine: a bound for what hangs, not a measure of speed.
PATIENCE_SECONDS = 1500
# `papermill` without the grammar of web addresses that jsonschema would build when imported: two seconds each time.
_PAPERMILL = "import sys; sys.modules['rfc3987_syntax'] = None; from papermill.__main__ import papermill; papermill()"


def command(*arguments: object) -> list[str]:
    """Return the words that start `sedlab` with these arguments in this environment."""
    return [sys.executable, "-m", "sedlab.cli", *map(str, arguments)]


def sedlab(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess:
    """Run `sedlab` to its end; ``env`` is added to this process's environment."""
    return _run(command(*arguments), cwd, env)


def python(*arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run the interpreter, say with ``-c`` and code, and return what it prints; it must succeed."""
    done = _run([sys.executable, *map(str, arguments)], cwd, env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def papermill(folder: Path, notebook: str, *parameters: str) -> subprocess.CompletedProcess:
    """Run `papermill` on a notebook of the checkout as a person does in ``folder``; parameters as "key=value"."""
    programs = Path(sys.executable).parent
    words = [sys.executable, "-P", "-c", _PAPERMILL, str(NOTEBOOKS / f"{notebook}.ipynb"), f"{notebook}.ipynb"]
    for parameter in parameters:
        words += ["-p", *parameter.split("=", 1)]
    return _run(words, folder, {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"})


def start(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, **options: object
) -> subprocess.Popen:
    """Start `sedlab` and return at once; it heeds interrupts also when the tests run in the background of a shell."""
    environment = {**os.environ, **(env or {})}
    return subprocess.Popen(
        command(*arguments), cwd=cwd, env=environment, text=True, preexec_fn=_heed_interrupts, **options
    )


def _run(words: list[str], cwd: Path | None, env: Mapping[str, str] | None) -> subprocess.CompletedProcess:
    environment = {**os.environ, **(env or {})}
    return subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
