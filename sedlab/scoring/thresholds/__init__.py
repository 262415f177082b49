"""What a threshold does: detections at every one, their counts on a subset, and the file that keeps the chosen ones."""
