"""Ground truth, durations and corpus tables: cells, columns, encodings, delimiters, quoting."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

from fuzzing.case import ODD_TEXTS, Case, Ideas
from fuzzing.commands import scoring
from fuzzing.material import CLIPS, Material
from fuzzing.table_text import Table

IDEAS = Ideas()


@IDEAS.good
def bom(random: Random, table: Table) -> None:
    table.bom = True


@IDEAS.good
def windows_line_ends(random: Random, table: Table) -> None:
    table.line_end = table.end = "\r\n"


@IDEAS.good
def compressed(random: Random, table: Table) -> None:
    table.content = gzip.compress(table.encoded())


@IDEAS.good
def no_last_line_end(random: Random, table: Table) -> None:
    table.end = ""


@IDEAS.good
def spaces_around_cells(random: Random, table: Table) -> None:
    table.rows = [[f" {cell}  " for cell in row] for row in table.rows]
    table.header = [f"{name} " for name in table.header]


@IDEAS.good
def another_column(random: Random, table: Table) -> None:
    table.header.append(random.choice(["note", "confidence_of_me", "Unnamed: 0", "x" * 300]))
    for row in table.rows:
        row.append(random.choice(["", 'a "quoted" word', "é", "1,5", "nan"]))


@IDEAS.good
def columns_in_another_order(random: Random, table: Table) -> None:
    order = list(range(len(table.header)))
    random.shuffle(order)
    table.header = [table.header[k] for k in order]
    table.rows = [[row[k] for k in order] for row in table.rows]


@IDEAS.good
def other_ways_to_write_numbers(random: Random, table: Table) -> None:
    way = random.choice(["{:+.6f}", "{:.9e}", "{:010.4f}", "{:.20f}", "{:.6E}"])
    for row in table.rows:
        for k in table.number_columns():
            row[k] = way.format(float(row[k]))


@IDEAS.good
def paths_before_file_names(random: Random, table: Table) -> None:
    k = table.header.index("filename")
    for row in table.rows:
        row[k] = random.choice([row[k].removesuffix(".wav"), row[k]])


@IDEAS.good
def rows_in_another_order(random: Random, table: Table) -> None:
    random.shuffle(table.rows)


@IDEAS.either
def duplicate_rows(random: Random, table: Table) -> None:
    table.rows += [list(random.choice(table.rows)) for _ in range(3)]


@IDEAS.either
def excel_quotes(random: Random, table: Table) -> None:
    table.rows = [[f'"{cell}"' for cell in row] for row in table.rows]
    if random.random() < 0.5:
        table.header = [f'"{cell}"' for cell in table.header]


@IDEAS.either
def a_quotation_mark_in_a_name(random: Random, table: Table) -> None:
    row = random.choice(table.rows)
    row[table.header.index("filename")] = random.choice(['12" mix.wav', '"', "'a.wav", '""', 'a"b"c.wav'])


@IDEAS.either
def unicode_of_windows(random: Random, table: Table) -> None:
    table.encoding = random.choice(["utf-16", "utf-16-le", "utf-32"])


@IDEAS.bad
def bytes_that_are_no_unicode(random: Random, table: Table) -> None:
    table.rows[0][table.header.index("filename")] = "hörspiel.wav"
    table.encoding = random.choice(["latin-1", "cp850", "mac_roman"])


@IDEAS.bad
def another_delimiter(random: Random, table: Table) -> None:
    table.delimiter = random.choice(["|", "  ", "\x1f"])


@IDEAS.bad
def a_column_less(random: Random, table: Table) -> None:
    k = random.choice([k for k, name in enumerate(table.header) if name != "confidence"])
    del table.header[k]
    for row in table.rows:
        del row[k]


@IDEAS.bad
def a_column_twice(random: Random, table: Table) -> None:
    k = random.randrange(len(table.header))
    table.header.append(random.choice([table.header[k], table.header[k] + " ", "\u00a0" + table.header[k]]))
    for row in table.rows:
        row.append(row[k])


@IDEAS.bad
def no_header(random: Random, table: Table) -> None:
    table.header = table.rows.pop(0)


@IDEAS.good
def header_in_other_letters(random: Random, table: Table) -> None:
    table.header = [random.choice([str.upper, str.title])(name) for name in table.header]


@IDEAS.bad
def header_alone(random: Random, table: Table) -> None:
    table.rows = []


@IDEAS.bad
def no_table(random: Random, table: Table) -> None:
    table.content = random.choice(
        [
            b"",
            b"\n\n\n",
            b" ",
            b"\xef\xbb\xbf",
            b"\x00" * 64,
            random.randbytes(200),
            gzip.compress(table.encoded())[:-9],
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
            b"<!DOCTYPE html>\n<html><body>404</body></html>\n",
            b"\t\t\t\t\n" * 5,
            b"PK\x03\x04" + random.randbytes(100),
        ]
    )


@IDEAS.bad
def a_number_that_is_none(random: Random, table: Table) -> None:
    odd = [text for text in ODD_TEXTS if text.strip() not in ("", "1e-400", "1_000") and "\t" not in text]
    row = random.choice(table.rows)
    row[random.choice(table.number_columns())] = random.choice([text for text in odd if text != "9" * 5000])


@IDEAS.bad
def a_number_missing(random: Random, table: Table) -> None:
    random.choice(table.rows)[random.choice(table.number_columns())] = random.choice(["", " ", "\u00a0"])


@IDEAS.either
def a_huge_number(random: Random, table: Table) -> None:
    value = random.choice(["9" * 5000, "1e308", "1e18", "1_000", "1e-400", "0." + "3" * 5000, "٣"])
    random.choice(table.rows)[table.number_columns()[-1]] = value


@IDEAS.bad
def a_field_too_many(random: Random, table: Table) -> None:
    row = random.choice([table.rows[0], random.choice(table.rows)])
    row.insert(random.randint(0, len(row)), random.choice(["1.0", "x", "0"]))


@IDEAS.bad
def a_field_too_few(random: Random, table: Table) -> None:
    row = random.choice(table.rows)
    del row[random.randrange(1, len(row)) :]
    if len(table.header) > 2:
        row.append("0.25")


@IDEAS.bad
def no_file_name(random: Random, table: Table) -> None:
    random.choice(table.rows)[table.header.index("filename")] = random.choice(["", " ", "\u00a0"])


@IDEAS.bad
def an_event_that_ends_first(random: Random, table: Table) -> None:
    row = random.choice(table.rows)
    low, high = random.choice([("-1", "0"), ("0", "0"), ("2", "1"), ("-inf", "inf"), ("0", "-0.5"), ("nan", "nan")])
    for k, value in zip(table.number_columns(), (low, high)[-len(table.number_columns()) :], strict=True):
        row[k] = value


@IDEAS.either
def a_name_of_another_clip(random: Random, table: Table) -> None:
    k = table.header.index("filename")
    random.choice(table.rows)[k] = random.choice(["other.wav", "../clip_0.wav", "clip_0.WAV", "x" * 5000,
        "clip\u202e_1.wav", ".wav", "[/b]", "{a}"])  # fmt: skip


@IDEAS.either
def an_odd_text(random: Random, table: Table) -> None:
    row = random.choice(table.rows)
    row[random.randrange(len(row))] = random.choice(ODD_TEXTS)


@IDEAS.either
def a_nul(random: Random, table: Table) -> None:
    row = random.choice(table.rows)
    k = random.randrange(len(row))
    row[k] = row[k][:1] + "\0" + row[k][1:]


@IDEAS.either
def changed_bytes(random: Random, table: Table) -> None:
    content = bytearray(table.encoded())
    for _ in range(random.randint(1, 4)):
        content[random.randrange(len(content))] = random.randrange(256)
    table.content = bytes(content)


@IDEAS.either
def cut_off(random: Random, table: Table) -> None:
    content = table.encoded()
    table.content = content[: random.randrange(len(content))]


@IDEAS.either
def times_far_outside(random: Random, table: Table) -> None:
    factor = random.choice([1000.0, 1e-6, 1e9])
    for row in table.rows:
        for k in table.number_columns():
            row[k] = repr(float(row[k]) * factor)


@IDEAS.either
def many_columns(random: Random, table: Table) -> None:
    table.header += [f"c{k}" for k in range(3000)]
    table.rows = [row + ["0"] * 3000 for row in table.rows]


def table_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Change the ground truth or the durations of a scoring command."""
    name = random.choice(["truth.tsv", "durations.tsv"])
    idea = IDEAS.at(index)
    if idea.name == "header alone" and name == "durations.tsv":
        name = "truth.tsv"
    table = Table.of(material.text(name))
    if name == "durations.tsv" and idea.change is an_event_that_ends_first:
        table.rows[random.randrange(len(CLIPS))][1] = random.choice(["0", "-1", "nan", "-inf", "inf", "0.0", "-0"])
    else:
        idea.change(random, table)
    material.take(folder, "scores.hdf5", "other.hdf5", "truth.tsv", "durations.tsv")
    (folder / name).write_bytes(table.encoded())
    arguments, outputs = scoring(random)
    return Case(arguments, f"{name}: {idea.name}", idea.bad, outputs, kept=outputs if "errors" in outputs else ())


def corpus_table_case(random: Random, index: int, folder: Path, material: Material) -> Case:
    """Change a table of a corpus."""
    from sedlab.data.corpora.layout import SUBSETS

    subset = SUBSETS["devtest"]
    name = random.choice([subset.table, subset.table, subset.durations])
    idea = IDEAS.at(index)
    material.take(folder, "corpus")
    path = folder / "corpus" / name
    table = Table.of(path.read_text(encoding="utf-8"))
    idea.change(random, table)
    path.write_bytes(table.encoded())
    command = random.choice([("data", "mini", "check", "--root", "corpus"), ("python", "load_corpus", "corpus")])
    # Sound files say how long clips are that the table of durations lacks. Events of no length are in published sets.
    unsure = name == subset.durations or ["0", "0"] in [row[1:3] for row in table.rows]
    bad = None if idea.bad and unsure else idea.bad
    return Case(command, f"{name}: {idea.name}", bad, names=("corpus/",))
