"""How `sedlab detect` finds recordings, reads events from scores, and writes them."""
