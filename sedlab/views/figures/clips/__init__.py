"""Figures of one clip or recording."""
