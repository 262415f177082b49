"""Kinds of errors, counted and compared."""
