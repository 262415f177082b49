"""Try every way of every layer on a device: right or wrong, how long, what was predicted. The table comes last.

    python benchmarks/layers.py                             # a CUDA device: base size, 16-mixed, under 90 seconds
    python benchmarks/layers.py --archs beats --layers gru cnn_block --compile
    python benchmarks/layers.py --device cpu --precision 32-true --small --clips 2     # anywhere, in seconds

A row is a layer's forward and backward pass together. "error" is the largest relative error of an output or gradient
against the plain way in float32, "may be" its bound. Ways run in processes of their own: one that crashes or hangs
costs its row. "eager" is the time by CUDA events with the host's launches in it,
"graph" that of a captured graph's replay, without them. "a step" is what the layer takes of one micro-batch of stage 2
with all its calls (the teacher's forward pass counted as a third of a call), "predicted" what the H100 of November 2026
was expected to take for that with 35 clips, before anything of this had run on a card:

* position_convolution: 102 ms of cuDNN kernels without tensor cores. By blocks 4 x 183 GFLOP at 450 TFLOP/s = 1.6 ms,
  and 1 ms for windows and banded matrices. Unfolded it copies 3.4 GB of windows for each product: 9 ms. By Fourier
  transforms, about 1 GB to move for each pass: 3 ms.
* gated_attention, 12 layers: 20 ms of products in float32, 16 of casts, 11 of attention backward: 47 ms. A product in
  half precision with sums by matrix products: 20. FlexAttention: 13, without compilation of its own kernels. The
  Triton kernels: 12 x 4/3 x 145 GFLOP at 200 TFLOP/s = 10 ms.
* cnn_block: 9.7 ms of batch norm and about 8 of gate, dropout and pooling, the convolutions 2. In Triton, 12 passes
  over 200 MB: 1 + 2 ms. By torch.compile twice the passes. channels_last alone, 20 passes: 6 ms.
* gru: 11 ms of kernels, and 27 ms to launch 3,744 of them. Two directions side by side: 6 ms; PyTorch never asks cuDNN
  for its persistent GRU on cards of compute capability 8 and later, so no more is expected of it. In Triton, 156 steps
  x 2 layers x 3 passes, 4 us for each step's 384 KiB of weights from the second-level cache: 4 ms. In shares, the
  weights in registers, about 2 us to exchange the state and meet: 2.5 ms.
* residual_norm, 24 calls: 24 bytes an element become 12: 4 ms become 2.
* pool_time: 2 ms (backward by atomic additions) become 0.2.
* weights, 72 linear layers in the transformer: 0.2 ms a network and micro-batch, and 150 launches.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from sedlab.config.loading import load_experiment
from sedlab.config.model import ARCHS, DetectorConfig
from sedlab.errors import SedlabError
from sedlab.models.kernels.choice import WAYS
from sedlab.models.trials import TrialOutcome, fastest
from sedlab.training.device.hardware import DTYPES
from sedlab.training.device.trying import Question, verdicts

#: Longest wait for one way; with --compile, some make machine code for minutes.
WAY_SECONDS = 120.0
#: Ways that compile C or machine code at their first call.
SLOW_TO_START = ("compile", "flex")
#: Calls of a layer in a network, by the number of its blocks.
CALLS = {"gated_attention": 1.0, "residual_norm": 2.0, "weights": 6.0}
#: Milliseconds of a micro-batch of 35 clips, see above.
PREDICTED = {
    ("position_convolution", "plain"): 102.0,
    ("position_convolution", "blocks"): 2.6,
    ("position_convolution", "unfold"): 9.0,
    ("position_convolution", "fft"): 3.0,
    ("gated_attention", "plain"): 47.0,
    ("gated_attention", "half"): 20.0,
    ("gated_attention", "flex"): 13.0,
    ("gated_attention", "triton"): 10.0,
    ("cnn_block", "plain"): 20.0,
    ("cnn_block", "channels_last"): 6.0,
    ("cnn_block", "channels_last_native"): 6.0,
    ("cnn_block", "compile"): 4.5,
    ("cnn_block", "triton"): 3.0,
    ("gru", "plain"): 11.0,
    ("gru", "directions"): 6.0,
    ("gru", "triton"): 4.0,
    ("gru", "triton_shares"): 2.5,
    ("residual_norm", "plain"): 4.0,
    ("residual_norm", "triton"): 2.0,
    ("pool_time", "plain"): 2.0,
    ("pool_time", "matrix"): 0.2,
}


def main() -> None:
    """Try the ways, print the table, write the JSON file if asked."""
    options = parse_options()
    begin = time.monotonic()
    rows: list[tuple[str, TrialOutcome, float]] = []
    # Whoever ends it early has a table of what there is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for arch, verdict, config in tried(options, begin):
            rows.append((arch, verdict, step_seconds(verdict, config)))
            print(
                f"{time.monotonic() - begin:5.1f} s  {arch} {verdict.layer} {verdict.way} {verdict.remark}", flush=True
            )
    except (KeyboardInterrupt, SedlabError) as error:
        print(f"cut off: {error or 'it was told to end'}")
    print_table(rows)
    if options.json:
        found = [{"arch": arch, "step_seconds": step} | asdict(verdict) for arch, verdict, step in rows]
        options.json.write_text(json.dumps({"options": vars(options), "rows": found}, indent=1, default=str) + "\n")
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"\n{name}, torch {torch.__version__}, {options.precision}, {options.clips} clips, "
          f"{time.monotonic() - begin:.0f} s")  # fmt: skip
    for arch in options.archs:
        print(f"{arch}: {fastest(verdict for of, verdict, _ in rows if of == arch)}")


def tried(options: argparse.Namespace, begin: float) -> Iterator[tuple[str, TrialOutcome, DetectorConfig]]:
    """Yield transformer, verdict and sizes of one way after another."""
    # BEATs has every layer; the others' own sizes of the shared ones differ little.
    for arch in options.archs:
        config = detector(arch, small=options.small)
        ways = {layer: known[1:] for layer, known in WAYS.items() if layer in options.layers}
        quick = {
            layer: [way for way in found if options.compile or way not in SLOW_TO_START]
            for layer, found in ways.items()
        }
        question = Question(
            config, options.clips, options.precision, device=options.device, ways=quick, repeats=options.repeats
        )
        seconds = begin + options.seconds - time.monotonic()
        for verdict in verdicts(question, seconds=seconds, way_seconds=WAY_SECONDS):
            yield arch, verdict, config


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archs", nargs="+", choices=ARCHS, default=["beats"])
    parser.add_argument("--layers", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--clips", type=int, default=35)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--precision", choices=DTYPES, default="16-mixed")
    parser.add_argument(
        "--compile", action="store_true", help="also the ways that torch.compile makes: a minute or two"
    )
    parser.add_argument("--seconds", type=float, default=80.0, help="begin no way after so many (default 80)")
    parser.add_argument("--repeats", type=int, default=7, help="timed passes of each way (default 7)")
    parser.add_argument("--small", action="store_true", help="the networks of the nano preset")
    parser.add_argument("--json", type=Path, help="write everything found to this file")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device; --device cpu tries the ways that a CPU has")
    return options


def detector(arch: str, *, small: bool) -> DetectorConfig:
    """Return the sizes of the published detector, or of the smallest preset's."""
    settings = [f"archs=[{arch}]"]
    return load_experiment("nano" if small else "paper", settings).node("stage2", arch, 1).detector


def step_seconds(verdict: TrialOutcome, config: DetectorConfig) -> float:
    """Return what the layer's calls in a micro-batch take: the student's passes and the teacher's forward one."""
    calls = CALLS.get(verdict.layer, 0.0) * config.transformer.depth or 1.0
    return verdict.time * calls * 4 / 3


def print_table(rows: list[tuple[str, TrialOutcome, float]]) -> None:
    """Print all verdicts."""
    titles = ("", "layer", "way", "error", "may be", "", "eager", "graph", "a step", "predicted")
    print("\n{:6} {:20} {:20} {:>8} {:>7}  {:5} {:>8} {:>8} {:>8} {:>9}".format(*titles))
    for arch, verdict, step in rows:
        verdict_word = "right" if verdict.is_right else "WRONG"
        if verdict.seconds is None:
            print(f"{arch:6} {verdict.layer:20} {verdict.way:20} {verdict.remark}")
            continue
        times = [verdict.seconds, verdict.graph_seconds, step]
        eager, graph, whole = ("" if value is None else f"{1000 * value:.2f}" for value in times)
        predicted = PREDICTED.get((verdict.layer, verdict.way))
        print(
            f"{arch:6} {verdict.layer:20} {verdict.way:20} {verdict.error:8.1e} {verdict.bound:7.0e}  {verdict_word} "
            f"{eager:>8} {graph:>8} {whole:>8} {'' if predicted is None else f'{predicted:.1f}':>9} ms {verdict.remark}"
        )


if __name__ == "__main__":
    main()
