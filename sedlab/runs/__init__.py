"""The run folder as data."""
