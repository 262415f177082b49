"""Options that several commands have: one name, one meaning, one help text."""

from __future__ import annotations

import csv
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Annotated

import typer

from sedlab.errors import SedlabError

Scores = Annotated[Path, typer.Argument(metavar="SCORES", help="HDF5 score file, or a folder with one TSV a clip.")]
GroundTruth = Annotated[
    Path, typer.Option(metavar="TSV", help="filename, onset, offset, event_label; soft labels also confidence.")
]
Durations = Annotated[
    Path | None, typer.Option(metavar="TSV", help="filename, duration (seconds). Metrics of events need it.")
]
Metric = Annotated[
    str,
    typer.Option(
        "--metric",
        "--metrics",
        metavar="NAMES",
        help="psds1, psds2, collar_f1, intersection_f1, psds (all of events) or mpauc (soft labels), with commas "
        "between. Default: all that fit the ground truth; psds2 of more than 100 classes only by name.",
    ),
]
Postprocess = Annotated[str, typer.Option(metavar="none|median|FILE", help="FILE: of sedlab tune.")]
#: None: that of the file of thresholds, else the command's own.
PostprocessIfSaid = Annotated[str | None, typer.Option(metavar="none|median|FILE", help="FILE: of sedlab tune.")]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES",
        help="Classes to look at, with commas between, or repeat; a name with a comma: '\"A, b\",C'. Default: all.",
    ),
]
CommonClips = Annotated[bool, typer.Option("--common-clips", help="Leave out clips that one side lacks.")]
Threshold = Annotated[float, typer.Option(min=0.0, max=1.0, help="Scores above it are detections.")]
ThresholdFile = Annotated[
    Path | None,
    typer.Option(
        "--thresholds",
        metavar="FILE",
        help="Set in the player and saved there (JSON, YAML), with their post-processing; or {class: threshold}.",
    ),
]
#: More resamples than anybody waits for.
MAX_INTERVALS = 100_000
Confidence = Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the intervals.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed draws the same; another draws anew.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all of it as JSON.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a row a number.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it (.png, .svg).")]
Slurm = Annotated[bool, typer.Option("--slurm", help="Hand each job to the SLURM cluster whose login node this is.")]
Profile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Of the cluster: partition, account, ... Default: slurm.yaml, here or in ~/.config/sedlab."
    ),
]
Preset = Annotated[str, typer.Argument(metavar="PRESET", help="Name of a preset (nano, mini, ...) or a YAML file.")]
Arch = Annotated[
    list[str] | None, typer.Option(metavar="NAMES", help="Transformers: passt, beats, atst. Repeat, or use commas.")
]
Iterations = Annotated[int | None, typer.Option(min=1, help="Number of iterations.")]
Until = Annotated[
    str | None, typer.Option(metavar="NODE", help="Only this job, or jobs that begin so, and what they need.")
]
NoShare = Annotated[bool, typer.Option("--no-share", help="Take nothing that other runs in runs/ have done already.")]
Cores = Annotated[int | None, typer.Option(min=1, help="CPU cores to use. Default: all.")]
PerCard = Annotated[
    int,
    typer.Option(min=1, max=99, metavar="N", help="Jobs that may share a graphics card. Each has its own by default."),
]
WeightsRoot = Annotated[Path, typer.Option(help="Folder of the files.")]


def names(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas; one that holds a comma stands between quotation marks."""
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    return tuple(name.strip() for row in rows for name in row if name.strip())


def class_names(given: Sequence[str] | None, known: Container[str]) -> tuple[str, ...]:
    """Return the classes that were given, each once; a text that is one of the ``known`` is no list."""
    found = dict.fromkeys(name for text in given or () for name in ([text] if text in known else names(text)))
    if given and not found:
        raise SedlabError("--classes: names no class. Name one, or leave the option out for all of them.")
    return tuple(found)
