"""A second queue of work on a GPU: what does not depend on each other is done side by side.

Small kernels, such as those of the recurrent layers, leave most of a GPU idle; those of another network fit beside
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class SideStream:
    """Work of a device beside its main queue; where it is not ``enabled``, or on a CPU, in the same queue.

    What the side work reads must be held until `beside` has ended: memory that is given back earlier is used again in
    the order of the main queue, which knows nothing of the other one.
    """

    def __init__(self, device: torch.device):
        self.enabled = False
        self._device, self._stream = device, None

    def mark(self) -> torch.cuda.Event | None:
        """Return the present place in the main queue: what comes later in it is not waited for by the side work."""
        if not self.enabled or self._device.type != "cuda":
            return None
        return torch.cuda.current_stream(self._device).record_event()

    @contextmanager
    def beside(self, start: torch.cuda.Event | None) -> Iterator[None]:
        """Queue the work of this block to begin at ``start``, see `mark`; what follows the block waits for it."""
        if start is None:
            yield
            return
        if self._stream is None:
            self._stream = torch.cuda.Stream(self._device)
        main = torch.cuda.current_stream(self._device)
        self._stream.wait_event(start)
        with torch.cuda.stream(self._stream):
            yield
        main.wait_stream(self._stream)
