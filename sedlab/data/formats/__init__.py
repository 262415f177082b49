"""What sound files look like from outside: their suffixes, their headers, and those to convert."""
