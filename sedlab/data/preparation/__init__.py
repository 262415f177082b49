"""From what was published to what training reads: 16 kHz copies, windows, extracted clips, durations, waveform cache.

Everything here goes on where it was interrupted, and gives the same bytes as if it had not been.
"""
