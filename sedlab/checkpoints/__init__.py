"""Networks in files: published formats in, ours in and out, inspection."""
