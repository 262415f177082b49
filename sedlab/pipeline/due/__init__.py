"""What there is to do in a run: what has changed, what is due, what other runs have done already."""
