"""Batch norm over the shares of all processes: the statistics of the whole batch, as one process would compute them.

torch's SyncBatchNorm does the same on CUDA only; this one also works on the CPU.

Shape letters: B clips, C channels, T frames, F bins.
"""

from __future__ import annotations

import torch
import torch.distributed
from torch import Tensor, nn


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics in training are those of the shares (B, C, T, F), of one size, of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` normalised, and in training move the running statistics."""
        if not self.training:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            variance, mean = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0)
            num_processes = torch.distributed.get_world_size()
            mean, square = _SumOverProcesses.apply(torch.stack([mean, variance + mean**2])) / num_processes
            variance = square - mean**2
            count = x.numel() // x.shape[1] * num_processes
            with torch.no_grad():
                self.num_batches_tracked.add_(1)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
            scale = self.weight * torch.rsqrt(variance + self.eps)
            normalised = torch.addcmul((self.bias - mean * scale)[:, None, None], x.float(), scale[:, None, None])
        return normalised.to(x.dtype)


def share_batchnorm(module: nn.Module) -> None:
    """Make a `SharedBatchNorm2d` of every BatchNorm2d in ``module``, with the same parameters and buffers."""
    for child in module.modules():
        if type(child) is nn.BatchNorm2d:
            child.__class__ = SharedBatchNorm2d  # which has nothing of its own but what it does


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; the gradient of each is the sum of the gradients of all."""

    @staticmethod
    def forward(_, x: Tensor) -> Tensor:
        total = x.contiguous().clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_, gradient: Tensor) -> Tensor:
        return _SumOverProcesses.apply(gradient)
