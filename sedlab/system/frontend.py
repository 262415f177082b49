"""Who is on the other side of a notebook's kernel: a person who can be asked, or a program that executes cells."""

from __future__ import annotations

import sys


def person_present() -> bool:
    """Return whether this runs in a notebook before which a person sits.

    Papermill, nbclient and ``nbconvert --execute`` tell the kernel with each cell that they cannot put a question to
    anyone (``allow_stdin``, https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute); JupyterLab and its
    kind can. A message without a word on it comes from a widget that somebody turns. Outside notebooks: False.
    """
    ipython = sys.modules.get("IPython")  # where it was never imported, there is no kernel
    shell = ipython.get_ipython() if ipython else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    request = kernel.get_parent("shell").get("content", {})
    return bool(request.get("allow_stdin", True))
