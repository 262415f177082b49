"""The audio player: an ES module and the thin Python class beside it."""
