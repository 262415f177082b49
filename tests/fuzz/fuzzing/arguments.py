"""Options out of range, unknown names, outputs that cannot be written, consoles that cannot say everything."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from fuzzing.case import ODD_TEXTS, Case
from fuzzing.material import Material

_FILES = ("scores.hdf5", "--ground-truth", "truth.tsv", "--durations", "durations.tsv")
_COMMANDS: dict[str, tuple[str, ...]] = {
    "evaluate": ("evaluate", *_FILES),
    "compare": ("compare", "other.hdf5", *_FILES),
    "errors": ("errors", *_FILES),
    "tune": ("tune", *_FILES, "--method", "median"),
    "detect": ("detect", "sound.wav", "--checkpoint", "atst.pt"),
    "run": ("run", "nano", "--dry-run"),
    "lab": ("lab",),
    "check": ("data", "mini", "check"),
    "prepare": ("data", "mini", "prepare"),
    "list": ("weights", "list"),
    "inspect": ("weights", "inspect"),
    "mini": ("data", "mini"),
}
_LONG = "x" * 5000
_NUMBERS = ("-1", "2", "nan", "inf", "1e400", "x", "", "9" * 5000, "0x1", "1,5", " ", "-0.1", "true")

#: Command, option ("" for an argument) and values that it must refuse.
_BAD_VALUES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("evaluate", "--threshold", _NUMBERS),
    ("evaluate", "--intervals", ("-1", "x", "1.5", "nan", "9" * 5000, "", "1" * 16)),
    ("evaluate", "--confidence", ("0", "1", "nan", "inf", "x", "-1", "95")),
    ("evaluate", "--seed", ("-1", "x", "1.5", "9" * 5000, "nan")),
    ("evaluate", "--metric", ("x", "psds3", "psds1,mpauc", "PSDS1", "é", "psds1;psds2", _LONG, "[/b]")),
    ("evaluate", "--classes", ("x", "Dog,Cat", "dog", "é", "Dog;Speech", _LONG, "[/b]", "{a}")),
    ("evaluate", "--postprocess", ("x", "medium", "csebbs", "x.json", _LONG, ".", "truth.tsv", "[/b]", "scores.hdf5")),
    ("evaluate", "--json", ("truth.tsv/x", _LONG, ".", "folder", "/proc/x", "scores.hdf5", "truth.tsv", "link")),
    ("evaluate", "--plot", ("x.xyz", "folder", "truth.tsv/x.png", "x.doc")),
    ("errors", "--out", ("truth.tsv", "truth.tsv/x", _LONG, "/proc/x", "/dev/null/x", "/dev/null")),
    ("compare", "--csv", ("truth.tsv/x", "folder", "other.hdf5/x", "scores.hdf5")),
    ("tune", "--out", ("truth.tsv/x", "folder", "scores.hdf5", "x" * 300)),
    ("detect", "--threshold", (*_NUMBERS[1:], "Dog=", "=1", "Dog=x", "Cow=0.5", "x.json", "Dog=0.5=1")),
    ("detect", "--classes", ("x", "dog", "Dog;Cat")),
    ("detect", "--format", ("x", "json", "TSV", "")),
    ("detect", "--batch-size", ("0", "-1", "x", "1.5")),
    ("detect", "--out", ("sound.wav", "sound.wav/x", "x" * 300, "/proc/x", "/dev/null")),
    ("detect", "--device", ("x", "cuda", "cuda:9", "")),
    ("detect", "--network", ("x", "")),
    ("run", "--name", (".", "..", "a/b", "/x", "x" * 300, " ", ".x", "x/", "~/..", "\u202e/")),
    ("run", "--arch", ("x", "atst,x", "[/b]", _LONG, "ATST")),
    ("run", "--iterations", ("0", "-1", "x", "1.5", "9" * 30, "9" * 5000)),
    ("run", "--cores", ("0", "-1", "x", "1.5")),
    ("run", "--set", ("", "=", "x")),
    ("lab", "--port", ("x", "1.5", "", "nan")),
    ("check", "--root", ("", "nothing", "truth.tsv", _LONG, "folder", ".", "/dev/null", "[/b]", "{a}")),
    ("prepare", "--root", ("truth.tsv", "truth.tsv/x", "folder2", "x" * 300, "/dev/null")),
    ("inspect", "", ("x", "", ".", "atst_stage", "truth.tsv", _LONG, "/dev/null", "[/b]", "{a}", "folder", "é")),
    ("mini", "", ("x", "", "CHECK")),
    ("evaluate", "", ("--x", "b")),
)
_BAD = (
    *(
        (*_COMMANDS[command], *filter(None, (option,)), value)
        for command, option, values in _BAD_VALUES
        for value in values
    ),
    *(
        (),
        ("x",),
        ("--x",),
        ("data",),
        ("data", "desed", "check"),
        ("weights",),
        ("evaluate",),
        ("compare", "scores.hdf5"),
    ),
    *(("tune", *_FILES), ("errors", *_FILES), ("detect", "sound.wav"), ("detect",), ("run",), ("run", "nano", "--set")),
)

_GOOD_VALUES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("evaluate", ("--help",)),
    ("evaluate", ("--threshold", "0")),
    ("evaluate", ("--threshold", "1")),
    ("evaluate", ("--classes", " Dog , Speech ")),
    ("evaluate", ("--metric", "psds1,,psds1")),
    ("evaluate", ("--intervals", "1")),
    ("evaluate", ("--json", "new/folder/x.json")),
    ("evaluate", ("--csv", "é [b] {a}.csv")),
    ("evaluate", ("--plot", "{a}[b].png")),
    ("evaluate", ("--json", "link.json")),
    ("evaluate", ("--json", "null")),
    ("evaluate", ("--csv", "private.csv")),
    ("errors", ("--out", "[b] é")),
    ("compare", ("--intervals", "2", "--plot", "x.svg")),
    ("tune", ("--out", "a b.json", "--plot", "x.png")),
    ("detect", ("--threshold", "1")),
    ("detect", ("--out", "{a} [b]", "--format", "scores", "--plot")),
    ("detect", ("./sound.wav",)),
    ("list", ("--json", "--root", "[/b]")),
    ("list", ("--root", "nothing")),
    ("inspect", ("atst.pt",)),
)
_GOOD = (
    *((*_COMMANDS[command], *options) for command, options in _GOOD_VALUES),
    *(("--help",), ("evaluate", "./-s.hdf5", *_FILES[1:]), ("evaluate", "[red]{a}.hdf5", *_FILES[1:])),
)

#: Where the good ones write.
_OUTPUTS = (
    "new",
    "é [b] {a}.csv",
    "{a}[b].png",
    "target.json",
    "private.csv",
    "[b] é",
    "x.svg",
    "a b.json",
    "x.png",
    "{a} [b]",
    "folder2",
)


def argument_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Run a command with odd options."""
    _prepare(folder, material)
    way = index % 6
    if way == 0:
        arguments = random.choice(_GOOD)
        return Case(arguments, " ".join(arguments)[:80], False, _OUTPUTS)
    if way == 1:
        return _console_case(random)
    if way == 2:
        return _mixed_case(random)
    arguments = _BAD[(index // 6 * 3 + way - 3) % len(_BAD)]
    return Case(
        arguments,
        " ".join(arguments)[:80],
        True,
        names=(*(a[:40] for a in arguments if a.strip()), "Usage", "Missing", "Got", "option"),
    )


def _prepare(folder: Path, material: Material) -> None:
    material.take(folder, "scores.hdf5", "other.hdf5", "truth.tsv", "durations.tsv", "sound.wav", "atst.pt")
    for name in ("-s.hdf5", "[red]{a}.hdf5"):
        (folder / name).write_bytes(material.data("scores.hdf5"))
    (folder / "folder").mkdir()
    (folder / "folder2").mkdir()
    (folder / "folder2" / "mine.txt").write_text("x")
    (folder / "target.json").write_text("{}")
    (folder / "link.json").symlink_to("target.json")
    (folder / "link").symlink_to("link")
    (folder / "null").symlink_to(os.devnull)
    (folder / "private.csv").write_text("x")
    (folder / "private.csv").chmod(0o600)


def _console_case(random: Random) -> Case:
    """Write to a console that is closed, full, or of another encoding."""
    arguments = random.choice(
        [
            ("evaluate", *_FILES),
            ("weights", "list", "--root", "é"),
            ("detect", "sound.wav", "--checkpoint", "atst.pt"),
            ("--help",),
            ("weights", "inspect", "atst.pt"),
            ("weights", "list", "--json"),
            ("errors", *_FILES, "--out", "new"),
            ("compare", "other.hdf5", *_FILES, "--intervals", "2"),
        ]
    )
    stdout = random.choice(["closed", "full", "file"])
    encoding = "utf-8" if stdout != "file" else random.choice(["ascii", "latin-1", "cp1252"])
    bad = {"closed": None, "full": True, "file": False}[stdout]
    return Case(
        arguments,
        f"stdout {stdout} {encoding}: {arguments[0]}",
        bad,
        ("new",),
        kept=("new",),
        names=("output", "stdout", "space"),
        stdout=stdout,
        encoding=encoding,
    )


def _mixed_case(random: Random) -> Case:
    """Give some option of some command some text."""
    scoring = ("--threshold", "--classes", "--postprocess", "--ground-truth")
    numbers = ("--intervals", "--confidence", "--seed", "--metric", "--durations")
    commands = {
        _COMMANDS["evaluate"]: (*scoring, *numbers),
        _COMMANDS["compare"]: (*scoring, *numbers),
        (*_COMMANDS["errors"], "--out", "new"): (*scoring, "--against"),
        _COMMANDS["detect"]: ("--threshold", "--classes", "--postprocess", "--format", "--batch-size", "--checkpoint"),
        _COMMANDS["check"]: ("--root",),
        (*_COMMANDS["inspect"], "atst.pt"): ("--root",),
    }
    command = random.choice(list(commands))
    option, text = random.choice(commands[command]), random.choice([text for text in ODD_TEXTS if "\0" not in text])
    return Case(
        (*command, option, text),
        f"{command[0]} {option} {text[:40]!r}",
        None,
        ("new",),
        names=(option, text.strip()[:40], "no such", "Got"),
    )
