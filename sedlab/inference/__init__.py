"""Networks made useful: a predictor takes files and waveforms of any length, gives probabilities, times and events."""
