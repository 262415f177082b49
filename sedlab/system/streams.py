"""Standard output and error that take any text, wherever they lead."""

from __future__ import annotations

import os
import sys


def prepare_streams() -> None:
    """Let whatever is printed arrive: what a console's encoding lacks as escapes, and nothing where it is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Otherwise the next file that is opened would take its number, and what libraries print.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Let nothing more be written to standard output, which has failed; Python would try again when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
