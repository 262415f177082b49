"""The GRU in Triton against PyTorch's."""

from __future__ import annotations

import pytest
import torch
from passes import assert_passes_agree
from torch import nn


@pytest.mark.parametrize(
    ("units", "layers", "clips", "frames", "in_shares"),
    [(16, 2, 3, 6, False), (32, 1, 19, 3, False), (16, 1, 1, 1, False), (128, 2, 17, 4, True), (32, 1, 2, 5, True)],
)
def test_values_and_gradients_are_those_of_pytorch(device, dtype, units, layers, clips, frames, in_shares):
    from sedlab.models.kernels.gpu.gru import bidirectional_gru

    torch.manual_seed(0)
    gru = nn.GRU(6, units, layers, batch_first=True, bidirectional=True, dtype=torch.float64, device=device)
    x = torch.randn(clips, frames, 6, device=device)

    def grouped(weights):
        return [weights[first : first + 4] for first in range(0, len(weights), 4)]

    def plain(x, *weights):
        names = [name for names in gru._all_weights for name in names]
        return torch.func.functional_call(gru, dict(zip(names, weights, strict=True)), (x,))[0]

    # float32 is for the interpreter: on a card the kernels are for half precision
    assert_passes_agree(
        lambda x, *weights: bidirectional_gru(x, grouped(weights), in_shares=in_shares),
        plain,
        (x, *gru.parameters()),
        dtype=dtype,
    )


def test_without_gradients_nothing_is_kept(device):
    from sedlab.models.kernels.gpu.gru import bidirectional_gru

    gru = nn.GRU(6, 16, batch_first=True, bidirectional=True, device=device)
    x = torch.randn(2, 5, 6, device=device)
    with torch.no_grad():
        torch.testing.assert_close(bidirectional_gru(x, gru.all_weights), gru(x)[0], rtol=1e-3, atol=1e-3)
