"""Which files of the repository travel beside the code: into a wheel, and into a person's folder."""

from __future__ import annotations

from pathlib import Path

#: Patterns, from the top of a checkout, of `sedlab/shipped` in an installed wheel, and of a person's copy.
PARTS = (
    *("notebooks/*.ipynb", "docs/*.md", "docs/*.png", "docs/tutorials/*.md", "docs/tutorials/*.png", "data/README.md"),
)


def shipped_files(top: Path) -> list[str]:
    """Return the files of `PARTS` below ``top``, relative to it."""
    return sorted(path.relative_to(top).as_posix() for pattern in PARTS for path in top.glob(pattern))
