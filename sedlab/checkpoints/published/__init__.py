"""Understanding the checkpoints that others published."""
