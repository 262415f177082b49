"""Read a file of `torch.save` or safetensors without running code that it may hold, and compare its checksums."""

from __future__ import annotations

import argparse
import pathlib
import pickle
import re
import warnings
from collections import defaultdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sedlab.checkpoints.kinds import AGAIN, kind_of, program
from sedlab.checkpoints.seal import Damaged, check_whole
from sedlab.data.formats.names import readable_name
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
    "f = lambda v: v.state_dict() if hasattr(v, 'state_dict') else v; "
    "torch.save({{k: f(v) for k, v in f(c).items() if isinstance(v, torch.Tensor) "
    "or k in ('state_dict', 'student', 'teacher', 'model')}}, 'weights.ckpt')"
)


def read_checkpoint_file(path: str | Path, *, device: str | torch.device = "cpu", mapped: bool = True) -> Any:
    """Return the content of ``path``; tensors are on ``device``.

    With ``mapped`` they stay on disk, where that is possible, until they are used. Only tensors, plain values and a few
    harmless types (`argparse.Namespace`, paths, numpy scalars) are rebuilt.

    Raises
    ------
    SedlabError
        When the file is missing, damaged or no checkpoint, or needs other classes: the message names them.
    """
    path = Path(path)
    kind = kind_of(path)
    try:
        if kind == "safetensors":
            from safetensors.torch import load_file

            return load_file(path, device=str(device))
        if kind == "zip":
            check_whole(path)
        with torch.serialization.safe_globals(_HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old formats: whoever reads a file cannot change how it was written
            # The older format cannot be mapped, nor a file whose name is no UTF-8: torch cannot open it.
            named = readable_name(path) == str(path)
            source = path if named else BytesIO(path.read_bytes())
            mmap = mapped and named and kind == "zip"
            return torch.load(source, map_location=device, weights_only=True, mmap=mmap)
    except Damaged as error:
        raise SedlabError(f"{path}: damaged ({error}). {AGAIN}.") from error
    except pickle.UnpicklingError as error:
        refused = _refused_classes(path, error, is_zip=kind == "zip")
        if not refused:
            raise _unreadable(path, error) from error
        raise SedlabError(
            f"{path}: holds {', '.join(refused)} beside the weights, and rebuilding that could run code. If you trust "
            f"the source, keep the weights alone: {program(_RESAVE, path)}"
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
    return SedlabError(f"{path}: not a readable checkpoint, or cut short ({line}). {AGAIN}.")
