"""What pseudo-labels are worth."""
