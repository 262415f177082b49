"""Tuned post-processing from a file, whatever its method."""

from __future__ import annotations

from pathlib import Path

from sedlab.errors import SedlabError
from sedlab.scoring.tuning import csebbs
from sedlab.scoring.tuning import median as median_tuning
from sedlab.scoring.tuning.csebbs import CsebbsParams, read_csebbs
from sedlab.scoring.tuning.median import MedianParams, read_median
from sedlab.scoring.tuning.parameter_file import read_content

_READERS = {csebbs.FORMAT: read_csebbs, median_tuning.FORMAT: read_median}


def read_tuned(path: str | Path) -> CsebbsParams | MedianParams:
    """Return the parameters in a file written by `sedlab tune`.

    Both kinds have ``classes``; ``scores(tables, classes)``, which returns post-processed score tables; and
    ``detect(probabilities, classes, frame_times, thresholds)``, which returns the events of a clip.

    Raises
    ------
    SedlabError
        When the file is absent, damaged or of an unknown format.
    """
    found = read_content(path)["format"]
    if found not in _READERS:
        raise SedlabError(
            f"{path}: unknown format {found!r} (known: {', '.join(_READERS)}). Write it with sedlab tune."
        )
    return _READERS[found](path)
