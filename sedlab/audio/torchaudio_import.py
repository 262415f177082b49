"""One way to import torchaudio that also works beside a CPU-only torch.

The wheel of torchaudio on PyPI is built for CUDA. Next to a CPU build of torch its compiled extension cannot be
loaded and the whole import fails, although everything written in Python (spectrograms, Kaldi features, resampling)
needs no extension. Here the extension is then replaced by a stand-in that says it is absent.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from sedlab.errors import SedlabError

_EXTENSION = "torchaudio._extension"


def import_torchaudio() -> ModuleType:
    """Return the ``torchaudio`` module, without its compiled extension if that cannot be loaded.

    Raises
    ------
    SedlabError
        When torchaudio is not installed.
    """
    try:
        return importlib.import_module("torchaudio")
    except ModuleNotFoundError as error:
        raise SedlabError(f"torchaudio cannot be imported ({error}). Install it: pip install torchaudio.") from error
    except OSError:  # a CUDA build of torchaudio beside a CPU build of torch
        for name in [name for name in sys.modules if name == "torchaudio" or name.startswith("torchaudio.")]:
            del sys.modules[name]
        sys.modules[_EXTENSION] = _absent_extension()
        return importlib.import_module("torchaudio")


def torchaudio_status() -> str:
    """Return one line that says which torchaudio works here and how, for ``sedlab doctor``."""
    try:
        torchaudio = import_torchaudio()
    except SedlabError as error:
        return str(error)
    compiled = getattr(sys.modules.get(_EXTENSION), "_IS_TORCHAUDIO_EXT_AVAILABLE", False)
    return f"torchaudio {torchaudio.__version__}, compiled extension {'loaded' if compiled else 'not used'}"


def _absent_extension() -> ModuleType:
    extension = ModuleType(_EXTENSION)
    extension._IS_TORCHAUDIO_EXT_AVAILABLE = False
    extension._IS_ALIGN_AVAILABLE = False
    extension._check_cuda_version = lambda: None
    extension.fail_if_no_align = _unavailable
    return extension


def _unavailable(function: Callable[..., Any]) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise SedlabError(
            f"torchaudio.{function.__name__} needs torchaudio's compiled extension, which this torch cannot load. "
            "Install a CUDA build of torch."
        )

    return fail
