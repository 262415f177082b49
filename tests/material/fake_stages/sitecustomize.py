"""Put on PYTHONPATH by tests: every process of a run then finds stages that only write their files.

The graph, the scheduler, Papermill and the kernels are real; only the work inside a stage is not. To be quick, stage 2
alone is a notebook.
"""

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

HERE = Path(__file__).resolve().parent


class _Patched(MetaPathFinder):
    """Replaces functions of a module right after it is loaded."""

    def find_spec(self, name, path=None, target=None):
        if name not in ("sedlab.pipeline.stages", "sedlab.pipeline.notebooks", "sedlab.pipeline.graph"):
            return None
        spec = PathFinder.find_spec(name, path)
        original = spec.loader

        class _Loader(Loader):
            def create_module(self, spec):
                return original.create_module(spec)

            def exec_module(self, module):
                original.exec_module(module)
                if name.endswith("notebooks"):
                    module.notebooks_folder = lambda: Path(os.environ["FAKE_NOTEBOOKS"])
                elif name.endswith("graph"):
                    module.STAGE_NOTEBOOKS = {"stage2": "04_stage2"}
                else:
                    import fake

                    module.run_stage = fake.run_stage

        spec.loader = _Loader()
        return spec


if "FAKE_NOTEBOOKS" in os.environ:
    sys.meta_path.insert(0, _Patched())
