"""`sedlab pack` and `sedlab open`: train on one machine, look on another."""
