"""A finished run with one file damaged, emptied, replaced or removed."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from fuzzing.case import Case
from fuzzing.material import Material
from fuzzing.trees import add_key, change_value, drop_value, odd_json

#: Without it a folder is no run; with others a page is made of what there is.
ESSENTIAL = ("config.yaml",)


def run_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Make the report of a run whose folder is not as it was."""
    material.take(folder, "runs")
    run = folder / "runs" / "small"
    suffixes = sorted({path.suffix for path in run.rglob("*") if path.is_file()})
    chosen = suffixes[index % len(suffixes)]
    path = random.choice(sorted(path for path in run.rglob("*") if path.is_file() and path.suffix == chosen))
    idea = _damage(random, path)
    name = str(path.relative_to(run))
    bad = None if path.name in ESSENTIAL else False
    return Case(
        ("python", "report", "runs/small"),
        f"{name}: {idea}",
        bad,
        ("runs/small/report.html",),
        names=("runs/small", path.name),
    )


def _damage(random: Random, path: Path) -> str:
    content = path.read_bytes()
    ways = [
        "removed",
        "emptied",
        "cut off",
        "changed bytes",
        "a folder",
        "a link to nothing",
        "other text",
        "web page",
        "not UTF-8",
        "lines",
    ]
    if path.suffix == ".json":
        ways += ["tree", "tree", "tree", "json"]
    way = random.choice(ways)
    if way in ("removed", "a folder", "a link to nothing"):
        path.unlink()
        if way == "a folder":
            path.mkdir()
        elif way == "a link to nothing":
            path.symlink_to("nothing")
        return way
    if way == "tree":
        tree = json.loads(content)
        if not tree:
            return "nothing"
        where = random.choice([change_value, drop_value, add_key])(random, tree)
        path.write_text(json.dumps(tree))
        return f"{way} {where}"
    lines = content.split(b"\n")
    random.shuffle(lines)
    changed = bytearray(content or b"x")
    for _ in range(3):
        changed[random.randrange(len(changed))] = random.randrange(256)
    path.write_bytes(
        {
            "emptied": b"",
            "cut off": content[: random.randrange(max(len(content), 1))],
            "changed bytes": bytes(changed),
            "other text": random.choice(
                [b"x", b"\n\n", b"a,b\n1,2,3,4\n", b"\0" * 50, b"null", b"[]", b'"', b",,,\n,,"]
            ),
            "web page": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
            "not UTF-8": content + b"\xff\xfe",
            "lines": b"\n".join(lines),
            "json": odd_json(random, content.decode("utf-8", "replace")),
        }[way]
    )
    return way
