"""What notebooks ask of a run to teach with: the case that shows it, and sentences that follow its numbers."""
