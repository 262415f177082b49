"""What `sedlab ...` does: a command a file, one frame for reading, matching, warning and writing."""
