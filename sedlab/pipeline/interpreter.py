"""The interpreter of everything that sedlab starts: this one, whatever other environments offer.

Jupyter would take the first `python3` kernel that it finds, which on a cluster is often that of a module or of another
environment; and Python would import modules from the working folder, where a person keeps a `random.py` of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from sedlab.system.environment import number_from_environment, safe_imports
from sedlab.system.slurm import slurm_job

KERNEL_NAME = NATIVE_KERNEL_NAME
#: Environment variable with the time that a kernel may take to start; Jupyter's 60 s are short for a cold disk.
KERNEL_SECONDS = "SEDLAB_KERNEL_SECONDS"


def kernel_seconds() -> int:
    """Return how long a kernel may take to start."""
    return number_from_environment(KERNEL_SECONDS, 600)


def python_command() -> list[str]:
    """Return the words that start this interpreter so that it imports nothing from the working folder."""
    return [sys.executable, "-P"]


def kernel_command() -> list[str]:
    """Return the words that start a kernel of this interpreter, `{connection_file}` to be filled in by Jupyter."""
    return [*python_command(), "-m", "ipykernel_launcher", "-f", "{connection_file}"]


class OwnKernelSpecs(KernelSpecManager):
    """Jupyter's kernels, of which `python3` is this interpreter; those of other names are as they are elsewhere.

    What lies beside a notebook that a person opens can be imported, but takes the place of no installed module.
    """

    # sedlab first: a folder of that name beside the notebook would be found before an editable install.
    command = (*kernel_command(), "--IPKernelApp.exec_lines=import sedlab, sys; sys.path.append(''); del sedlab, sys")
    environment: Mapping[str, str] = MappingProxyType({})

    def find_kernel_specs(self) -> dict[str, str]:
        from ipykernel.kernelspec import RESOURCES

        # First, so that a person is offered it first.
        return {KERNEL_NAME: RESOURCES} | {
            name: folder for name, folder in super().find_kernel_specs().items() if name != KERNEL_NAME
        }

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        from ipykernel.kernelspec import RESOURCES, get_kernel_dict

        if kernel_name.lower() != KERNEL_NAME:
            return super().get_kernel_spec(kernel_name)
        answer = {**get_kernel_dict(), "argv": list(self.command), "env": dict(self.environment)}
        return KernelSpec(resource_dir=RESOURCES, **answer)


class JobKernelSpecs(OwnKernelSpecs):
    """The same for jobs: nothing is imported from the working folder."""

    @property
    def command(self) -> tuple[str, ...]:
        # SLURM sends it to all processes of a job that it ends; the job itself says what is done then. By a function,
        # for what is ignored stays so in processes started from here, and a pool of them could not be ended.
        deaf = "import signal; signal.signal(signal.SIGTERM, lambda *_: None); del signal"
        return (*kernel_command(), *([f"--IPKernelApp.exec_lines={deaf}"] if slurm_job() else []))

    @property
    def environment(self) -> Mapping[str, str]:
        return safe_imports()


class JobKernelManager(AsyncKernelManager):
    """Starts the kernels of jobs."""

    def _kernel_spec_manager_default(self) -> Any:
        return JobKernelSpecs(parent=self)
