"""Figures of the data and of one training step, for the notebooks that teach them."""
