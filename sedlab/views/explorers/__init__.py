"""Linked inspectors: controls around the figures."""
