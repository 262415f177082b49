"""Pictures of corpora as a check finds them."""
