"""What a training uses of the hardware it runs on: what its configuration asks for, and a choice for what is "auto".

On CUDA the precision is the published one, float16 with a scaled loss, which every card with tensor cores does at full
rate. CUDA graphs, and layers in other ways than the plain ones, are on for one device, since they are checked there.
Compiling is left to who asks for it: it takes minutes, and what it gains was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from sedlab.config.trainer import Precision, TrainerConfig

#: What matrix products are computed in, by precision.
DTYPES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16, "32-true": torch.float32}


@dataclass(frozen=True)
class Hardware:
    """What a training uses."""

    device: str
    """Its name: a card's, or "CPU"."""
    kind: str
    """cuda, mps or cpu."""
    precision: Precision
    compile: bool
    graphs: bool
    fast_layers: bool
    torch: str
    """The version."""

    def __str__(self) -> str:
        uses = {"CUDA graphs": self.graphs, "fast layers": self.fast_layers, "compiled": self.compile}
        return ", ".join([self.device, f"precision {self.precision}", *(name for name, is_on in uses.items() if is_on)])

    def told(self, problem: str | None = None, ways: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return it as a record of a training that is over.

        ``problem`` is why it went without graphs, ``ways`` are those in which its layers were computed.
        """
        record = asdict(self) | {"ways": {layer: way for layer, way in (ways or {}).items() if way != "plain"}}
        return record if problem is None else record | {"graphs": False, "no_graphs_because": problem}


def choose(trainer: TrainerConfig) -> Hardware:
    """Return what a training with this configuration uses here."""
    kind = _kind(trainer.accelerator)
    is_cuda = kind == "cuda"
    precision = ("16-mixed" if is_cuda else "32-true") if trainer.precision == "auto" else trainer.precision
    is_one = is_cuda and (trainer.devices == 1 or (trainer.devices == "auto" and torch.cuda.device_count() < 2))
    return Hardware(
        device=torch.cuda.get_device_name() if is_cuda and torch.cuda.is_available() else kind.upper(),
        kind=kind,
        precision=precision,
        compile=trainer.compile is True,
        graphs=is_one and trainer.graphs is not False,
        fast_layers=is_one and trainer.fast_layers is not False,
        torch=torch.__version__,
    )


def prepare_arithmetic(kind: str, precision: Precision) -> None:
    """Tell torch how to compute on a device in this process, for good; nothing on a CPU."""
    if kind == "cuda":
        # Shapes stay the same, so that trying convolutions once pays; what stays in float32 may use tensor cores where
        # everything else is in half precision.
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("highest" if precision == "32-true" else "high")


def _kind(accelerator: str) -> str:
    if accelerator != "auto":
        return accelerator
    # In the order in which Fabric looks for them.
    if torch.backends.mps.is_available():
        return "mps"
    return "cuda" if torch.cuda.is_available() else "cpu"
