"""Lessons about scores: how they are averaged, filtered and judged, from one event up."""
