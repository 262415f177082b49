"""Seeded bad inputs, and odd but good ones, for every command: generators by kind, and a harness that runs them."""
