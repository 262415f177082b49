"""Readers of the real corpora, one file each, and the layout of their folders."""
