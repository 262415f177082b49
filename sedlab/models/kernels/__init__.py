"""Faster ways to compute a layer; the plain way stands in the layer's own file."""
