"""The decisions of people about a run's labels and detections: their file, and the tables corrected by them."""
