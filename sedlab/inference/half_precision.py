"""Half precision where a GPU has it, after it has shown that its numbers are those of float32."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sedlab.errors import warn_once

_DTYPES = {"auto": torch.float16, "16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}
#: Most that the scores of the first batch may differ from those in float32: norm of the difference by norm. What
#: rounding alone does is a tenth of it.
TOLERANCE = {torch.float16: 0.02, torch.bfloat16: 0.05}


def half_precision(precision: str, device: str | torch.device) -> torch.dtype | None:
    """Return the half precision that a ``trainer.precision`` means on a device; None: float32, as on every CPU."""
    return _DTYPES.get(precision) if torch.device(device).type == "cuda" else None


class Autocast:
    """Computes in half precision; the first time in float32 as well, and from then on if they disagree.

    Parameters
    ----------
    dtype : torch.dtype or None
        None: float32, nothing is compared.
    device : str or torch.device
    """

    def __init__(self, dtype: torch.dtype | None, device: str | torch.device) -> None:
        self.dtype, self._type, self._compared = dtype, torch.device(device).type, False

    def __call__(self, compute: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """Return what ``compute`` returns, tensors whose first one is compared, as float32."""
        if self.dtype is not None and not self._compared:
            self._compared = True
            expected = compute()
            problem = self._problem(compute, expected)
            if problem is None:
                return expected
            warn_once(f"scoring in float32: half precision ({self.dtype}) on this device {problem}.")
            self.dtype = None
            return expected
        return self._half(compute) if self.dtype is not None else compute()

    def _half(self, compute: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        with torch.autocast(self._type, self.dtype):
            return tuple(result.float() for result in compute())

    def _problem(self, compute: Callable[[], tuple[Tensor, ...]], expected: tuple[Tensor, ...]) -> str | None:
        try:
            found = self._half(compute)[0]
        except RuntimeError as error:  # no kernel for it, or no memory for both
            return f"fails ({' '.join(str(error).split())[:200]})"
        reference = expected[0].float()
        difference = (torch.linalg.vector_norm(found - reference) / torch.linalg.vector_norm(reference)).item()
        # Written so that "not a number" is a problem, too.
        return None if difference <= TOLERANCE[self.dtype] else f"differs by {difference:.2g} from float32"
