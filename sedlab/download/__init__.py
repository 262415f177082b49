"""Get a file over HTTP: resumed where it stopped, checked, and in its place only when it is whole."""

from __future__ import annotations

from sedlab.download.part import file_sha256, part_path
from sedlab.download.transfer import Downloaded, Patience, download

__all__ = ["Downloaded", "Patience", "download", "file_sha256", "part_path"]
