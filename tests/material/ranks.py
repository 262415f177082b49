"""What tests let one of several processes do; in a file that imports little, as each process imports it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import torch

from sedlab.errors import SedlabError
from sedlab.training.shared_batchnorm import share_batchnorm


def fail(how: str, *, progress) -> None:
    """End badly, as the second of two processes."""
    if progress is not None:  # the first process would wait for the other for ever
        time.sleep(1000)
    elif how == "error":
        raise SedlabError("clip.wav: damaged. Delete it.")
    elif how == "fault":
        raise ZeroDivisionError("division\nby zero")
    os.kill(os.getpid(), signal.SIGKILL)


def normalise(rank: int, folder: Path) -> None:
    """Normalise a part of a batch as one of two processes; write the gradients and what was counted."""
    torch.distributed.init_process_group("gloo", f"file://{folder / 'store'}", rank=rank, world_size=2)
    x, norm = norm_problem()
    share_batchnorm(norm)
    part = x[rank::2].detach().requires_grad_()
    (norm(part) ** 3).mean().backward()
    found = (part.grad / 2, norm[0].weight.grad, norm[0].running_mean, norm[0].running_var)
    torch.save(found, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def norm_problem() -> tuple[torch.Tensor, torch.nn.Sequential]:
    """Return a batch of four, and what normalises it."""
    generator = torch.Generator().manual_seed(0)
    x = 3 + 2 * torch.randn(4, 5, 3, 2, generator=generator)
    norm = torch.nn.Sequential(torch.nn.BatchNorm2d(5, eps=1e-3, momentum=0.9))
    torch.nn.init.uniform_(norm[0].weight, generator=generator)
    return x, norm
