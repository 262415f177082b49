"""Folders with one table of scores a clip."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from fuzzing.case import ODD_TEXTS, Case, Ideas
from fuzzing.commands import scoring
from fuzzing.material import CLASSES, CLIPS, Material
from fuzzing.table_text import Table
from fuzzing.tables import IDEAS as TABLE_IDEAS

IDEAS = Ideas()


def _change(path: Path, change) -> None:
    """Change one table of the folder."""
    table = Table.of(path.read_text(encoding="utf-8"))
    change(table)
    path.write_bytes(table.encoded())


def _some(random: Random, folder: Path) -> Path:
    return folder / f"{random.choice(CLIPS)}.tsv"


def _cell(random: Random, folder: Path, column: int, value: str) -> None:
    def change(table: Table) -> None:
        random.choice(table.rows)[column] = value

    _change(_some(random, folder), change)


@IDEAS.bad
def no_probability(random: Random, folder: Path) -> None:
    value = random.choice(
        ["1.5", "-0.1", "nan", "inf", "", "-inf", "1e400", "x", "True", "é", "0,5", "1.01", "0x1", "{a}"]
    )
    _cell(random, folder, 2 + random.randrange(len(CLASSES)), value)


@IDEAS.either
def hardly_no_probability(random: Random, folder: Path) -> None:
    _cell(random, folder, 2, random.choice(["1.0000001", "-1e-12", "1.0000000000000002", "1e-320", "-0.0", "1", "0"]))


@IDEAS.bad
def times_that_do_not_follow(random: Random, folder: Path) -> None:
    _cell(random, folder, random.randrange(2), random.choice(["-5", "nan", "inf", "1e9", "77", "x", "", "-inf"]))


@IDEAS.bad
def rows_in_another_order(random: Random, folder: Path) -> None:
    _change(_some(random, folder), lambda table: table.rows.reverse())


@IDEAS.bad
def a_row_less(random: Random, folder: Path) -> None:
    _change(_some(random, folder), lambda table: table.rows.pop(random.randrange(1, len(table.rows) - 1)))


@IDEAS.bad
def times_before_zero(random: Random, folder: Path) -> None:
    def change(table: Table) -> None:
        for row in table.rows:
            row[:2] = [repr(float(value) - 5) for value in row[:2]]

    _change(_some(random, folder), change)


@IDEAS.good
def classes_in_another_order(random: Random, folder: Path) -> None:
    def change(table: Table) -> None:
        table.header[2], table.header[3] = table.header[3], table.header[2]
        for row in table.rows:
            row[2], row[3] = row[3], row[2]

    _change(_some(random, folder), change)


@IDEAS.bad
def another_class(random: Random, folder: Path) -> None:
    def change(table: Table) -> None:
        table.header[2] = random.choice(["Cat", "", " ", "é", "[/b]"])

    _change(_some(random, folder), change)


@IDEAS.bad
def a_class_twice(random: Random, folder: Path) -> None:
    for clip in CLIPS:
        _change(folder / f"{clip}.tsv", lambda table: table.header.__setitem__(2, table.header[3]))


@IDEAS.bad
def a_class_without_name(random: Random, folder: Path) -> None:
    for clip in CLIPS:
        _change(folder / f"{clip}.tsv", lambda table: table.header.__setitem__(2, ""))


@IDEAS.good
def companions_of_macos(random: Random, folder: Path) -> None:
    for clip in CLIPS:
        (folder / f"._{clip}.tsv").write_bytes(
            b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + random.randbytes(60)
        )


@IDEAS.good
def other_files_beside(random: Random, folder: Path) -> None:
    (folder / ".DS_Store").write_bytes(random.randbytes(60))
    (folder / "readme.txt").write_text("hello")
    (folder / "more").mkdir()


@IDEAS.either
def a_folder_called_like_a_table(random: Random, folder: Path) -> None:
    (folder / "x.tsv").mkdir()


@IDEAS.either
def a_link_to_nothing(random: Random, folder: Path) -> None:
    (folder / "x.tsv").symlink_to(random.choice(["nothing.tsv", "x.tsv", "..", "/dev/null"]))


@IDEAS.either
def a_pipe_called_like_a_table(random: Random, folder: Path) -> None:
    os.mkfifo(folder / "x.tsv")


@IDEAS.bad
def a_clip_less(random: Random, folder: Path) -> None:
    _some(random, folder).unlink()


@IDEAS.bad
def a_clip_twice(random: Random, folder: Path) -> None:
    (folder / f"{CLIPS[0]}.wav.tsv").write_bytes((folder / f"{CLIPS[0]}.tsv").read_bytes())


@IDEAS.bad
def no_table_at_all(random: Random, folder: Path) -> None:
    for clip in CLIPS:
        (folder / f"{clip}.tsv").unlink()


@IDEAS.either
def a_name_that_is_no_text(random: Random, folder: Path) -> None:
    name = os.fsdecode(
        random.choice([b"h\xf6rspiel.tsv", b"\xff.tsv", b"a\nb.tsv", b"[b].tsv", b"{a}.tsv", b"-x.tsv", b" .tsv"])
    )
    (folder / name).write_bytes((folder / f"{CLIPS[0]}.tsv").read_bytes())


@IDEAS.either
def an_odd_text_in_a_cell(random: Random, folder: Path) -> None:
    _cell(random, folder, random.randrange(len(CLASSES) + 2), random.choice(ODD_TEXTS))


def _as_of_other_tables(random: Random, folder: Path, index: int) -> tuple[str, bool | None]:
    idea = TABLE_IDEAS.at(index)
    path = _some(random, folder)
    table = Table.of(path.read_text(encoding="utf-8"))
    if "filename" not in table.header:
        try:
            idea.change(random, table)
        except ValueError:  # of file names
            return "nothing", False
    path.write_bytes(table.encoded())
    # Spaces belong to a class name here; other tables have columns to spare.
    strict = {
        "another column",
        "a column less",
        "a column twice",
        "a field too many",
        "another delimiter",
    }
    sure = {"windows line ends", "no last line end", "columns in another order"}
    bad = True if idea.name in strict | {"no table", "header alone", "no header"} else None
    return idea.name, False if idea.name in sure - {"columns in another order"} else bad


def score_folder_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Change a folder of scores that a scoring command reads."""
    material.take(folder, "scores", "other.hdf5", "truth.tsv", "durations.tsv")
    if index % 3 == 2:
        name, bad = _as_of_other_tables(random, folder / "scores", index // 3)
    else:
        idea = IDEAS.at(index - index // 3)
        idea.change(random, folder / "scores")
        name, bad = idea.name, idea.bad
    arguments, outputs = scoring(random, scores="scores")
    return Case(arguments, name, bad, outputs)
