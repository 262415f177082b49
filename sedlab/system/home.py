"""A place for what libraries keep in a person's home, where that cannot be written to, as in many containers.

Snakemake, Jupyter and matplotlib keep caches and settings there, and some of them end when they cannot.
"""

from __future__ import annotations

import getpass
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from sedlab.errors import SedlabError, warn_once

#: Environment variable -> where that is in the home if it is not set, and the folder in it that is written to.
_PLACES = {
    "XDG_CACHE_HOME": (".cache", "snakemake/snakemake"),
    "IPYTHONDIR": (".ipython", "profile_default"),
    "JUPYTER_CONFIG_DIR": (".jupyter", "lab"),
    "JUPYTER_DATA_DIR": (".local/share/jupyter", "runtime"),
    "MPLCONFIGDIR": (".config/matplotlib", ""),
}


@cache
def writable_home() -> Path | None:
    """See to it that this process and its children have places to write to; return the folder that stands in, if any.

    Only what cannot be written to is moved, by the environment variables of those who write.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):  # a number without a name; Snakemake and torch ask for it
        os.environ["LOGNAME"] = f"user{os.getuid()}"
    home = _home()
    moved = []
    for variable, (usual, inside) in _PLACES.items():
        place = os.environ.get(variable) or (home and home / usual)
        if place is None or not can_write(Path(place) / inside):
            moved.append(variable)
    if os.environ.get("JUPYTER_RUNTIME_DIR") and not can_write(Path(os.environ["JUPYTER_RUNTIME_DIR"])):
        del os.environ["JUPYTER_RUNTIME_DIR"]
    if not moved:
        return None
    folder = _own_temporary_folder()
    for variable in moved:
        os.environ[variable] = str(folder / _PLACES[variable][0])
    if home is None or not home.is_dir():
        os.environ["HOME"] = str(folder)
    return folder


def warn_of_home() -> None:
    """Say in one line that another folder stands in for the home, if so."""
    folder = writable_home()
    if folder is not None:
        warn_once(f"home: cannot be written to; caches and Jupyter's settings are kept in {folder}.")


def can_write(folder: Path) -> bool:
    """Return whether files can be made in a folder, which need not be there yet, by making one."""
    try:
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        with tempfile.TemporaryFile(dir=existing):
            return True
    except (OSError, StopIteration):
        return False


def _home() -> Path | None:
    try:
        return Path.home()
    except (RuntimeError, KeyError):  # no HOME, and a user without an entry in the table of users
        return None


def _own_temporary_folder() -> Path:
    """Return a folder that later runs find again, unless somebody else has taken its name."""
    user = os.getuid() if hasattr(os, "getuid") else os.getpid()
    try:
        folder = Path(tempfile.gettempdir()) / f"sedlab-home-{user}"
    except FileNotFoundError as error:
        raise SedlabError("TMPDIR: no temporary folder can be written to. Set TMPDIR to one that can.") from error
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if found.st_uid == user and stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022 and can_write(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="sedlab-home-"))
