"""The step of the build that puts what is shipped into a wheel.

A checkout keeps notebooks and pages at its top, where a reader looks for them; a wheel has them in `sedlab/shipped`.
Only setuptools imports this, before sedlab and what it needs are installed.
"""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

from setuptools.command.build_py import build_py

_shipped_files = runpy.run_path(str(Path(__file__).with_name("parts.py")))["shipped_files"]


class BuildWithParts(build_py):
    """Builds the package with notebooks and pages in it; an editable install finds them in its checkout."""

    def run(self) -> None:
        """Build the package, then add the parts."""
        super().run()
        if not self.editable_mode:
            for name in _shipped_files(Path()):
                target = self._target(name)
                self.mkpath(str(target.parent))
                shutil.copyfile(name, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return every file that is built."""
        parts = [] if self.editable_mode else [str(self._target(name)) for name in _shipped_files(Path())]
        return [*super().get_outputs(include_bytecode), *parts]

    def get_source_files(self) -> list[str]:
        """Return every file that is read: they belong to an sdist."""
        return [*super().get_source_files(), *_shipped_files(Path())]

    def _target(self, name: str) -> Path:
        return Path(self.build_lib, "sedlab", "shipped", name)
