"""Files and folders with odd names, read and written by every command."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from fuzzing.case import Case
from fuzzing.material import Material

_STEMS = (
    b"a b", b" a", b"a ", b"a.b.c", b"[b]", b"[red]x", b"[", b"{a}", b"{", b"{0}", b"%s", b"%", b"$HOME", b"~",
    b"'", b'"', b"`x`", b";", b"&", b"#",
    b"?", b"*", b"!", b"@", b"=", b",", b":", b"a:b", b"\\", b"a\\nb", b"a\nb", b"a\tb", b"a\rb", b"\x1b[31mx",
    b"\x07", b"\x7f", b"h\xf6r", b"\xff",
    "é".encode(), "e\u0301".encode(), "音".encode(), "\u202ex".encode(), "\u200b".encode(), "\U0001f600".encode(),
    "ﬁ".encode(), b"-x", b"--json",
    b"..a", b".hidden", b"CON", b"nan", b"None", b"x" * 200, b"x" * 247, "é".encode() * 100,
)  # fmt: skip


def name_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Give the files of a command an odd name; sometimes they are not there."""
    name = os.fsdecode(_STEMS[index % len(_STEMS)])
    there = random.random() < 0.8
    commands = [_evaluate, _evaluate, _errors, _tune, _detect, _inspect, _experiment, _corpus]
    # A report takes seconds.
    renamed, arguments, outputs = (_report if random.random() < 0.03 else random.choice(commands))(f"./{name}")
    for source, target in renamed.items():
        material.take(folder, source)
        if there:
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            (folder / source).rename(folder / target)
    bad = None if b"\n" in os.fsencode(name) or os.fsencode(name) == b"\xff" else False
    names = (name.strip()[:8], repr(name)[1:5], "not there", "/", "\\")
    kept = outputs if arguments[0] == "detect" else ()
    return Case(
        arguments,
        f"{arguments[0]} {name!r}{'' if there else ', not there'}",
        bad if there else True,
        outputs,
        kept,
        names,
    )


def _scored(name: str):
    """What is renamed for a command that scores, and how it is told."""
    renamed = {"scores.hdf5": f"{name}.hdf5", "truth.tsv": f"{name}.tsv", "durations.tsv": f"d/{name}.tsv"}
    return renamed, (f"{name}.hdf5", "--ground-truth", f"{name}.tsv", "--durations", f"d/{name}.tsv")


def _evaluate(name: str):
    renamed, inputs = _scored(name)
    outputs = ("--json", f"{name}.json", "--plot", f"{name}.png")
    return renamed, ("evaluate", *inputs, *outputs), (f"{name}.json", f"{name}.png")


def _errors(name: str):
    renamed = {"scores": f"s/{name}", "truth.tsv": f"{name}.tsv"}
    return renamed, ("errors", f"s/{name}", "--ground-truth", f"{name}.tsv", "--out", name), (name,)


def _tune(name: str):
    renamed, inputs = _scored(name)
    return renamed, ("tune", *inputs, "--method", "median", "--out", f"{name}.json"), (f"{name}.json",)


def _detect(name: str):
    renamed = {"sound.wav": f"{name}.wav", "atst.pt": f"{name}.pt", "thresholds.json": f"{name}.json"}
    options = (
        "--checkpoint",
        f"{name}.pt",
        "--threshold",
        f"{name}.json",
        "--out",
        name,
        "--format",
        "audacity",
        "--format",
        "json",
        "--format",
        "tsv",
    )
    return renamed, ("detect", f"{name}.wav", *options), (name,)


def _inspect(name: str):
    return {"atst.pt": f"{name}.pt"}, ("weights", "inspect", f"{name}.pt"), ()


def _report(name: str):
    return {"runs/small": f"runs/{name}"}, ("python", "report", f"runs/{name}"), (f"runs/{name}/report.html",)


def _experiment(name: str):
    return {"preset.yaml": f"{name}.yaml"}, ("python", "load_experiment", f"{name}.yaml"), ()


def _corpus(name: str):
    return {"corpus": name}, ("data", "mini", "check", "--root", name), ()
