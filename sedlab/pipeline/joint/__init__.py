"""Jobs side by side: several seeds in one graph, several cards in one machine."""
