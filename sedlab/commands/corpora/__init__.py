"""`sedlab data`: corpora, a file an action."""
