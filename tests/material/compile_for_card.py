"""Compile every Triton kernel for an H100, at the sizes of the published detectors, on a machine without a card.

    python tests/material/compile_for_card.py               # prints a line a kernel; status 1 if one does not fit

A kernel fits when it needs no more shared memory than a multiprocessor has; registers that do not suffice (a stack) are
told and allowed, they only cost time.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sedlab.models.kernels.gpu import attention, cnn_block, gru, gru_shares, norm

H100 = GPUTarget("cuda", 90, 32)
SHARED_BYTES = 227 * 1024
FLOAT32 = "log_sum inner parts shift statistics running_mean running_var sums weight_sums moments grad_first total full"
SCALARS = "scale eps momentum dropout share factor"


def main() -> int:
    """Compile all, print what each takes, return the status."""
    fits = True
    for name, kernel, types, options in kernels():
        shared, registers, stack = compiled(kernel, types, options)
        fits &= shared <= SHARED_BYTES
        print(f"{name:48} {shared / 1024:4.0f} KiB shared, {registers:3} registers, {stack:4} B stack", flush=True)
    return 0 if fits else 1


def kernels() -> Any:
    """Yield name, kernel, types that its names do not tell, and constants and options of every kernel."""
    for kernel in (attention._forward, attention._backward_keys, attention._backward_queries, attention._backward_bias):
        warps = 8 if kernel is attention._backward_bias else 4
        yield f"attention{kernel.__name__}", kernel, {"scale": "fp32"}, {"E": 64, "M": 64, "N": 64, "num_warps": warps}
    for channels, pool in ((16, (2, 2)), (32, (2, 2)), (64, (1, 2)), (128, (1, 2))):
        sizes = {"C": channels, "PT": pool[0], "PF": pool[1], "M": cnn_block._TILE // channels}
        types = {"scale": "*fp32", "bias": "*fp32", "tracked": "*i64", "seed_at": "*i64", "factor": "*fp32"}
        for kernel in (cnn_block._statistics, cnn_block._join, cnn_block._forward, cnn_block._backward_gate):
            constants = {"DROPS": True, "STEP": cnn_block._STEP, "num_warps": cnn_block._WARPS, **sizes}
            yield f"cnn_block{kernel.__name__} of {channels} channels", kernel, types, constants
        yield f"cnn_block_backward_norm of {channels} channels", cnn_block._backward_norm, types, sizes
    for kernel in (gru._forward, gru._backward):
        constants = {"H": 256, "K": 32, "M": 16, "LEARNS": True, "num_warps": gru._warps(256), "num_stages": 3}
        yield f"gru{kernel.__name__}", kernel, {}, constants
    for kernel in (gru_shares._forward, gru_shares._backward):
        constants = {"H": 256, "U": 64, "M": 16, "LOOKS": 1 << 22, "LEARNS": True, "num_warps": 8}
        types = {"carried": "*fp32", "counters": "*i32"}
        yield f"gru_shares{kernel.__name__}", kernel, types, constants
    types = {"x": "*fp32", "weight": "*fp32", "bias": "*fp32", "grad_x": "*fp32"}
    for keeps in (True, False):
        constants = {"W": 1024, "M": 4, "IS_SUM": True, "HAS_BRANCH": True, "KEEPS": keeps}
        for kernel in (norm._forward, norm._backward):
            yield f"norm{kernel.__name__}{' that keeps it' if keeps else ''}", kernel, types, constants


def compiled(kernel: Any, types: dict[str, str], options: dict[str, Any]) -> tuple[int, int, int]:
    """Return bytes of shared memory, registers of a thread and bytes of its stack."""
    constants = {name: value for name, value in options.items() if name in kernel.arg_names}
    signature = {name: "constexpr" if name in constants else types.get(name, guess(name)) for name in kernel.arg_names}
    aligned = {
        (place,): [["tt.divisibility", 16]]
        for place, (name, kind) in enumerate(signature.items())
        if kind.startswith("*") or re.fullmatch(r"g?[qkvo][bhl]|length|dim", name)
    }
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=aligned)
    built = triton.compile(source, target=H100, options={k: v for k, v in options.items() if k.startswith("num_")})
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(built.asm["cubin"])
        file.flush()
        tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
        usage = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    registers, stack = re.search(r"REG:(\d+) STACK:(\d+)", usage.stdout).groups()
    return built.metadata.shared, int(registers), int(stack)


def guess(name: str) -> str:
    """Return the type of an argument: float32 where it always is, sizes and strides, half precision otherwise."""
    if name in FLOAT32.split():
        return "*fp32"
    if name in SCALARS.split():
        return "fp32"
    sizes = r"g?[qkvo][bhl]|gk[bhl]|gq[bhl]|heads|length|clips|rows|num_rows|programs|frames|bins|dim|begin|end"
    return "i32" if re.fullmatch(sizes, name) else "*fp16"


if __name__ == "__main__":
    sys.exit(main())
