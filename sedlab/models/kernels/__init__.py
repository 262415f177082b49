"""Faster ways to compute a layer; the plain way stands in `sedlab.models.layers`, which also chooses."""
