"""Training on several devices at once: one process a device, each with its share of every batch (data parallel).

Configured batches are what all processes see together: each takes an equal part of every group, so that proportions,
effective batch and steps are those of one process, and the mean of the processes' losses is the loss of the whole
batch. Lightning Fabric joins the processes; the gradients of a step are averaged once, after its last batch.
What a clip can meet is its process's share: mixup and mixstyle find partners there.

The processes are new ones (spawned), also under a notebook: one whose kernel has used CUDA could not be forked. The
caller only waits, passes progress on, and ends all of them when one fails.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from torch import multiprocessing
from torch.optim import Optimizer

from sedlab.config.trainer import TrainerConfig
from sedlab.errors import SedlabError
from sedlab.system.environment import importing_safely
from sedlab.system.slurm import outlive_warning
from sedlab.training.device.hardware import choose, prepare_arithmetic
from sedlab.training.watch import TrainingStopped

_POLL_SECONDS = 0.1
#: Time the other processes get to end once one has failed.
_STOP_SECONDS = 5.0


def num_devices(trainer: TrainerConfig) -> int:
    """Return the number of devices a training uses: with "auto" all CUDA devices, and one where there are none."""
    if trainer.devices != "auto":
        return trainer.devices
    return max(1, torch.cuda.device_count()) if trainer.accelerator in ("auto", "cuda") else 1


def make_fabric(trainer: TrainerConfig) -> Fabric:
    """Return the Fabric of this process, at the configured precision: of one device, or of this one among several."""
    devices = num_devices(trainer)
    hardware = choose(trainer)
    prepare_arithmetic(hardware.kind, hardware.precision)
    # Named, lest a cluster's scheduler be asked who we are: these processes are ours, on one machine.
    options = {"accelerator": trainer.accelerator, "devices": devices, "precision": hardware.precision}
    options["plugins"] = [LightningEnvironment()]
    if devices == 1:
        return Fabric(**options)
    fabric = Fabric(**options, strategy="ddp")
    fabric.launch()
    return fabric


def run_on_devices(
    function: Callable[..., Any],
    arguments: dict[str, Any],
    trainer: TrainerConfig,
    callbacks: Mapping[str, Callable[..., None] | None],
) -> Any:
    """Call ``function(**arguments, **callbacks)`` in one new process a device; return the first one's result.

    ``function`` must be importable, ``arguments`` and what ``callbacks`` are called with picklable. The callbacks are
    called here, with what the first process calls them with; the others get None in their place.

    Raises
    ------
    TrainingStopped
        When the processes end with it.
    SedlabError
        When one of the processes fails; the others are ended.
    """
    devices = num_devices(trainer)
    pipes = [multiprocessing.get_context("spawn").Pipe(duplex=False) for _ in range(devices)]
    threads = max(1, torch.get_num_threads() // devices)
    names = [name for name, callback in callbacks.items() if callback is not None]
    arguments = {**dict.fromkeys(callbacks), **arguments}
    # Where the processes find each other. Of a port that was only chosen, another program might be the one to take it.
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    shared = (function, arguments, names, store.port, threads, [sender for _, sender in pipes])
    with importing_safely():
        processes = multiprocessing.start_processes(_work, shared, nprocs=devices, join=False, start_method="spawn")
    results, problems, stops = [], [], []
    told = {"result": results, "problem": problems, "stop": stops}

    def receive() -> None:
        for receiver, _ in pipes:
            while receiver.poll():
                kind, value = receiver.recv()
                if kind in told:
                    told[kind].append(value)
                else:
                    callbacks[kind](*value)

    try:
        while not processes.join(timeout=_POLL_SECONDS, grace_period=_STOP_SECONDS):
            receive()
    except multiprocessing.ProcessExitedException as error:
        receive()
        raise SedlabError(_first_problem(problems, error)) from None
    except BaseException:
        for process in processes.processes:
            process.kill()
            process.join()
        raise
    receive()
    if stops:
        raise TrainingStopped(stops[0])
    return results[0]


def average_gradients(fabric: Fabric, optimizer: Optimizer) -> None:
    """Replace the gradients by their mean over the processes, in one exchange of a buffer as large as all of them.

    Done here rather than by hooks of DistributedDataParallel, which expect every trained parameter to take part in each
    backward pass; here a configuration may leave a head's loss out.
    """
    if fabric.world_size == 1:
        return
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    means = fabric.all_reduce(torch.cat([gradient.flatten() for gradient in gradients]), reduce_op="mean")
    parts = means.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def _work(
    rank: int,
    function: Callable[..., Any],
    arguments: dict[str, Any],
    callbacks: list[str],
    port: int,
    threads: int,
    senders: list[Connection],
) -> None:
    """Run as one of the processes: tell Fabric which one, do the work, report."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "LOCAL_RANK": str(rank)}
    # By these torch knows that the caller has the store, as a launcher of its own would.
    os.environ |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}
    torch.set_num_threads(threads)
    outlive_warning()
    sender = senders[rank]

    def passed_on(name: str) -> Callable[..., None]:
        return lambda *values: sender.send((name, values))

    calls = {name: passed_on(name) for name in callbacks} if rank == 0 else {}
    try:
        result = function(**arguments | calls)
        if rank == 0:
            sender.send(("result", result))
    except TrainingStopped as stop:
        sender.send(("stop", str(stop)))
    except SedlabError as error:
        sender.send(("problem", str(error)))
        sys.exit(1)
    except Exception as error:
        # The whole story for the log, one line for who waits.
        traceback.print_exc()
        line = " ".join(str(error).split())
        sender.send(("problem", f"process {rank} of {len(senders)} failed ({type(error).__name__}: {line})."))
        sys.exit(1)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _first_problem(problems: list[str], error: multiprocessing.ProcessExitedException) -> str:
    if problems:
        return problems[0]
    reason = error.signal_name or f"exit status {error.exit_code}"
    return (
        f"process {error.error_index} of the training ended ({reason}), perhaps for lack of memory. "
        "Run again to resume."
    )
