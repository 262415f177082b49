"""Networks in files: our format and those of others in, ours out, and what is in a file."""
