"""The hardware a training runs on, and how it is used. What is "auto" is chosen where the training runs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from sedlab.config.base import Config

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]


class TrainerConfig(Config):
    """The hardware a training runs on, and its precision; see `sedlab.training.device.hardware` for what is "auto"."""

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Precision | Literal["auto"] = "auto"
    """auto: 16-mixed on CUDA, as published; 32-true elsewhere."""
    devices: PositiveInt | Literal["auto"] = 1
    """Devices that share each batch, a process for each (DDP); auto: all CUDA devices. Batch sizes are those of all
    devices together, and each group must divide by their number."""
    compile: bool | Literal["auto"] = "auto"
    """Compile transformers and CNNs (torch.compile): minutes at the start, faster steps on a GPU. auto: not."""
    graphs: bool | Literal["auto"] = "auto"
    """Record the work of a batch as a CUDA graph and let the GPU do it without the host; checked against the usual way
    at the start of a training, which goes on without where they differ. auto: on one CUDA device."""
    fast_layers: bool | Literal["auto"] = "auto"
    """Compute layers in the ways that are fastest on the card and right there; they are tried once for each card and
    size, in a process of its own. auto: on one CUDA device."""
    micro_batches_together: PositiveInt = 1
    """Of a step's accumulated batches, so many pass through the networks at once; batch norm and mixing see each by
    itself. Takes the memory of so many; the first one of a step comes alone."""
    num_workers: NonNegativeInt = 0
    """Threads that load data ahead, for each device; 0 loads a batch when it is asked for."""
    eval_batch: PositiveInt = 20
    checkpoint_seconds: float = Field(default=0.0, ge=0)
    """Least time between two writings of the checkpoint to resume from, also within an epoch; 0: after every epoch."""
