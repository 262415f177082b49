"""A run and its corpus: where that lies, or what the run has of it elsewhere: labels, clips, what a pack left out."""
