"""Sweeps: one experiment with every value of some settings, as runs side by side that share what does not differ."""
