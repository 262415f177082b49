"""The ways in from Python, with the exit status and message that the command line gives them."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


def call(name: str, *arguments: str) -> int:
    """Call a function of sedlab as a user's script would; return 1 for the error it raises on purpose."""
    from sedlab.errors import SedlabError, printable

    warnings.simplefilter("ignore", UserWarning)
    try:
        _DOORS[name](*arguments)
    except SedlabError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 1
    return 0


def _load_detector(path: str) -> None:
    import torch

    import sedlab

    sedlab.load_detector(path).predict(torch.zeros(16000))


def _load_transformer(path: str) -> None:
    import sedlab

    sedlab.load_transformer(path)


def _report(path: str) -> None:
    import sedlab
    from sedlab.report import report

    report.write_report(sedlab.open_run(path))


def _load_experiment(preset: str, *changes: str) -> None:
    import sedlab

    sedlab.load_experiment(preset, changes)


def _read_score_file(path: str) -> None:
    import sedlab

    sedlab.read_score_file(path)


def _load_corpus(path: str) -> None:
    import sedlab

    sedlab.load_corpus(Path(path))


_DOORS = {
    "load_detector": _load_detector,
    "load_transformer": _load_transformer,
    "report": _report,
    "load_experiment": _load_experiment,
    "read_score_file": _read_score_file,
    "load_corpus": _load_corpus,
}
