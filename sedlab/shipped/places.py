"""Where the notebooks and pages are: at the top of a checkout, or in the package that a wheel installed.

And which folder a person works in: that of `runs/` and `data/`, above `notebooks/`.
"""

from __future__ import annotations

from pathlib import Path

from sedlab.errors import SedlabError

NOTEBOOKS = "notebooks"
#: In the notebooks of a folder that was made by `sedlab lab --copy`: what was copied.
COPIED = ".copied.json"


def checkout_root() -> Path | None:
    """Return the top of the checkout that sedlab runs from; None in an installed wheel."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() and (root / NOTEBOOKS).is_dir() else None


def shipped_root() -> Path:
    """Return the folder that holds what is shipped: the checkout's, or one in the package."""
    return checkout_root() or Path(__file__).resolve().parent


def notebooks_folder() -> Path:
    """Return the folder of the notebooks that come with sedlab.

    Raises
    ------
    SedlabError
        When they are not there, as in a package that somebody else has put together.
    """
    folder = shipped_root() / NOTEBOOKS
    if not folder.is_dir():
        raise SedlabError(f"{folder}: the notebooks are not here. Install sedlab again, from a wheel or a checkout.")
    return folder


def is_copy(folder: Path) -> bool:
    """Return whether notebooks were copied to below ``folder``."""
    return (folder / NOTEBOOKS / COPIED).is_file()


def working_root(here: Path) -> Path | None:
    """Return the folder with notebooks that ``here`` is, or is in: a copy or the checkout, the nearer; None without."""
    checkout = checkout_root()
    return next((folder for folder in (here, *here.parents) if folder == checkout or is_copy(folder)), None)
