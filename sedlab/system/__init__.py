"""What the machine is like that sedlab runs on: locks, memory, homes and streams that may be missing or in the way."""
