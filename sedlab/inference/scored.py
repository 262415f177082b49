"""The scores of a recording in the making, window by window.

Shape letters: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sedlab.inference.windows import WindowGrid

#: Told how many of a recording's windows are scored, and of how many.
Told = Callable[[int, int], None]


@dataclass(eq=False)
class Scored:
    """What came of one recording; in the making until its last window is scored."""

    grid: WindowGrid
    told: Told | None = None
    probabilities: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    """(T, C) float32; 0 beyond the last window, where nothing can be heard."""
    num_frames: int = 0
    """T, in the end."""
    num_sound_frames: int = 0
    error: Exception | None = None
    """Why there are no scores."""
    num_windows: int = 0
    """Expected ones as long as the recording is decoded."""
    num_done: int = 0

    def add(self, window: np.ndarray) -> None:
        """Write the scores (window_frames, C) of the next window."""
        needed = self.num_done * self.grid.hop_frames + len(window)
        if needed > len(self.probabilities):
            self._reach(max(needed, self.num_frames, 2 * len(self.probabilities)), window.shape[1])
        self.grid.add(self.probabilities, self.num_done, window)
        self.num_done += 1

    def tell(self) -> None:
        """Tell whoever wants to know how far it is."""
        if self.error is None and self.told is not None:
            self.told(self.num_done, max(self.num_done, self.num_windows))

    def complete(self) -> None:
        """Bring the scores to the frames that the recording turned out to have."""
        if self.error is None:
            self._reach(self.num_frames, self.probabilities.shape[1])

    def _reach(self, num_frames: int, num_classes: int) -> None:
        longer = np.zeros((num_frames, num_classes), dtype=np.float32)
        kept = min(num_frames, len(self.probabilities))
        if kept:
            longer[:kept] = self.probabilities[:kept]
        self.probabilities = longer
