"""How a step uses the hardware: what is chosen, recordings, a second queue of work, micro-batches together."""
