"""`sedlab sweep`, and what it prints."""
