"""A stage by itself: its parameters checked, its run made, what it needs brought up to date first."""
