"""torchaudio as an oracle: what its features, filters and resampling are, ours are held to.

The wheel of torchaudio on PyPI is built for CUDA. Next to a CPU build of torch its compiled extension cannot be
loaded and the whole import fails, although everything written in Python (spectrograms, Kaldi features, resampling)
needs no extension. Here the extension is then replaced by a stand-in that says it is absent.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def import_torchaudio() -> ModuleType:
    """Return the ``torchaudio`` module, without its compiled extension if that cannot be loaded."""
    try:
        return importlib.import_module("torchaudio")
    except OSError:  # a CUDA build of torchaudio beside a CPU build of torch
        for name in [name for name in sys.modules if name == "torchaudio" or name.startswith("torchaudio.")]:
            del sys.modules[name]
        extension = ModuleType("torchaudio._extension")
        extension._IS_TORCHAUDIO_EXT_AVAILABLE = extension._IS_ALIGN_AVAILABLE = False
        extension._check_cuda_version = lambda: None
        extension.fail_if_no_align = lambda function: function
        sys.modules[extension.__name__] = extension
        return importlib.import_module("torchaudio")
