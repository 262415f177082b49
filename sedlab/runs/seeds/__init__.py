"""The same experiment with several seeds: which runs belong together, and what their results say as a whole."""
