"""Get a file over HTTP: resumed where it stopped, checked, and in its place only when it is whole."""

from __future__ import annotations

from sedlab.download.part import part_path
from sedlab.download.transfer import Downloaded, Patience, download, size_at

__all__ = ["Downloaded", "Patience", "download", "part_path", "size_at"]
