"""PSDS, F1, mpAUC and their statistics."""
