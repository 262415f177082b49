"""Front-ends, which turn waveforms into the features of networks, and augmentations of both."""
