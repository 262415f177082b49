"""A run as one file, to be looked at on another machine: written, opened, and what of it is there."""
