"""What each clip or recording adds to a metric, so that the value of any resample of them is a weighted sum."""
