"""What the notebooks of the stages show of a training: small experiments with a run's networks, and sentences."""
