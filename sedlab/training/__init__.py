"""Train networks: what a step computes, its losses and augmentations, the loop."""
