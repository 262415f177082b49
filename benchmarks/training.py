"""Measure training as `sedlab run` does it, in every way there is, and say how long the whole recipe takes.

    python benchmarks/training.py                           # preset `paper`, iteration 2, on a GPU: 8 minutes, a table
    python benchmarks/training.py --seconds 240 --archs atst --json training.json
    python benchmarks/training.py --preset nano             # on any machine, in half a minute
    python benchmarks/training.py --variants plain graphs "graphs, kernels"
    python benchmarks/training.py --midi 3                  # then `sedlab run midi` with three seeds

Each line is a stage of a transformer in one variant: optimiser steps on clips of noise that come through the waveform
cache and the data loader, with random weights. Before that, the same batch in the variant and in plain float32: loss
and gradients by relative norm, without dropout. What is most worth knowing comes first; what the time does not suffice
for is named. A variant that crashes or hangs costs a line: measurements run in a process of their own, which is started
anew. The table of all comes last, also when it is ended early (Ctrl-C, SIGTERM); --json is written after every line.

Columns: clips a second; share of the device's rate of large matrix products at that precision, which is measured beside
it (operations of the transformer, CNN and heads, student and teacher forward, student backward); share of the time that
the loop waits for data; kernels, graphs and copies that the host starts in a micro-batch, and how often it waits for
the device (CPU: operators, and values that are read); memory; distance of loss and gradients from plain float32.

Hours of the recipe follow from clips a second of the fastest right variant, the steps of both iterations at the sizes
of the published data sets, and the rate of scoring in validation.

`benchmarks/speed.py` measures the networks alone, on batches of two clips.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedlab.config.experiment import Experiment, Node
from sedlab.config.loading import load_experiment
from sedlab.config.model import ARCHS
from sedlab.errors import SedlabError
from sedlab.files import write_text
from sedlab.pipeline.training_cost import training_cost

#: Training clips of the published data sets, see `data/README.md`; validation clips of the recipe.
PUBLISHED_CLIPS = {"maestro": 6426, "strong": 3470, "synth": 10_000, "weak": 1420, "unlabeled": 14_412}
VALIDATION_CLIPS = 2500 + 158 + 1077
#: Name -> what it changes: options of the trainer, a second stream for the teacher, ways of the layers ("auto": those
#: that are right and fastest when tried). In the order in which they are worth knowing.
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "graphs, kernels": {"graphs": True, "side": True, "ways": "auto"},
    "graphs": {"graphs": True, "side": True},
    "kernels": {"ways": "auto"},
    "all, 4 together": {"graphs": True, "side": True, "ways": "auto", "together": 4},
    "all, bf16": {"graphs": True, "side": True, "ways": "auto", "precision": "bf16-mixed"},
    "all, one stream": {"graphs": True, "ways": "auto"},
    "together 4": {"together": 4},
    "compiled": {"compile": True},
    "all, compiled": {"graphs": True, "side": True, "ways": "auto", "compile": True},
}
#: A job that has not ended by then is given up.
JOB_SECONDS = {"cuda": 120.0, "cpu": 120.0}
_TABLE = (
    "{node:24} {variant:28} {clips:>8} {share:>6} {waits:>6} {starts:>7} {syncs:>5} {memory:>7} {loss:>8} {gradient:>9}"
)


@dataclass(frozen=True)
class Job:
    """One measurement: what is told to the worker."""

    kind: str
    node: Node
    variant: str
    options: dict[str, Any]


def main() -> None:
    """Measure, print a line each and the table last, write the JSON file, run `midi` if asked."""
    options = parse_options()
    begin, device = time.monotonic(), device_kind()
    seconds = options.seconds or (480.0 if device == "cuda" else 24.0)
    settings = [*options.set, *(["archs=[" + ",".join(options.archs) + "]"] if options.archs else [])]
    try:
        experiment = load_experiment(options.preset, settings)
    except SedlabError as error:
        sys.exit(str(error))
    jobs = plan(experiment, options, device)
    rows, machine, left_out = [], {}, list(jobs)
    worker = Worker(options)
    # Whoever ends it early has a table of what there is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for job in jobs:
            remaining = begin + seconds - time.monotonic()
            if remaining < worker.expected_seconds(device):
                break
            row = worker.do(job, min(remaining + 5, JOB_SECONDS[device]))
            left_out.remove(job)
            machine = row.pop("machine", machine)
            rows.append(row)
            print(line(row), flush=True)
            save(options.json, machine, rows, {})
    except KeyboardInterrupt:
        print("cut off: it was told to end")
        options.midi = 0
    finally:
        worker.close()
    hours = recipe_hours(experiment, rows) if experiment.name == "paper" else {}
    print_table(rows, machine, hours, left_out, time.monotonic() - begin)
    save(options.json, machine, rows, hours)
    if options.midi:
        run_midi(options.midi)


def save(path: Path | None, machine: dict[str, Any], rows: list[dict[str, Any]], hours: dict[str, float]) -> None:
    """Write everything measured so far to the JSON file, if one was asked for."""
    if path is not None:
        result = {"machine": machine, "commit": commit(), "rows": rows, "hours": hours}
        write_text(path, json.dumps(result, indent=1) + "\n")


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="paper")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as for `sedlab run`")
    parser.add_argument("--archs", nargs="+", choices=ARCHS, help="only these transformers")
    parser.add_argument("--iterations", nargs="+", type=int, default=[2], help="whose batch compositions (default 2)")
    parser.add_argument(
        "--variants", nargs="+", metavar="NAME", choices=[*VARIANTS, "ways"],
        help=f"only these of: {', '.join(VARIANTS)}; ways",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, help="time for everything (default 480, without a GPU 24)")
    parser.add_argument("--step-seconds", type=float, default=3.0, help="least time of timed steps (default 3)")
    parser.add_argument(
        "--profile", type=Path, metavar="FOLDER", help="also write the longest kernels of each line there"
    )
    parser.add_argument("--midi", type=int, default=0, metavar="SEEDS", help="run the midi preset with so many seeds")
    parser.add_argument("--json", type=Path, help="write everything measured to this file")
    return parser.parse_args()


def device_kind() -> str:
    """Return "cuda" or "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def plan(experiment: Experiment, options: argparse.Namespace, device: str) -> list[Job]:
    """Return the measurements, the most valuable first."""
    # ATST shows most of what there is to show in the least time; BEATs has layers of its own.
    archs = sorted(experiment.archs, key=("atst", "beats", "passt").index)
    nodes = [
        experiment.node(stage, arch, iteration)
        for iteration in options.iterations
        for stage in ("stage2", "stage1")
        for arch in archs
    ]
    chosen = [name for name in VARIANTS if name in options.variants] if options.variants else list(VARIANTS)
    if device == "cpu":
        chosen = [name for name in chosen if name in ("plain", "together 4")]

    def jobs(kind: str, names: list[str], nodes: list[Node]) -> list[Job]:
        return [
            Job(kind, node, name, VARIANTS[name])
            for node in nodes
            for name in names
            # With one batch a step there is none to go with it.
            if VARIANTS[name].get("together", 1) == 1 or node.training.accumulation > 1
        ]

    second_stage = nodes[: len(archs)]
    each_way = []
    if device == "cuda" and (not options.variants or "ways" in options.variants):
        each_way = [Job("ways", node, "each way", {}) for node in second_stage]
    pretraining = [experiment.node("pretrain", arch) for arch in archs if experiment.pretrains(arch)]
    rest = [job for name in chosen[2:] for job in jobs("train", [name], second_stage)]
    main_ones = jobs("train", chosen[:2], nodes)
    return [
        *main_ones,
        *jobs("score", [name for name in chosen[:2] if "together" not in VARIANTS[name]], second_stage),
        *each_way,
        *rest,
        *jobs("train", chosen[:2], pretraining),
    ]


class Worker:
    """A process that measures, started anew after one that crashed or did not come to an end."""

    def __init__(self, options: argparse.Namespace):
        self._options, self._process, self._lines = options, None, None
        self._seconds: list[float] = []

    def expected_seconds(self, device: str) -> float:
        """Return how long the next job may take."""
        return statistics.median(self._seconds) if self._seconds else (20.0 if device == "cuda" else 1.0)

    def do(self, job: Job, patience: float) -> dict[str, Any]:
        """Return the numbers of a job, or why there are none."""
        about = {"node": job.node.name, "kind": job.kind, "variant": job.variant}
        begin = time.monotonic()
        try:
            self._tell(job)
            answer = self._lines.get(timeout=patience)
        except queue.Empty:
            self.close()
            return about | {"problem": f"not finished after {patience:.0f} s"}
        finally:
            self._seconds.append(time.monotonic() - begin)
        if answer is None:
            status = self._process.wait()
            self.close()
            return about | {"problem": f"the process ended with status {status}"}
        row = about | json.loads(answer)
        if "problem" in row:
            # After some errors a device is of no more use to the process that made them.
            self.close()
        return row

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _tell(self, job: Job) -> None:
        if self._process is None:
            self._start()
        told = {"kind": job.kind, "node": job.node.model_dump_json(), "variant": job.options}
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def _start(self) -> None:
        script = Path(__file__).with_name("training_worker.py")
        command = [sys.executable, str(script), str(self._options.step_seconds), str(self._options.profile or "")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lines = queue.Queue()
        threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True).start()


def _read(stream: Any, lines: queue.Queue) -> None:
    for text in stream:
        if text.startswith("{"):
            lines.put(text)
    lines.put(None)


def line(row: dict[str, Any]) -> str:
    """Return the numbers of a row as a line of the table."""
    if "problem" in row:
        return f"{row['node']:24} {row['variant']:28} {row['problem']}"
    if row["kind"] == "ways":
        told = (f"  {way:36} {text}" for way, text in row["ways"].items())
        return "\n".join([f"{row['node']:24} each layer alone, forward and backward:", *told])

    def number(name: str, form: str) -> str:
        return "" if row.get(name) is None else format(row[name], form)

    text = _TABLE.format(
        node=row["node"],
        variant=("scoring, " if row["kind"] == "score" else "") + row["variant"],
        clips=number("clips_per_second", ".1f"),
        share=number("matrix_share", ".0%"),
        waits=number("waiting", ".1%"),
        starts=number("starts", "d"),
        syncs=number("waits_for_device", "d"),
        memory=number("memory_gib", ".1f"),
        loss=number("loss_distance", ".0e"),
        gradient=number("gradient_distance", ".0e"),
    )
    return text.rstrip() + (f"   {row['remark']}" if row.get("remark") else "")


def print_table(
    rows: list[dict[str, Any]], machine: dict[str, Any], hours: dict[str, float], left_out: list[Job], seconds: float
) -> None:
    """Print everything again, in the order of the graph."""
    print(f"\n{time.strftime('%Y-%m-%d')}, commit {commit()}, {seconds:.0f} s")
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(
        _TABLE.format(
            node="node", variant="variant", clips="clips/s", share="matrix", waits="waits", starts="starts",
            syncs="syncs", memory="GiB", loss="loss", gradient="gradients",
        )
    )  # fmt: skip
    order = list(VARIANTS)
    for row in sorted(
        rows, key=lambda row: (row["kind"] != "train", row["node"], [*order, row["variant"]].index(row["variant"]))
    ):
        print(line(row))
    for row in rows:
        if row.get("kernels"):
            told = "; ".join(
                f"{name} {milliseconds:.2f} ms x {count}" for name, milliseconds, count in row["kernels"][:6]
            )
            print(f"longest kernels of {row['node']}, {row['variant']}: {told}")
    if left_out:
        print(f"no time for: {', '.join(f'{job.node.name} {job.kind} {job.variant}' for job in left_out)}")
    for name, value in hours.items():
        print(f"{name}: {value:.1f} h")


def recipe_hours(experiment: Experiment, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return projected hours of each stage of each transformer, both iterations, and of all; none without a rate."""
    hours, total = {}, 0.0
    for arch in experiment.archs:
        scoring = _best(rows, "score", "stage2", arch)
        for stage in ("stage1", "stage2"):
            rate = _best(rows, "train", stage, arch)
            if rate is None:
                return {}
            clips = validations = 0
            for iteration in range(1, experiment.iterations + 1):
                node = experiment.node(stage, arch, iteration)
                cost = training_cost(node, PUBLISHED_CLIPS)
                clips += cost.steps * cost.accumulation * cost.batch_clips
                validations += -(-node.training.epochs // node.training.validate_every)
            hours[f"{stage} {arch}, {experiment.iterations} iterations"] = clips / rate / 3600
            if scoring:
                validating = validations * VALIDATION_CLIPS / scoring / 3600
                hours[f"{stage} {arch}, validation"] = validating
                total += validating
            total += clips / rate / 3600
    return hours | {"the whole recipe on one card": total}


def _best(rows: list[dict[str, Any]], kind: str, stage: str, arch: str) -> float | None:
    rates = [
        row["clips_per_second"]
        for row in rows
        if row["kind"] == kind and row["node"].endswith(f"{stage}_{arch}") and row.get("is_right")
    ]
    return max(rates, default=None)


def commit() -> str:
    """Return the commit of this checkout; "unknown" without git."""
    if shutil.which("git") is None:
        return "unknown"
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def run_midi(seeds: int) -> None:
    """Run the `midi` preset end to end with several seeds, which prints their ladder and gains, and print the time."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "sedlab.cli", "run", "midi", "--seeds", str(seeds)]
    subprocess.run(command, check=True)
    print(f"midi, {seeds} seeds: {(time.perf_counter() - begin) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
