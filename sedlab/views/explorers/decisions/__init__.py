"""The parts of the panel of decisions: what is gone through, and what it and the player tell each other."""
