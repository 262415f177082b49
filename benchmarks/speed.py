"""Measure how fast the detectors are at base size: inference and one training step of each stage.

    python benchmarks/speed.py                                  # all of them on the CPU, two threads, a few minutes
    python benchmarks/speed.py --archs beats --json speed.json
    python benchmarks/speed.py --device cuda --precision bf16-mixed --compile

Inference is waveform to probabilities, front-ends included. A training step is what `sedlab run` does with a batch that
is in memory: front-ends, augmentation, student and teacher, loss, moving the teacher, backward pass, optimiser. Weights
are random.

The machine's rate of large float32 matrix products is measured between the repeats, in the same process. From it
follows the floor: the time that the floating-point operations of the transformer alone would take at that rate.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sedlab.config.experiment import Node, TrainerConfig
from sedlab.config.loading import load_experiment
from sedlab.config.model import ARCHS
from sedlab.data.batch import Batch, Rows, Targets
from sedlab.labels import CLASSES, valid_classes
from sedlab.training.detection import DetectionTask
from sedlab.training.distributed import make_fabric

CLIP_SAMPLES = 160_000  # 10 s
FRAMES = 156
MATRIX = 2048
CLIPS = 2
#: The transformer's work in units of its forward pass. A backward pass costs two: gradients of inputs and of weights.
FORWARDS = {
    "inference": 1,
    "stage1": 1,  # frozen: student and teacher share one pass
    "stage2": 4,  # student forward and backward, teacher forward
}


@dataclass
class Measurement:
    """Seconds of one repeated piece of work."""

    arch: str
    work: str
    clips: int
    floor_flop: int
    """Floating-point operations of the transformer."""
    seconds: list[float] = field(default_factory=list)
    sections: dict[str, float] = field(default_factory=dict)
    """Mean seconds of each part, from runs of their own."""

    def summary(self, rate: float) -> dict[str, object]:
        """Return the numbers of one table row; ``rate`` in FLOP/s."""
        median = statistics.median(self.seconds)
        return {
            "arch": self.arch,
            "work": self.work,
            "clips_per_second": self.clips / median,
            "median_seconds": median,
            "minimum_seconds": min(self.seconds),
            "floor_gflop": self.floor_flop / 1e9,
            "floor_share": self.floor_flop / rate / median,
            "sections_seconds": self.sections,
        }


class Stopwatch:
    """Attributes all time that passes to one section at a time."""

    def __init__(self, device: torch.device):
        self.device = device
        self.seconds: dict[str, float] = {}
        self._section, self._since = "rest", 0.0

    def start(self) -> None:
        """Begin; what precedes the first `enter` is "rest"."""
        self._section, self._since = "rest", _now(self.device)

    def enter(self, section: str) -> None:
        """Attribute the time from now on to ``section``."""
        now = _now(self.device)
        self.seconds[self._section] = self.seconds.get(self._section, 0.0) + now - self._since
        self._section, self._since = section, now

    @contextmanager
    def watching(self, name: str, network: nn.Module) -> Iterator[None]:
        """Time the parts of ``network``, forward and backward, while the context is open."""
        parts = ("crnn_frontend", "transformer_frontend", "transformer", "cnn", "merge", "rnn", "head")
        handles = []
        for part in parts:
            module = getattr(network, part)
            section = "front-ends" if part.endswith("frontend") else f"{name}: {part}"
            handles.append(module.register_forward_pre_hook(lambda *_, section=section: self.enter(section)))
            handles.append(module.register_forward_hook(partial(self._leave, section)))
        yield
        for handle in handles:
            handle.remove()

    def _leave(self, section: str, _module: nn.Module, _inputs: object, output: object) -> None:
        self.enter("rest")
        # The backward pass of a part runs from the arrival of its output's gradient to that of another part's.
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda _: self.enter(f"{section}, backward"))


def main() -> None:
    """Measure, print the tables, write the JSON file if asked."""
    options = parse_options()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    rates: list[float] = []
    measurements: list[Measurement] = []
    for arch in options.archs:
        for work in FORWARDS:
            measurements.append(measure(arch, work, options, rates))
            _print_row(measurements[-1], statistics.median(rates))
    rate = statistics.median(rates)
    rows = [measurement.summary(rate) for measurement in measurements]
    print(f"\nfloat32 matrix product {MATRIX}³: median {rate / 1e9:.0f}, highest {max(rates) / 1e9:.0f} GFLOP/s")
    for row in rows:
        _print_sections(row)
    if options.json:
        machine = {"torch": torch.__version__, "threads": torch.get_num_threads(), "processor": _processor(device)}
        result = {"machine": machine, "options": vars(options), "matmul_gflop_per_second": rate / 1e9, "rows": rows}
        options.json.write_text(json.dumps(result, indent=1, default=str) + "\n")


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archs", nargs="+", choices=ARCHS, default=ARCHS)
    parser.add_argument("--repeats", type=int, default=7, help="timed repeats of each piece of work (default 7)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads; 0: torch's choice (default 2)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed", "16-mixed"), default="32-true")
    parser.add_argument("--compile", action="store_true", help="compile the networks with torch.compile")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    return parser.parse_args()


def measure(arch: str, work: str, options: argparse.Namespace, rates: list[float]) -> Measurement:
    """Time one piece of work; matrix products run between the repeats, their FLOP/s are appended to ``rates``."""
    stage = "stage2" if work == "stage2" else "stage1"
    fabric = make_fabric(TrainerConfig(accelerator=options.device, precision=options.precision))
    task = DetectionTask(node(arch, stage, options.precision), fabric)
    batch = random_batch().to(fabric.device)
    flop = FORWARDS[work] * transformer_flop(task.student, batch)
    if options.compile:
        for network in task.networks.values():
            network.compile()
            network.transformer.compile()  # forward takes its embedding
    run = inference(task, batch, fabric) if work == "inference" else training_step(task, batch, fabric)
    for _ in range(2):  # first calls allocate, and compile
        run(None)
    measurement = Measurement(arch, work, len(batch), flop)
    for _ in range(options.repeats):
        rates.append(matmul_rate(fabric.device))
        measurement.seconds.append(_timed(partial(run, None), fabric.device))
    if not options.compile:
        measurement.sections = profile(run, task, fabric.device)
    return measurement


def inference(task: DetectionTask, batch: Batch, fabric: Fabric) -> Callable[[Stopwatch | None], None]:
    """Return a function that scores a batch."""
    student = task.student.eval()

    def run(_: Stopwatch | None) -> None:
        with torch.inference_mode(), fabric.autocast():
            student.window_probabilities(batch.waveform)

    return run


def training_step(task: DetectionTask, batch: Batch, fabric: Fabric) -> Callable[[Stopwatch | None], None]:
    """Return a function that makes one optimiser step, in the order of `sedlab.training.fit`."""
    optimizer = fabric.setup_optimizers(task.optimizer)
    generator = torch.Generator().manual_seed(0)

    def run(watch: Stopwatch | None) -> None:
        def enter(section: str) -> None:
            if watch:
                watch.enter(section)

        terms = task.loss(batch, 1000, generator)
        enter("teacher's running mean")
        task.before_backward(1000)
        optimizer.zero_grad()
        enter("loss and head, backward")
        fabric.backward(terms.total)
        enter("optimiser")
        optimizer.step()
        enter("rest")

    return run


def profile(run: Callable[[Stopwatch | None], None], task: DetectionTask, device: torch.device) -> dict[str, float]:
    """Return the mean seconds of each section over three runs, the longest first."""
    watch, repeats = Stopwatch(device), 3
    with watch.watching("student", task.student), watch.watching("teacher", task.teacher):
        for _ in range(repeats):
            watch.start()
            run(watch)
            watch.enter("rest")
    return {name: total / repeats for name, total in sorted(watch.seconds.items(), key=lambda item: -item[1])}


def node(arch: str, stage: str, precision: str = "32-true") -> Node:
    """Return a node of the published recipe, iteration 2, at another precision."""
    settings = [f"stages.{name}.trainer.precision={precision}" for name in ("stage1", "stage2")]
    return load_experiment("paper", settings).node(stage, arch, 2)


def random_batch() -> Batch:
    """Return two clips of noise, one of MAESTRO and one of DESED, with random labels."""
    generator = torch.Generator().manual_seed(0)
    strong = (torch.rand(CLIPS, len(CLASSES), FRAMES, generator=generator) < 0.1).float()
    mask = torch.from_numpy(np.stack([valid_classes(corpus, training=True) for corpus in ("maestro", "desed")]))
    return Batch(
        waveform=0.1 * torch.randn(CLIPS, CLIP_SAMPLES, generator=generator),
        targets=Targets(
            strong, strong.amax(dim=-1), mask, torch.rand(CLIPS, len(CLASSES), FRAMES, generator=generator)
        ),
        rows=Rows.of({"maestro": 1, "strong": 1}),
        subsets=["maestro_train", "strong"],
        clip_ids=["0", "1"],
    )


def transformer_flop(detector: nn.Module, batch: Batch) -> int:
    """Return the floating-point operations of the transformer's forward pass: its matrix products and convolutions."""
    features = detector.features(batch.waveform).transformer.to("meta")
    # On the meta device every operation is one that the counter knows; attention counts as its two products.
    transformer = copy.deepcopy(detector.transformer).to("meta")
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        transformer(features)
    return counter.get_total_flops()


def matmul_rate(device: torch.device) -> float:
    """Return the FLOP/s of a large float32 matrix product, the best of three."""
    left, right, out = torch.randn(3, MATRIX, MATRIX, device=device)
    return 2 * MATRIX**3 / min(_timed(lambda: torch.mm(left, right, out=out), device) for _ in range(3))


def _timed(run: Callable[[], object], device: torch.device) -> float:
    start = _now(device)
    run()
    return _now(device) - start


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _print_row(measurement: Measurement, rate: float) -> None:
    row = measurement.summary(rate)
    print(
        f"{row['arch']:6} {row['work']:10} {row['clips_per_second']:7.2f} clips/s   "
        f"median {row['median_seconds']:.3f} s, minimum {row['minimum_seconds']:.3f} s   "
        f"floor {row['floor_gflop']:.0f} GFLOP, {row['floor_share']:.0%} of the time",
        flush=True,
    )


def _print_sections(row: dict) -> None:
    total = sum(row["sections_seconds"].values())
    print(f"\n{row['arch']} {row['work']}: {total:.3f} s")
    for section, seconds in row["sections_seconds"].items():
        if seconds > 0.01 * total:
            print(f"  {seconds:7.3f} s {seconds / total:5.0%}  {section}")


def _processor(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
