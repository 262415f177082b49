"""Options out of range, unknown names, outputs that cannot be written, consoles that cannot say everything."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from fuzzing.case import ODD_TEXTS, Case
from fuzzing.material import Material

_FILES = ("scores.hdf5", "--ground-truth", "truth.tsv", "--durations", "durations.tsv")
_NUMBERS = ("-1", "2", "nan", "inf", "1e400", "x", "", "9" * 5000, "0x1", "1,5", " ", "٣", "-0.1", "1_0", "true")
_BAD = (
    *((("evaluate", *_FILES, "--threshold", value)) for value in _NUMBERS if value != "1_0"),
    *((("evaluate", *_FILES, "--intervals", value)) for value in ("-1", "x", "1.5", "nan", "9" * 5000, "", "10" * 8)),
    *((("evaluate", *_FILES, "--confidence", value)) for value in ("0", "1", "nan", "inf", "x", "-1", "95")),
    *((("evaluate", *_FILES, "--seed", value)) for value in ("-1", "x", "1.5", "9" * 5000, "nan")),
    *((("evaluate", *_FILES, "--metric", value)) for value in ("x", "psds3", "psds1,mpauc", "PSDS1", "é",
    "psds1;psds2", "x" * 5000, "[/b]")),
    *((("evaluate", *_FILES, "--classes", value)) for value in ("x", "Dog,Cat", "dog", "é", "Dog;Speech",
    "x" * 5000, "[/b]", "{a}")),
    *((("evaluate", *_FILES, "--postprocess", value)) for value in ("x", "medium", "csebbs", "x.json", "x" * 5000,
    ".", "truth.tsv", "[/b]", "scores.hdf5")),
    *((("errors", *_FILES, "--out", value)) for value in ("truth.tsv", "truth.tsv/x", "x" * 5000, "/proc/x",
    "/dev/null/x", "/dev/null")),
    *((("evaluate", *_FILES, "--json", value)) for value in ("truth.tsv/x", "x" * 5000, ".", "folder", "/proc/x",
    "scores.hdf5", "truth.tsv", "link")),
    *((("evaluate", *_FILES, "--plot", value)) for value in ("x.xyz", "x", "folder", ".png", "x.png/y", "x.doc")),
    *((("compare", "scores.hdf5", *_FILES, "--csv", value)) for value in ("truth.tsv/x", "folder", "other.hdf5/x",
    "scores.hdf5")),
    *((("tune", *_FILES, "--method", "median", "--out", value)) for value in ("truth.tsv/x", "folder",
    "scores.hdf5", "x" * 300)),
    *((("detect", "sound.wav", "--checkpoint", "atst.pt", "--threshold", value)) for value in ("x", "2", "-1",
    "nan", "Dog=", "=1", "Dog=x", "Cow=0.5", "x.json", "Dog=0.5=1", "9" * 5000, "")),
    *((("detect", "sound.wav", "--checkpoint", "atst.pt", "--classes", value)) for value in ("x", "dog", "Dog;Cat")),
    *((("detect", "sound.wav", "--checkpoint", "atst.pt", "--format", value)) for value in ("x", "json", "TSV", "")),
    *((("detect", "sound.wav", "--checkpoint", "atst.pt", "--batch-size", value)) for value in ("0", "-1", "x", "1.5")),
    *((("detect", "sound.wav", "--checkpoint", "atst.pt", "--out", value)) for value in ("sound.wav", "sound.wav/x",
    "x" * 300, "/proc/x", "/dev/null")),
    *((("detect", "sound.wav", "--checkpoint", "atst.pt", "--device", value)) for value in ("x", "cuda", "cuda:9", "")),
    *((("detect", "sound.wav", "--checkpoint", "atst.pt", "--network", value)) for value in ("x", "")),
    *((("run", "nano", "--dry-run", "--name", value)) for value in ("", ".", "..", "a/b", "/x", "x" * 300, "a\nb",
    " ", ".x", "x/", "~/..", "-", "\u202e/")),
    *((("run", "nano", "--dry-run", "--arch", value)) for value in ("x", "atst,x", "[/b]", "x" * 5000, "ATST")),
    *((("run", "nano", "--dry-run", "--iterations", value)) for value in ("0", "-1", "x", "1.5", "9" * 30, "9" * 5000)),
    *((("run", "nano", "--dry-run", "--cores", value)) for value in ("0", "-1", "x", "1.5")),
    *((("lab", "--port", value)) for value in ("x", "1.5", "", "nan")),
    *((("data", "mini", "check", "--root", value)) for value in ("", "nothing", "truth.tsv", "x" * 5000, "folder",
    ".", "/dev/null", "[/b]", "{a}")),
    *((("data", "mini", "prepare", "--root", value)) for value in ("truth.tsv", "truth.tsv/x", "folder2", "x" * 300,
    "/proc/x", "/dev/null")),
    *((("data", "mini", value)) for value in ("x", "", "CHECK")),
    *((("weights", "inspect", value)) for value in ("x", "", ".", "atst_stage", "truth.tsv", "x" * 5000,
    "/dev/null", "[/b]", "{a}", "folder", "é")),
    *((("weights", "list", "--root", value)) for value in ("truth.tsv/x",)),
    (), ("x",), ("evaluate",), ("evaluate", "a", "b", "c"), ("--x",), ("evaluate", *_FILES, "--x"), ("evaluate",
    *_FILES[:1]), ("data",), ("weights",),
    ("data", "desed", "check"), ("compare", "scores.hdf5"), ("tune", *_FILES), ("errors", *_FILES), ("detect",
    "sound.wav"), ("detect",), ("run",), ("run", "nano", "--set"),
)  # fmt: skip

_GOOD = (
    ("--help",), ("evaluate", "--help"), ("evaluate", *_FILES, "--threshold", "0"), ("evaluate", *_FILES,
    "--threshold", "1"), ("weights", "list", "--root", "nothing"),
    ("evaluate", *_FILES, "--classes", " Dog , Speech "), ("evaluate", *_FILES, "--metric", "psds1,,psds1"),
    ("evaluate", *_FILES, "--intervals", "1"),
    ("evaluate", *_FILES, "--json", "new/folder/x.json"), ("evaluate", *_FILES, "--csv", "é [b] {a}.csv"),
    ("evaluate", *_FILES, "--plot", "{a}[b].png"),
    ("evaluate", *_FILES, "--json", "link.json"), ("evaluate", *_FILES, "--json", "null"), ("evaluate", *_FILES,
    "--csv", "private.csv"),
    ("errors", *_FILES, "--out", "[b] é"), ("compare", "other.hdf5", *_FILES, "--intervals", "2", "--plot", "x.svg"),
    ("tune", *_FILES, "--method", "median", "--out", "a b.json", "--plot", "x.png"), ("detect", "sound.wav",
    "--checkpoint", "atst.pt", "--threshold", "1"),
    ("detect", "sound.wav", "--checkpoint", "atst.pt", "--out", "{a} [b]", "--format", "scores", "--plot"),
    ("detect", "./sound.wav", "sound.wav", "--checkpoint", "./atst.pt"),
    ("weights", "list", "--json", "--root", "[/b]"), ("weights", "inspect", "atst.pt"), ("evaluate", "./-s.hdf5",
    *_FILES[1:]), ("evaluate", "[red]{a}.hdf5", *_FILES[1:]),
)  # fmt: skip

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
    arguments = _BAD[(index - index // 6) % len(_BAD)]
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
    commands = {
        ("evaluate", *_FILES): ("--threshold", "--intervals", "--confidence", "--seed", "--metric", "--classes",
        "--postprocess", "--ground-truth", "--durations"),
        ("compare", "other.hdf5", *_FILES): ("--threshold", "--intervals", "--confidence", "--seed", "--metric",
        "--classes", "--postprocess"),
        ("errors", *_FILES, "--out", "new"): ("--against", "--threshold", "--classes", "--postprocess",
        "--ground-truth"),
        ("detect", "sound.wav", "--checkpoint", "atst.pt"): ("--threshold", "--classes", "--postprocess",
        "--format", "--batch-size", "--network", "--checkpoint"),
        ("data", "mini", "check"): ("--root",),
        ("weights", "inspect", "atst.pt"): ("--root",),
    }  # fmt: skip
    command = random.choice(list(commands))
    option, text = random.choice(commands[command]), random.choice([text for text in ODD_TEXTS if "\0" not in text])
    return Case(
        (*command, option, text),
        f"{command[0]} {option} {text[:40]!r}",
        None,
        ("new",),
        names=(option, text.strip()[:40] or option, "Got"),
    )
