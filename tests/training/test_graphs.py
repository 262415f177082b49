"""Recordings of micro-batches give what the same work gives without them, and are not used where they do not."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from golden_curve import NUM_AUDIOSET_CLASSES, NoiseLoader
from tape import TapeRecorder
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sedlab.audio.packing import pack, tensors_in, unpack, with_tensors
from sedlab.config.loading import load_experiment
from sedlab.data.batch import Batch
from sedlab.errors import warn_once
from sedlab.training.detection import DetectionTask
from sedlab.training.device.graphs import CudaRecorder, Replays
from sedlab.training.device.micro_batches import MicroBatches
from sedlab.training.device.rewinding import relative_distance
from sedlab.training.distributed import make_fabric
from sedlab.training.losses import LossTerms
from sedlab.training.optimizer import clip_gradients
from sedlab.training.pretraining import PretrainingTask

STEPS = 3


def task_of(stage: str, arch: str, iteration: int, *settings: str, accelerator: str = "cpu", precision: str = "auto"):
    settings = (
        *settings,
        *(
            f"{stage}.trainer.{key}={value}"
            for key, value in {"accelerator": accelerator, "precision": precision}.items()
        ),
    )
    node = load_experiment("nano", settings).node(stage, arch, iteration)
    fabric = make_fabric(node.training.trainer)
    if stage == "pretrain":
        classes = tuple(f"/m/{i}" for i in range(NUM_AUDIOSET_CLASSES))
        return PretrainingTask(node, fabric, classes=classes), fabric
    responses = torch.randn(2, 101, generator=torch.Generator().manual_seed(0)) / 10
    return DetectionTask(node, fabric, responses=responses), fabric


def batches(task, num: int) -> list[Batch]:
    loader = NoiseLoader(task.node)
    return [batch for _, batch in zip(range(num), loader.epoch(0), strict=False)]


def steps(task, fabric, recorder=None, *, accumulation: int = 2, together: int = 1, num: int = STEPS):
    """Yield losses and gradients of optimiser steps; nothing is learnt, but the teacher moves and batch norm counts."""
    micro_batches = MicroBatches(task, fabric, accumulation=accumulation, together=together, recorder=recorder)
    for index, batch in enumerate(batches(task, accumulation * num)):
        step, is_last = index // accumulation, index % accumulation == accumulation - 1
        if index % accumulation == 0:
            task.optimizer.zero_grad(set_to_none=not micro_batches.keeps_gradients)
        torch.manual_seed(index)  # dropout
        generator = torch.Generator().manual_seed(index)
        terms = micro_batches.learn(batch.to(fabric.device), step, generator, is_last=is_last)
        if is_last:
            yield told(terms, task.student if hasattr(task, "student") else task.tagger)
    yield buffers(task), micro_batches


def told(terms, network) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    gradients = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    return {name: value.clone() for name, value in terms.parts.items() if not value.isnan()}, gradients


def buffers(task) -> dict[str, torch.Tensor]:
    named = ((name, network.state_dict()) for name, network in task.networks.items())
    return {f"{name}.{key}": value.clone() for name, state in named for key, value in state.items()}


NODES = [("pretrain", "atst", 0), ("stage1", "passt", 2), ("stage2", "beats", 1)]


@pytest.mark.parametrize("node", NODES)
def test_a_recording_gives_what_the_same_steps_give_without_it(node):
    """Replayed with other clips, draws, steps, dropout; a number the host kept to itself would be that of the first."""
    recorder = TapeRecorder()
    *recorded, (state, micro_batches) = steps(*task_of(*node), recorder)
    *eager, (expected_state, _) = steps(*task_of(*node))
    assert micro_batches._replays.problem is None
    # Whether clips were mixed, steps and draws are numbers: one recording serves all batches.
    assert len(recorder.tapes) == 1
    names = set()
    for (parts, gradients), (expected_parts, expected_gradients) in zip(recorded, eager, strict=True):
        assert parts.keys() == expected_parts.keys()
        names |= parts.keys()
        torch.testing.assert_close(parts, expected_parts, rtol=1e-5, atol=1e-6)
        assert gradients.keys() == expected_gradients.keys()
        assert (
            relative_distance([torch.ones(1), *expected_gradients.values()], [torch.ones(1), *gradients.values()])
            < 1e-5
        )
    torch.testing.assert_close(state, expected_state, rtol=1e-5, atol=1e-6)
    if node[0] == "stage2":
        assert {"ict", "consistency_strong"} <= names, "mixed and unmixed batches must both have come"


@pytest.mark.parametrize(
    ("node", "recorded"),
    [(("stage2", "atst", 1), False), (("stage2", "atst", 1), True), (("stage1", "beats", 2), False)],
)
def test_batches_together_give_the_gradients_of_one_by_one(node, recorded):
    """Batch norm and mixing see each batch by itself, and the first one comes before the teacher moves."""
    settings = (f"{node[0]}.dropout=0.0",)
    apart, (state, _) = steps(*task_of(*node, *settings), accumulation=3, num=1)
    recorder = TapeRecorder() if recorded else None
    at_once, (grouped, _) = steps(*task_of(*node, *settings), recorder, accumulation=3, together=2, num=1)
    torch.testing.assert_close(at_once[0], apart[0], rtol=1e-4, atol=1e-6)
    assert relative_distance([torch.ones(1), *apart[1].values()], [torch.ones(1), *at_once[1].values()]) < 1e-5
    torch.testing.assert_close(grouped, state, rtol=1e-5, atol=1e-6)
    assert not recorded or len(recorder.tapes) == 2


class Line:
    """A learner of two numbers."""

    def __init__(self):
        self.network = nn.Linear(1, 1)
        self.networks, self.optimizer = {"student": self.network}, torch.optim.SGD(self.network.parameters(), lr=0.1)
        self.factor, self.calls = 1.0, 0

    def learn(self, x: torch.Tensor) -> LossTerms:
        self.calls += 1
        total = self.factor * self.network(x).sum()
        total.backward()
        return LossTerms(total, {"sum": total.detach()})


def test_a_number_that_the_host_keeps_to_itself_is_not_seen_again():
    """What the tape is for: it does not call the work again."""
    line = Line()
    replays = Replays(line.learn, line.learn, line, TapeRecorder(), tolerance=1e-3)
    x = torch.tensor([[2.0]])
    first = replays(x).total.item()
    assert line.network.weight.grad.item() == 2.0, "making the recording must leave no gradients"
    assert replays(torch.tensor([[1.0], [1.0]])).total.item() == pytest.approx(2 * line.network(x / 2).item())
    assert line.network.weight.grad.item() == 4.0, "a recording of another kind must leave those that there are"
    assert replays.problem is None
    line.factor, calls = 5.0, line.calls
    assert replays(2 * x).total.item() - first == pytest.approx(2 * line.network.weight.item())
    assert line.network.weight.grad.item() == 8.0
    assert line.calls == calls


def test_weights_that_moved_are_recorded_anew():
    """As those of a GPU's recurrent layers do when their network is told to go to where it is."""
    line, recorder = Line(), TapeRecorder()
    replays = Replays(line.learn, line.learn, line, recorder, tolerance=1e-3)
    x = torch.tensor([[2.0]])
    for _ in range(2):
        replays(x)
    assert len(recorder.tapes) == 1
    line.network.weight.data = line.network.weight.data + 1.0
    line.network.weight.grad.zero_()
    assert replays(x).total.item() == pytest.approx(line.network(x).item())
    assert len(recorder.tapes) == 2 and line.network.weight.grad.item() == 2.0 and replays.problem is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_validation_leaves_weights_where_recordings_read_them():
    from sedlab.scoring.scores.predict import predict_networks

    task, fabric = task_of("stage2", "atst", 1, accelerator="cuda")
    before = [weight.data_ptr() for network in task.networks.values() for weight in network.parameters()]
    silence = SimpleNamespace(read=lambda *_: np.zeros(160_000, dtype=np.float32))
    clips = pd.DataFrame({"subset": ["weak_train"], "clip_id": ["a"]})
    predict_networks(task.networks, silence, clips, device=str(fabric.device))
    assert before == [weight.data_ptr() for network in task.networks.values() for weight in network.parameters()]


@pytest.mark.parametrize("problem", ["mismatch", "error", "host", "kept"])
def test_a_recording_that_is_wrong_or_fails_is_not_used(problem, capsys):
    warn_once.cache_clear()
    line, kept = Line(), {}

    def recorded(x: torch.Tensor) -> LossTerms:
        if problem == "error":
            raise RuntimeError("operation not permitted\nwhen stream is capturing")
        if problem == "host":
            x = x * x.sum().item()
        if problem == "kept":
            x = kept.setdefault("made of weights", x * line.network.weight.detach()) / line.network.weight.detach()
        return line.learn(x if problem != "mismatch" else 1.01 * x)

    line.network.weight.grad = torch.tensor([[10.0]])  # of an earlier batch
    replays = Replays(line.learn, recorded, line, TapeRecorder(), tolerance=1e-3)
    before = torch.get_rng_state()
    replays(torch.tensor([[2.0]]))
    assert line.network.weight.grad.item() == 12.0
    assert torch.equal(torch.get_rng_state(), before)
    replays(torch.tensor([[3.0]]))
    assert line.network.weight.grad.item() == 15.0
    assert replays.problem is not None and not replays.keeps_gradients
    told = capsys.readouterr().err
    assert told.startswith("warning: CUDA graphs are off") and told.count("\n") == 1
    assert ("differ" in told) == (problem in ("mismatch", "kept"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["32-true", "16-mixed", "bf16-mixed"])
@pytest.mark.parametrize("node", [("stage1", "passt", 2), ("stage2", "atst", 1), ("stage2", "beats", 2)])
def test_cuda_graphs_follow_the_eager_steps(node, precision):
    from sedlab.training.device.micro_batches import TOLERANCE

    tolerance = TOLERANCE[precision]
    task, fabric = task_of(*node, accelerator="cuda", precision=precision)
    *recorded, (_, micro_batches) = steps(task, fabric, CudaRecorder(fabric.device))
    assert micro_batches._replays.problem is None
    *eager, _ = steps(*task_of(*node, accelerator="cuda", precision=precision))
    for (parts, gradients), (expected_parts, expected) in zip(recorded, eager, strict=True):
        torch.testing.assert_close(parts, expected_parts, rtol=tolerance, atol=1e-4)
        one = [torch.ones(1, device="cuda")]
        assert relative_distance([*one, *expected.values()], [*one, *gradients.values()]) < tolerance


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_no_step_waits_for_the_device():
    task, fabric = task_of("stage2", "passt", 1, accelerator="cuda", precision="16-mixed")
    recorder = CudaRecorder(fabric.device)
    micro_batches = MicroBatches(task, fabric, accumulation=1, recorder=recorder)
    optimizer = fabric.setup_optimizers(task.optimizer)
    for index, batch in enumerate(batches(task, 4)):
        batch = batch.to(fabric.device)
        if index == 3:
            torch.cuda.set_sync_debug_mode("error")
        try:
            optimizer.zero_grad(set_to_none=not micro_batches.keeps_gradients)
            micro_batches.learn(batch, index, torch.Generator().manual_seed(index), is_last=True)
            clip_gradients(fabric, task.optimizer, 1.0)
            optimizer.step()
        finally:
            torch.cuda.set_sync_debug_mode("default")


class OnDevice(TorchDispatchMode):
    """Counts operators that compute something on the device "meta", where no number can be read."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        result = operator(*args, **(kwargs or {}))
        is_view = any(part.alias_info is not None and not part.alias_info.is_write for part in operator._schema.returns)
        outputs = tree_leaves(result)
        self.count += not is_view and any(isinstance(x, torch.Tensor) and x.device.type == "meta" for x in outputs)
        return result


@pytest.mark.parametrize("arch", ["passt", "atst"])
def test_what_is_not_recorded_waits_for_nothing_and_is_told_in_fewer_than_200_operators(arch, monkeypatch):
    """The device has shapes and no numbers, so that whoever wants to know one fails. A recording counts as one more."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # does not know the device
    task, _ = task_of("stage2", arch, 2, "stage2.loss.pseudo=1.0")
    task.student.to("meta")
    task.responses, task.fabric = task.responses.to("meta"), SimpleNamespace(device=torch.device("meta"))
    counts = []
    for index, batch in enumerate(batches(task, 8)):
        batch = batch.to("meta")
        with OnDevice() as counter:
            task.for_recording(task.prepare(batch, index, torch.Generator().manual_seed(index)))
        counts.append(counter.count)
    assert 40 < max(counts) < 200


def test_draws_travel_as_one_tensor():
    plan = (torch.arange(5), [torch.tensor(True), torch.rand(3, 2)], torch.rand(2).double(), "name", None)
    (places, flag, shares, exact), packed = tensors_in(plan), pack(tensors_in(plan))
    assert packed.ndim == 1 and packed.dtype == torch.uint8
    again = with_tensors(plan, unpack(packed, tensors_in(plan)))
    assert again[3:] == ("name", None)
    for one, other in zip(tensors_in(again), (places, flag, shares, exact), strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)
        assert one.untyped_storage().data_ptr() == packed.untyped_storage().data_ptr()
