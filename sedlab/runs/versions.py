"""What a run was made with: package versions, commit, machine.

Read from package metadata, so that asking costs milliseconds and imports nothing heavy.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel

from sedlab.files import read_json, write_text_if_changed
from sedlab.shipped.places import checkout_root
from sedlab.system.slurm import granted_cores

VERSIONS_FILE = "versions.json"

PACKAGES = (
    "sedlab",
    "torch",
    "torchaudio",
    "lightning-fabric",
    "numpy",
    "scipy",
    "pandas",
    "sed_scores_eval",
    "soundfile",
    "h5py",
    "snakemake",
    "papermill",
)


class Computer(BaseModel):
    """The machine that a run was made on."""

    system: str
    cpu: str
    cores: int
    gpus: list[str]


class Versions(BaseModel):
    """What `versions.json` of a run holds."""

    python: str
    interpreter: str = ""
    """The program that worked."""
    packages: dict[str, str | None]
    commit: str | None
    machine: Computer


def collect_versions() -> Versions:
    """Return Python and package versions, the commit of a checkout, and the machine."""
    return Versions(
        python=platform.python_version(),
        interpreter=sys.executable,
        packages={name: package_version(name) for name in PACKAGES},
        commit=checkout_commit(),
        machine=Computer(system=platform.platform(), cpu=_cpu_model(), cores=num_cores(), gpus=gpu_names()),
    )


def package_version(name: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def write_versions(run_folder: Path) -> str:
    """Write the `versions.json` of a run, as this process finds them; return a short digest of it."""
    text = collect_versions().model_dump_json(indent=2) + "\n"
    write_text_if_changed(run_folder / VERSIONS_FILE, text)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_versions(run_folder: Path) -> Versions:
    """Return what a run was made with; raises SedlabError when it has not recorded that."""
    return read_json(run_folder / VERSIONS_FILE, Versions, "Run `sedlab run` again to write it.")


def told_version() -> str:
    """Return sedlab's version and where it is, as `sedlab --version` tells it.

    The version of a checkout is that at the time it was installed; its commit is today's.
    """
    version, root = package_version("sedlab") or "of no known version", checkout_root()
    if root is None:
        return f"{version} ({Path(__file__).resolve().parents[1]})"
    commit = checkout_commit()
    return f"{version} (checkout {root}{f', commit {commit}' if commit else ''})"


def checkout_commit() -> str | None:
    """Return the commit of the checkout sedlab runs from, with `+changes` when files differ; None outside git."""
    root = checkout_root()
    if root is None or not (root / ".git").exists() or shutil.which("git") is None:
        return None
    commit = _output(["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"])
    if commit is None:
        return None
    changes = _output(["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"])
    return commit + ("+changes" if changes else "")


def gpu_names() -> list[str]:
    """Return the names of the NVIDIA GPUs, as `nvidia-smi` lists them."""
    if shutil.which("nvidia-smi") is None:
        return []
    listing = _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    return listing.splitlines() if listing else []


def gpu_memory_bytes() -> int | None:
    """Return the memory of the smallest NVIDIA GPU; None when there is none."""
    if shutil.which("nvidia-smi") is None:
        return None
    listing = _output(["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"])
    sizes = [int(line) for line in (listing or "").splitlines() if line.strip().isdigit()]
    return min(sizes) * 2**20 if sizes else None


def num_cores() -> int:
    """Return how many cores this process may use: those it may run on, no more than its container may keep busy, nor
    than a SLURM job was given."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, cpu_quota(Path("/sys/fs/cgroup")), granted_cores() or math.inf)))


def cpu_quota(cgroup: Path) -> float:
    """Return the seconds of processor time a second that a control group grants; infinity where it sets no limit.

    Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max) and Documentation/scheduler/sched-bwc.rst.
    """
    with suppress(OSError, ValueError):
        granted, period = (cgroup / "cpu.max").read_text().split()
        return math.inf if granted == "max" else int(granted) / int(period)
    with suppress(OSError, ValueError):
        granted, period = (int((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return math.inf if granted < 0 else granted / period
    return math.inf


def _cpu_model() -> str:
    file = Path("/proc/cpuinfo")
    if file.is_file():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
