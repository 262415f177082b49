"""Published checkpoints: which there are, where they come from, and whether they are here."""

from __future__ import annotations

from sedlab.weights.registry import Entry, entries, find
from sedlab.weights.store import WEIGHTS_FOLDER, local_path, require

__all__ = ["WEIGHTS_FOLDER", "Entry", "entries", "find", "local_path", "require"]
