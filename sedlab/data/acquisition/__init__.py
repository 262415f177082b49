"""Where the real corpora come from: published records, and the clips of videos."""
