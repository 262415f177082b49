"""Whether the channels of a recording cancel each other when they are averaged."""

from __future__ import annotations

import numpy as np

#: Of the energy that the mean of unrelated channels has. Stereo falls below it when one channel is the other inverted.
_LEAST_SHARE = 0.1


def mean_of_channels(samples: np.ndarray) -> np.ndarray:
    """Return the mean (frames,) of the channels of ``samples`` (frames, channels)."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)


class ChannelBalance:
    """Compares the energy of the channels with that of their mean, while a recording is read in blocks."""

    def __init__(self) -> None:
        self._sums = self._squares = np.zeros(1)
        self._count = 0

    def mix(self, samples: np.ndarray) -> np.ndarray:
        """Return `mean_of_channels`, and take the samples into account."""
        mean = mean_of_channels(samples)
        if samples.shape[1] > 1:
            columns = np.column_stack((mean, samples)).astype(np.float64)
            self._sums = self._sums + columns.sum(axis=0)
            self._squares = self._squares + np.square(columns).sum(axis=0)
            self._count += len(samples)
        return mean

    @property
    def cancels(self) -> bool:
        """Whether the mean has next to nothing of what the channels have."""
        mean, channels = self._variances[0], self._variances[1:]
        return len(channels) > 1 and bool(mean < _LEAST_SHARE * channels.sum() / len(channels) ** 2)

    @property
    def loudest(self) -> int:
        """The channel with the most energy."""
        return int(np.argmax(self._variances[1:]))

    @property
    def _variances(self) -> np.ndarray:
        """Of the mean of the channels, then of each."""
        count = max(1, self._count)
        return self._squares / count - np.square(self._sums / count)
