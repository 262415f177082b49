"""The parts of the explorer of curves: its controls, the plot, the thresholds it shares, the table of differences."""
