"""What people decided about labels, and corpora whose labels follow these decisions."""
