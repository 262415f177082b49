"""Several seeds: what steps gained in each, what values of a setting come to."""
