"""Try the faster ways of every layer on a device: are they right there, and how fast are they?

Each layer is computed forward and backward at the sizes of a detector, on noise. Its reference is the plain way in
float32; a way is right when its outputs and every gradient are as near to it as half precision allows, or at most twice
as far away as the plain way in the same precision. Times are those of forward and backward pass together, with dropout
where the layer has it; on a CUDA device also of a captured graph's replay, which leaves out the host.

Shape letters: B clips, L tokens, D width, H heads, T frames.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from sedlab.config.model import DetectorConfig
from sedlab.models.beats import PositionConvolution
from sedlab.models.crnn import GatedCnn
from sedlab.models.kernels.choice import WAYS, chosen
from sedlab.models.kernels.gpu.language import serves
from sedlab.models.layers import BiGru, Linear, gated_bias_attention, sum_and_norm
from sedlab.models.pooling import pool_time
from sedlab.system.capture import capturing, root_of

#: Bounds of relative errors by precision.
BOUNDS = {torch.float16: 2e-3, torch.bfloat16: 1e-2, torch.float32: 1e-3}
#: Ways that are tried without being asked for: those that need no compiler of C, and no care of whoever uses them.
AUTOMATIC = {
    "position_convolution": ("blocks",),
    "gated_attention": ("triton", "half"),
    "cnn_block": ("triton", "channels_last"),
    "gru": ("triton", "triton_shares", "directions"),
    "residual_norm": ("triton",),
    "pool_time": ("matrix",),
}


@dataclass(frozen=True)
class Case:
    """A layer with inputs: ``run`` computes its outputs from ``leaves``, whose gradients count."""

    run: Callable[[], tuple[Tensor, ...]]
    leaves: tuple[Tensor, ...]
    directions: list[Tensor] = field(default_factory=list)
    """Gradients of the outputs, drawn at the first pass."""

    def both_passes(self) -> list[Tensor]:
        """Return outputs and gradients."""
        outputs = self.run()
        if not self.directions:
            generator = torch.Generator().manual_seed(1)
            self.directions.extend(torch.randn(output.shape, generator=generator).to(output) for output in outputs)
        directions = [given.to(output.dtype) for given, output in zip(self.directions, outputs, strict=True)]
        return [*(output.detach() for output in outputs), *torch.autograd.grad(outputs, self.leaves, directions)]


@dataclass(frozen=True)
class TrialOutcome:
    """What came of trying one way of a layer."""

    layer: str
    way: str
    error: float = float("inf")
    """The largest relative error of an output or a gradient."""
    bound: float = 0.0
    seconds: float | None = None
    graph_seconds: float | None = None
    """Of a captured graph's replay; None without CUDA, or where the capture failed (see ``remark``)."""
    remark: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the way may be used."""
        return self.error <= self.bound

    @property
    def time(self) -> float:
        """Seconds by which ways are compared: of the graph's replay where there is one."""
        seconds = self.seconds if self.graph_seconds is None else self.graph_seconds
        return float("inf") if seconds is None else seconds


def try_ways(
    config: DetectorConfig,
    *,
    clips: int,
    device: torch.device,
    dtype: torch.dtype,
    ways: Mapping[str, Iterable[str]] = AUTOMATIC,
    layers: Iterable[str] | None = None,
    deadline: float = float("inf"),
    repeats: int = 7,
    begins: Callable[[str, str], object] = lambda layer, way: None,
) -> Iterator[TrialOutcome]:
    """Yield the verdicts on each layer's plain way and those of ``ways``, as they are found.

    ``layers`` are those of ``ways`` unless given. No way is begun after ``deadline`` (of ``time.monotonic``);
    ``begins`` is told of each that is. An error of a way is its verdict's remark.
    """
    wanted = set(ways if layers is None else layers)
    for layer, make in cases(config, clips=clips, device=device).items():
        if layer not in wanted:
            continue
        begins(layer, "plain")
        yield from _try_layer(layer, make, ways.get(layer, ()), device, dtype, deadline, repeats, begins)


def fastest(verdicts: Iterable[TrialOutcome]) -> dict[str, str]:
    """Return the fastest right way of each layer, for `sedlab.models.kernels.choice.choose`."""
    best: dict[str, TrialOutcome] = {}
    for verdict in verdicts:
        known = best.get(verdict.layer)
        if (verdict.is_right or verdict.way == "plain") and (known is None or verdict.time < known.time):
            best[verdict.layer] = verdict
    return {layer: verdict.way for layer, verdict in best.items()}


def cases(config: DetectorConfig, *, clips: int, device: torch.device) -> dict[str, Callable[[float], Case]]:
    """Return for each layer of the detector a function that makes its case, with this probability of dropout."""
    transformer, crnn = config.transformer, config.crnn
    made = {}
    if transformer.arch == "beats":
        tokens = 62 * (transformer.num_mels // transformer.patch_size)
        made["position_convolution"] = partial(_position_convolution, config, clips, tokens, device)
        made["gated_attention"] = partial(_gated_attention, config, clips, tokens, device)
    else:
        tokens = 250
    frames = 156
    made["gru"] = partial(
        _of_module, partial(BiGru, crnn.merge_dim, crnn.rnn_dim, num_layers=crnn.rnn_layers),
        (clips, frames, crnn.merge_dim), device,
    )  # fmt: skip
    made["cnn_block"] = partial(_cnn, config, clips, device)
    made["residual_norm"] = partial(_sum_and_norm, transformer.dim, clips, tokens, device)
    made["pool_time"] = partial(_pool, config, clips, tokens, frames, device)
    made["weights"] = partial(
        _of_module, partial(Linear, transformer.dim, transformer.mlp_dim), (clips, tokens, transformer.dim), device
    )
    return made


def _try_layer(
    layer: str,
    make: Callable[[float], Case],
    ways: Iterable[str],
    device: torch.device,
    dtype: torch.dtype,
    deadline: float,
    repeats: int,
    begins: Callable[[str, str], object],
) -> Iterator[TrialOutcome]:
    silent, loud = make(0.0), make(0.5)  # without dropout to compare, with it for the time
    with exactly(), chosen(device.type, **{layer: "plain"}):
        reference = silent.both_passes()
    bound, plain = BOUNDS[dtype], None
    for way in ("plain", *ways):
        if time.monotonic() > deadline:
            yield TrialOutcome(layer, way, remark="not tried: no time left")
            continue
        if way.startswith("triton") and not serves(reference[0]):
            yield TrialOutcome(layer, way, remark="not tried: no Triton for this device")
            continue
        begins(layer, way)
        try:
            with chosen(device.type, **{layer: way}), autocast(device, dtype):
                error = _largest_error(silent.both_passes(), reference)
                seconds = _eager_seconds(loud.both_passes, device, repeats)
                graph_seconds, remark = _graph_seconds(loud.both_passes, device, repeats)
        except Exception as problem:  # whatever a compiler or a driver can raise: the plain way is still there
            yield TrialOutcome(layer, way, remark=f"{type(problem).__name__}: {str(problem).strip().splitlines()[:1]}")
            continue
        plain = error if plain is None else plain
        yield TrialOutcome(layer, way, error, max(bound, 2 * plain), seconds, graph_seconds, remark)


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Return the context of mixed precision with ``dtype``; float32 is no mixture."""
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def _largest_error(found: list[Tensor], reference: list[Tensor]) -> float:
    errors = [
        ((ours.double() - exact.double()).norm() / exact.double().norm().clamp(min=1e-30)).item()
        for ours, exact in zip(found, reference, strict=True)
    ]
    return max(float("inf") if error != error else error for error in errors)


def _eager_seconds(run: Callable[[], object], device: torch.device, repeats: int) -> float:
    for _ in range(2):
        run()
    return statistics.median(_seconds(run, device) for _ in range(repeats))


def _graph_seconds(run: Callable[[], object], device: torch.device, repeats: int) -> tuple[float | None, str]:
    if device.type != "cuda":
        return None, ""
    graph = torch.cuda.CUDAGraph()
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        run()
    torch.cuda.current_stream(device).wait_stream(stream)
    try:
        with capturing(graph, stream=stream, pool=torch.cuda.graph_pool_handle()):
            run()
        graph.replay()
        return statistics.median(_seconds(graph.replay, device) for _ in range(repeats)), ""
    except RuntimeError as problem:
        torch.cuda.synchronize(device)
        return None, f"no graph: {str(root_of(problem)).strip().splitlines()[:1]}"


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        begin = time.perf_counter()
        run()
        return time.perf_counter() - begin
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    before.record()
    run()
    after.record()
    torch.cuda.synchronize(device)
    return before.elapsed_time(after) / 1000


@contextmanager
def exactly() -> Iterator[None]:
    """Compute in float32 without its fast mode."""
    before, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        torch.backends.cudnn.allow_tf32 = cudnn


def _noise(shape: tuple[int, ...], device: torch.device, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device).requires_grad_()


def _of_module(build: Callable[[], nn.Module], shape: tuple[int, ...], device: torch.device, _: float) -> Case:
    torch.manual_seed(0)
    module, x = build().to(device), _noise(shape, device)
    return Case(lambda: (module(x),), (x, *module.parameters()))


def _position_convolution(config: DetectorConfig, clips: int, tokens: int, device: torch.device, _: float) -> Case:
    beats = config.transformer
    build = partial(PositionConvolution, beats.dim, beats.position_kernel, beats.position_groups)
    return _of_module(build, (clips, tokens, beats.dim), device, 0.0)


def _gated_attention(config: DetectorConfig, clips: int, tokens: int, device: torch.device, _: float) -> Case:
    heads = config.transformer.heads
    shape = (clips, tokens, heads, config.transformer.dim // heads)
    packed = [_noise(shape, device, seed) for seed in range(3)]
    gate, bias = _noise((clips, heads, tokens, 1), device, 3), _noise((heads, tokens, tokens), device, 4)

    def run() -> tuple[Tensor, ...]:
        # in the type that the projections give under autocast
        dtype = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
        query, key, value = (part.to(dtype).transpose(1, 2) for part in packed)
        return (gated_bias_attention(query, key, value, 1.0 + gate.sigmoid(), bias),)

    return Case(run, (*packed, gate, bias))


def _cnn(config: DetectorConfig, clips: int, device: torch.device, dropout: float) -> Case:
    torch.manual_seed(0)
    crnn = config.crnn.model_copy(update={"dropout": min(dropout, config.crnn.dropout)})
    cnn = GatedCnn(crnn).to(device)
    mel = torch.rand(clips, 1, crnn.num_mels, 1 + 160_000 // crnn.hop, generator=torch.Generator().manual_seed(0))
    mel = mel.to(device)
    # the bias before a batch norm has no gradient but rounding
    leaves = [parameter for name, parameter in cnn.named_parameters() if not name.endswith("convolution.bias")]
    return Case(lambda: (cnn(mel),), tuple(leaves))


def _sum_and_norm(dim: int, clips: int, tokens: int, device: torch.device, _: float) -> Case:
    norm = nn.LayerNorm(dim, eps=1e-6).to(device)
    x, branch = _noise((clips, tokens, dim), device), _noise((clips, tokens, dim), device, 1)

    def run() -> tuple[Tensor, ...]:
        half = torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32
        total, normed = sum_and_norm(x, branch.to(half), norm)
        return total, normed.to(half)

    return Case(run, (x, branch, norm.weight, norm.bias))


def _pool(config: DetectorConfig, clips: int, tokens: int, frames: int, device: torch.device, _: float) -> Case:
    x = _noise((clips, tokens, config.wrapper_dim or config.transformer.dim), device)
    mode = "nearest-exact" if config.embed_pool == "conv" else config.embed_pool
    return Case(lambda: (pool_time(x, frames, mode),), (x,))


assert set(AUTOMATIC) <= set(WAYS)
