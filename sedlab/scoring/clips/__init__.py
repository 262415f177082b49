"""What is worth looking at: measures of each clip and class, by which a list of clips is sorted."""
