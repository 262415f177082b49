"""Put on PYTHONPATH by a test: in its first life, a cluster's job trains for some steps and no further in its time.

So a training with a few steps outlasts the shortest time limits that SLURM has. What a step computes stays as it is.
"""

import os
import sys
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder

STEPS = 3
PATIENCE_SECONDS = 600


class _Slowed(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "sedlab.training.watch":
            return None
        spec = PathFinder.find_spec(name, path)
        original = spec.loader

        class _Loader(Loader):
            def create_module(self, spec):
                return original.create_module(spec)

            def exec_module(self, module):
                original.exec_module(module)
                stepped = module.Lookout.stepped

                def slowly(self):
                    deadline = time.monotonic() + PATIENCE_SECONDS
                    if self._state.step == STEPS:
                        # As if the disk gave nothing more, until somebody wants the training to stop.
                        while not self._stop_file.exists() and time.monotonic() < deadline:
                            time.sleep(0.1)
                    stepped(self)

                module.Lookout.stepped = slowly

        spec.loader = _Loader()
        return spec


if "SLURM_JOB_ID" in os.environ and "SLURM_RESTART_COUNT" not in os.environ:
    sys.meta_path.insert(0, _Slowed())
