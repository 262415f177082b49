"""Parameters of post-processing, found from scores."""
