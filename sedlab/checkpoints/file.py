"""Read a file of `torch.save` without running code that it may hold."""

from __future__ import annotations

import argparse
import pathlib
import pickle
import re
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sedlab.errors import SedlabError

#: Types that training scripts store beside the weights and that do nothing when they are rebuilt. Paths of any system
#: become pure ones; numpy 1 and 2 name the maker of scalars differently.
_HARMLESS = [
    argparse.Namespace,
    defaultdict,
    np.dtype,
    *(type(np.dtype(name)) for name in ("bool", "int32", "int64", "float32", "float64", "U1")),
    (np.float64(0).__reduce__()[0], "numpy.core.multiarray.scalar"),
    (np.float64(0).__reduce__()[0], "numpy._core.multiarray.scalar"),
    *(
        (getattr(pathlib, f"Pure{name}"), f"{module}.{kind}{name}")
        for name in ("PosixPath", "WindowsPath")
        for kind in ("", "Pure")
        for module in ("pathlib", "pathlib._local")
    ),
]
_RESAVE = (
    "import torch; c = torch.load({path!r}, map_location='cpu', weights_only=False); "
    "torch.save({{k: c[k] for k in ('state_dict', 'student', 'teacher', 'model') if k in c}}, 'weights.ckpt')"
)


def read_checkpoint_file(path: str | Path) -> Any:
    """Return the content of ``path``; tensors are on the CPU, and where possible stay on disk until they are used.

    Only tensors, plain values and a few harmless types (`argparse.Namespace`, paths, numpy scalars) are rebuilt.

    Raises
    ------
    SedlabError
        When the file is missing or damaged, or needs other classes: the message names them.
    """
    path = Path(path)
    if not path.is_file():
        raise SedlabError(f"{path}: no such checkpoint. Train the node first, or give the path of a .pt or .ckpt file.")
    is_zip = zipfile.is_zipfile(path)  # the older format of torch.save is not, and cannot be mapped
    with torch.serialization.safe_globals(_HARMLESS):
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
        except pickle.UnpicklingError as error:
            refused = _refused_classes(path, error, is_zip=is_zip)
            if not refused:
                raise _unreadable(path, error) from error
            raise SedlabError(
                f"{path}: holds {', '.join(refused)} beside the weights, and rebuilding that could run code. "
                f'If you trust the source, keep the weights alone: python -c "{_RESAVE.format(path=str(path))}"'
            ) from error
        except Exception as error:
            # What a damaged file leads to is not documented: struct, Unicode, index, attribute errors and more.
            raise _unreadable(path, error) from error


def _refused_classes(path: Path, error: Exception, *, is_zip: bool) -> list[str]:
    if is_zip:
        try:
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
        except Exception:
            return []
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    return [found.group(1)] if found else []


def _unreadable(path: Path, error: Exception) -> SedlabError:
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    line = line if len(line) <= 120 else line[:117] + "..."
    return SedlabError(f"{path}: not a readable checkpoint, or cut short ({line}). Copy, download or train it again.")
