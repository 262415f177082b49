"""The curves of systems, their operating points, how sure they are, and where two of them differ."""
