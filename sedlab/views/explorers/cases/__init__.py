"""The parts of the explorer of errors: its tables, whose cells open, the cases of a cell, what is saved of both."""
