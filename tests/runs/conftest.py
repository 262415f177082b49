"""Tests of the run folder ask for an experiment to make it from."""

from projects import tiny

__all__ = ["tiny"]
