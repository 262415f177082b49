"""Corpora of your own: label files of several programs and recordings of any length become the tables of family own."""
