"""Tuned parameters, thresholds and records of downloads: JSON that people edit or mix up."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from fuzzing.case import Case
from fuzzing.material import Material
from fuzzing.trees import add_key, change_value, drop_value, odd_json


def _changed(random: Random, text: str) -> tuple[bytes, str, bool | None]:
    """Return a changed JSON text, what was done, and whether it is bad."""
    how = random.randrange(8)
    if how == 0:
        return ("\n " + text.replace(",", ",\n\t") + "\n\n").encode(), "other spaces", False
    if how < 4:
        return odd_json(random, text), "odd text", True
    tree = json.loads(text)
    idea = random.choice([change_value, change_value, drop_value, add_key])
    where = idea(random, tree)
    # json writes nan and infinity, which JSON lacks, and lone surrogates as escapes.
    return json.dumps(tree).encode(), f"{idea.__name__} at {where}", None


def json_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Change a JSON file that a command reads."""
    name = ("csebbs.json", "median.json", "thresholds.json", "record")[index % 4]
    if name == "record":
        return _record_case(random, folder)
    content, idea, bad = _changed(random, material.text(name))
    (folder / name).write_bytes(content)
    if name == "thresholds.json":
        material.take(folder, "sound.wav", "atst.pt")
        arguments = ("detect", "sound.wav", "--checkpoint", "atst.pt", "--threshold", name)
        # An empty mapping leaves all thresholds as they are.
        return Case(arguments, f"{name}: {idea}", None if content == b"{}" else bad)
    material.take(folder, "scores.hdf5", "other.hdf5", "truth.tsv", "durations.tsv")
    files = ("--ground-truth", "truth.tsv", "--durations", "durations.tsv", "--postprocess", name)
    arguments, outputs = random.choice(
        [
            (("evaluate", "scores.hdf5", *files, "--json", "out.json"), ("out.json",)),
            (("errors", "scores.hdf5", *files, "--out", "errors"), ("errors",)),
            (("compare", "other.hdf5", "scores.hdf5", *files, "--intervals", "5"), ()),
        ]
    )
    return Case(arguments, f"{name}: {idea}", bad, outputs)


def _record_case(random: Random, folder: Path) -> Case:
    """Change the record of a downloaded file, or the file."""
    good = {
        "file": "atst_stage2.ckpt",
        "size": 20,
        "sha256": "",
        "url": "http://127.0.0.1/x",
        "date": "2026-01-01T00:00:00+00:00",
    }
    (folder / "weights").mkdir()
    content, idea, _ = _changed(random, json.dumps(good))
    file = folder / "weights" / "atst_stage2.ckpt"
    file.write_bytes(random.randbytes(random.choice([0, 20, 21])))
    file.with_name("atst_stage2.ckpt.json").write_bytes(content)
    arguments = random.choice(
        [
            ("weights", "list", "--root", "weights"),
            ("weights", "list", "--root", "weights", "--verify", "--json"),
            ("weights", "download", "atst_stage2", "--root", "weights", "--mirror", "{url}"),
            ("weights", "inspect", "atst_stage2", "--root", "weights"),
        ]
    )
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    return Case(
        arguments,
        f"record: {idea}",
        None,
        ("weights",),
        kept=("weights",),
        answer=answer,
        names=("weights/", "atst_stage2"),
    )
