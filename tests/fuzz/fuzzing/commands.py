"""Command lines that read a given kind of file."""

from __future__ import annotations

from random import Random

#: Arguments, and what they write.
Command = tuple[tuple[str, ...], tuple[str, ...]]


def scoring(
    random: Random, scores: str = "scores.hdf5", truth: str = "truth.tsv", durations: str = "durations.tsv"
) -> Command:
    """Return a command that reads all three."""
    files = ("--ground-truth", truth, "--durations", durations)
    return random.choice(
        [
            (("evaluate", scores, *files, "--json", "out.json", "--csv", "out.csv"), ("out.json", "out.csv")),
            (("evaluate", scores, *files, "--postprocess", "median", "--intervals", "5"), ()),
            (("tune", scores, *files, "--method", "median", "--out", "out.json"), ("out.json",)),
            (("compare", "other.hdf5", scores, *files, "--intervals", "5", "--csv", "out.csv"), ("out.csv",)),
            (("errors", scores, *files, "--out", "errors"), ("errors",)),
        ]
    )


def reading_checkpoint(random: Random, path: str) -> Command:
    """Return a command that reads a detector's checkpoint."""
    return random.choice(
        [
            (("weights", "inspect", path), ()),
            (("detect", "sound.wav", "--checkpoint", path, "--out", "found"), ("found",)),
            (("python", "load_detector", path), ()),
        ]
    )


def detecting(random: Random, *audio: str) -> Command:
    """Return a command that reads sound files."""
    formats = random.choice([(), ("--out", "found"), ("--out", "found", "--format", "json", "--format", "audacity")])
    return ("detect", *audio, "--checkpoint", "atst.pt", *formats), ("found",) if formats else ()
