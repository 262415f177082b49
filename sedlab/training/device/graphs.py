"""CUDA graphs of micro-batches: what student and teacher compute is recorded once, then done again by the GPU alone.

Shapes do not change within a stage, so neither do the thousands of kernels of a forward and a backward pass. Recorded,
they start without the host, which took longer to start them than the GPU to run them. Everything that differs between
batches is a number in a tensor: inputs are copied into those that the recording read, gradients and losses are found
in those that it wrote. Dropout draws from torch's generator of the device, as it would without a recording.

A recording is used only if it gives the loss and the gradients of the same batch computed as usual. Otherwise, and
after any error, training goes on without recordings, and a line says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from sedlab.audio.packing import map_tensors, tensors_in
from sedlab.errors import SedlabError, warn_once
from sedlab.system.capture import capturing, root_of
from sedlab.training.device.rewinding import Before, changing_weights, modest_scale, nudged, relative_distance
from sedlab.training.losses import LossTerms
from sedlab.training.resume import Learner

#: Kinds of inputs (groups of another size, say) that are recorded; later ones are computed as usual.
MOST_RECORDINGS = 8

Learn = Callable[[Any], LossTerms]


class Recorder(Protocol):
    """Records what a device is told to do."""

    def aside(self) -> AbstractContextManager[None]:
        """Do what is told in this block where recordings are made, without recording it."""

    def record(self, work: Learn, inputs: Any) -> tuple[Callable[[], object], LossTerms]:
        """Return a function that does ``work(inputs)`` again, and the result, which it overwrites.

        The work itself has perhaps not been done.
        """


class CudaRecorder:
    """Records CUDA graphs, on a stream of its own; they share their memory, as one is done at a time."""

    def __init__(self, device: torch.device):
        self._device, self._stream = device, torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Queue the work of this block on the stream of the recordings."""
        main = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(main)
        with torch.cuda.stream(self._stream):
            yield
        main.wait_stream(self._stream)

    def record(self, work: Learn, inputs: Any) -> tuple[Callable[[], object], LossTerms]:
        """Return the replay of a graph of ``work(inputs)`` and its result; nothing was computed yet."""
        graph = torch.cuda.CUDAGraph()
        with capturing(graph, stream=self._stream, pool=self._pool):
            result = work(inputs)
        return graph.replay, result


@dataclass(frozen=True)
class _Recording:
    inputs: list[Tensor]
    replay: Callable[[], object]
    terms: LossTerms


class _Mismatch(Exception):
    """A recording does not give what the same work gives without it."""


class Replays:
    """Does ``learn(inputs)``, a forward and a backward pass, by recordings; each is made when its kind is first met.

    Parameters
    ----------
    learn : callable
        Adds to the gradients of the learner's parameters and returns the losses, without looking at any number.
    learn_recorded : callable
        The same in the form that is recorded, with work side by side perhaps; it is held to ``learn``.
    tolerance : float
        Largest relative difference of the loss, and of the norm of every gradient, between both; more only where the
        same work done twice differs, too.
    scaler : torch.amp.GradScaler or None
        Of float16 gradients.
    """

    def __init__(
        self,
        learn: Learn,
        learn_recorded: Learn,
        learner: Learner,
        recorder: Recorder,
        *,
        tolerance: float,
        scaler: torch.amp.GradScaler | None = None,
    ):
        self._learn, self._learn_recorded, self._recorder = learn, learn_recorded, recorder
        self._tolerance, self._scaler = tolerance, scaler
        self._parameters = [p for group in learner.optimizer.param_groups for p in group["params"]]
        self._changing = changing_weights(learner.networks)
        self._buffers = [buffer for network in learner.networks.values() for buffer in network.buffers()]
        weights = (weight for network in learner.networks.values() for weight in network.parameters())
        self._state = [*weights, *self._buffers]
        self._recordings: dict[str, _Recording] = {}
        self._places: list[int] = []
        self.problem: str | None = None
        """Why there are no recordings; None: there are."""

    @property
    def keeps_gradients(self) -> bool:
        """Whether gradients must stay where they are: set to zero before a step, not removed."""
        return bool(self._recordings)

    def __call__(self, inputs: Any) -> LossTerms:
        """Return the losses of ``inputs``, any record of tensors; they are overwritten by the next call."""
        if self.problem is not None:
            return self._learn(inputs)
        self._forget_if_moved()
        kind = repr(map_tensors(inputs, lambda tensor: (tuple(tensor.shape), tensor.dtype)))
        if kind not in self._recordings and not self._try_to_record(kind, inputs):
            return self._learn(inputs)
        recording = self._recordings[kind]
        torch._foreach_copy_(recording.inputs, tensors_in(inputs))
        recording.replay()
        return recording.terms

    def _forget_if_moved(self) -> None:
        """Forget recordings that would read and write where weights and buffers no longer are.

        Those of cuDNN's recurrent layers move with every call of their network's ``to``, also to where it is.
        """
        places = [tensor.data_ptr() for tensor in self._state]
        if places != self._places:
            self._recordings.clear()
            self._places = places

    def _try_to_record(self, kind: str, inputs: Any) -> bool:
        if len(self._recordings) == MOST_RECORDINGS:
            return False
        before = Before(self._parameters, self._buffers)
        try:
            self._recordings[kind] = self._record(inputs, before)
        except SedlabError:
            raise
        except Exception as error:  # whatever a driver, a kernel or a version of torch may come up with
            error = root_of(error)
            self.problem = " ".join(str(error).split())[:300] or type(error).__name__
            self._recordings.clear()
            before.restore(keep_gradients=False)
            warn_once(f"CUDA graphs are off, this training goes on without them: {self.problem}")
            return False
        before.restore(keep_gradients=True)
        return True

    def _record(self, inputs: Any, before: Before) -> _Recording:
        own = map_tensors(inputs, torch.clone)
        with modest_scale(self._scaler):
            before.rewind()
            with self._recorder.aside():
                expected = self._outcome(self._learn(own))
                gradients = [parameter.grad for parameter in self._parameters]
                before.rewind()
                # Some kernels add in another order each time: no recording can be nearer than the same work again.
                bound = max(self._tolerance, 3 * relative_distance(expected, self._outcome(self._learn(own))))
                before.rewind()
                # Kernels are chosen, and memory for their own use is taken, when they first run.
                self._learn_recorded(own)
            before.rewind()
            replay, terms = self._recorder.record(self._learn_recorded, own)
            before.rewind()
            replay()
            if any(now.grad is not then for now, then in zip(self._parameters, gradients, strict=True)):
                raise _Mismatch("other parameters get gradients than without")
            _check(expected, self._outcome(terms), bound)
            with nudged(self._changing):
                before.rewind()
                with self._recorder.aside():
                    expected = self._outcome(self._learn(own))
                before.rewind()
                replay()
                _check(expected, self._outcome(terms), bound)
        return _Recording(tensors_in(own), replay, LossTerms(terms.total.detach(), terms.parts))

    def _outcome(self, terms: LossTerms) -> list[Tensor]:
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        return [value.detach().float().clone() for value in (terms.total, *gradients)]


def _check(expected: Sequence[Tensor], found: Sequence[Tensor], bound: float) -> None:
    worst = relative_distance(expected, found)
    # Written so that "not a number" is a mismatch, too.
    if not worst <= bound:
        raise _Mismatch(f"they differ from the same step without them by {worst:.1e} (at most {bound:.1g})")
