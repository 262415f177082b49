"""What the panel of pseudo-labels can show of two sets of scores, apart from its controls."""
