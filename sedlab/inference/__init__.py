"""A network made useful: predictor, windows, recordings of any length."""
