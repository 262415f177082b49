"""A run away from its corpus: the labels that it keeps, the clips that travel with it, what a pack left out."""
