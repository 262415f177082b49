"""Forward and backward pass of an optimiser step's micro-batches: one by one, or some of them at once.

Where a micro-batch is small, layers that go through the frames one after the other leave a GPU idle. Several
micro-batches then take them together, while batch norm and the partners of a clip stay within each. The first one of an
optimiser step comes alone, as the teacher moves after it.

Gradients add up over the micro-batches of a step as they would one by one; dropout draws other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric

from sedlab.data.batch import Batch
from sedlab.training.device.graphs import CudaRecorder, Recorder, Replays
from sedlab.training.losses import LossTerms
from sedlab.training.resume import Learner

#: Largest relative difference between a recorded step and the same without recording, by precision.
TOLERANCE = {"32-true": 1e-3, "16-mixed": 1e-3, "bf16-mixed": 1e-2}


class Task(Learner, Protocol):
    """What one stage computes in a step."""

    def prepare(self, batch: Batch, step: int, generator: torch.Generator) -> Any:
        """Return what the networks are asked about a batch at optimiser step ``step``, all draws done."""

    def for_recording(self, inputs: Any) -> Any:
        """Return ``inputs`` in a form whose numbers alone differ from batch to batch, all on the device."""

    def compare(self, *batches: Any) -> list[LossTerms]:
        """Ask the networks and return the loss of each batch."""

    def before_backward(self, step: int) -> None:
        """Act once the networks were asked about the first batch of an optimiser step, before the step is made."""


class MicroBatches:
    """The micro-batches of optimiser steps, each of ``accumulation``, of which ``together`` are learnt from at once.

    With a ``recorder`` their work is recorded; student and teacher then listen ``side_by_side`` where the device can.
    """

    def __init__(
        self,
        task: Task,
        fabric: Fabric,
        *,
        accumulation: int,
        together: int = 1,
        recorder: Recorder | None = None,
        side_by_side: bool = True,
    ):
        self._task, self._fabric, self._accumulation, self._together = task, fabric, accumulation, together
        self._waiting: list[Any] = []
        self._is_first = True
        self._replays: Replays | None = None
        if recorder is not None:
            self._replays = Replays(
                self._learn,
                partial(self._learn, side_by_side=side_by_side),
                task,
                recorder,
                tolerance=TOLERANCE[str(getattr(fabric.strategy.precision, "precision", "32-true"))],
                scaler=getattr(fabric.strategy.precision, "scaler", None),
            )

    @property
    def problem(self) -> str | None:
        """Why there are no recordings although there should be; None: there are, or none were asked for."""
        return None if self._replays is None else self._replays.problem

    @property
    def keeps_gradients(self) -> bool:
        """Whether gradients must be set to zero in their place, not removed."""
        return self._replays is not None and self._replays.keeps_gradients

    def learn(self, batch: Batch, step: int, generator: torch.Generator, *, is_last: bool) -> LossTerms | None:
        """Add to the gradients, now or with a later batch; return the losses of the last batch learnt from, if any.

        ``is_last``: it is the last one of optimiser step ``step``, and all that waits is learnt from.
        """
        inputs = self._task.prepare(batch, step, generator)
        self._waiting.append(inputs if self._replays is None else self._task.for_recording(inputs))
        enough = 1 if self._is_first else self._together
        if len(self._waiting) < enough and not is_last:
            return None
        batches, self._waiting = tuple(self._waiting), []
        terms = (self._replays or self._learn)(batches)
        if self._is_first:
            self._task.before_backward(step)
        self._is_first = is_last
        return terms

    def _learn(self, batches: Sequence[Any], *, side_by_side: bool = False) -> LossTerms:
        side_stream = getattr(self._task, "side_stream", None)
        if side_stream is not None:
            side_stream.enabled = side_by_side
        terms = self._task.compare(*batches)
        total = terms[0].total if len(terms) == 1 else torch.stack([of_one.total for of_one in terms]).sum()
        self._fabric.backward(total / self._accumulation)
        return terms[-1]


def recorder_for(fabric: Fabric) -> Recorder | None:
    """Return what records on the device of ``fabric``; None: it takes no recordings, or there are several devices."""
    if fabric.device.type != "cuda" or fabric.world_size > 1:
        return None
    return CudaRecorder(fabric.device)
