"""A capture refuses what a replay would get wrong, and one that fails leaves torch as it was."""

from __future__ import annotations

import pytest
import torch

from sedlab.system.capture import capturing, host_draws_nothing, root_of


@pytest.mark.parametrize("draw", [lambda: float(torch.rand(())), lambda: int(torch.randint(5, ()))])
def test_draws_of_the_host_are_refused_and_those_of_a_generator_of_its_own_are_not(draw):
    with pytest.raises(RuntimeError, match="host draws random numbers"), host_draws_nothing():
        draw()
    with host_draws_nothing():
        torch.rand(3, generator=torch.Generator().manual_seed(1))


def test_what_others_came_of_is_told():
    with pytest.raises(KeyError) as raised:
        try:
            try:
                raise ValueError("the cause")
            finally:
                raise RuntimeError("the capture has failed")
        except RuntimeError:
            raise KeyError from None
    assert str(root_of(raised.value)) == "the cause"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("fault", [lambda x: x.sum().item(), lambda x: 1 / 0, lambda x: torch.rand(())])
def test_after_a_capture_that_failed_everything_goes_on(fault):
    device = torch.device("cuda", torch.cuda.current_device())
    stream, present = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    x = torch.ones(1000, device=device)
    with (
        pytest.raises((RuntimeError, ZeroDivisionError)),
        capturing(torch.cuda.CUDAGraph(), stream=stream, pool=torch.cuda.graph_pool_handle()),
    ):
        torch.nn.functional.dropout(x, 0.5)
        fault(x)
    assert torch.cuda.current_stream(device) == present
    # The generator draws, memory that another stream has used comes back, and the next capture is right.
    assert 0 < torch.nn.functional.dropout(x, 0.5).count_nonzero() < 1000
    torch.cuda.synchronize()
    before = torch.cuda.memory_reserved()
    for _ in range(20):
        large = torch.zeros(2**24, device=device)
        large.record_stream(stream)
        del large
        torch.cuda.synchronize()
    assert torch.cuda.memory_reserved() - before <= 3 * 4 * 2**24
    graph = torch.cuda.CUDAGraph()
    with capturing(graph, stream=stream, pool=torch.cuda.graph_pool_handle()):
        doubled = 2 * x
    graph.replay()
    assert torch.equal(doubled, 2 * x)
