"""One file a real corpus, and how their folders are laid out."""
