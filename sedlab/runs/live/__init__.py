"""Work that goes on: what a training tells to the run folder and to who sits there, and watching from elsewhere."""
