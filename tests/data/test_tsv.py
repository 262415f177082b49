"""Tables as people and their programs save them: what is read as meant, and what is refused, in one line that helps."""

import gzip
import os
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedlab.data.tsv import as_probabilities, line_number, read_numbers, read_tsv, write_tsv
from sedlab.errors import SedlabError

COLUMNS = ("filename", "onset", "event_label")
TABLE = "filename\tonset\tevent_label\na.wav\t0.5\tDog\n"


def save(path, text, encoding="utf-8"):
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def read(path):
    table = read_tsv(path, COLUMNS, numbers=["onset"])
    return table.to_numpy().tolist()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_of_spreadsheets_are_read(tmp_path, encoding, newline):
    assert read(save(tmp_path / "t.tsv", TABLE.replace("\n", newline), encoding)) == [["a.wav", 0.5, "Dog"]]


def test_fields_between_quotation_marks_are_what_stands_between_them(tmp_path):
    quoted = (
        '"filename"\t"onset"\tevent_label\n"12"" mix.wav"\t"0.5"\t"Bark, dog"\n" a\tb\nc.wav"\t1\tDog\nd.wav\tx\tDog\n'
    )
    with pytest.raises(SedlabError, match=r"line 5: 'x' in column 'onset' is not a number"):
        read(save(tmp_path / "t.tsv", quoted))
    assert read(save(tmp_path / "t.tsv", quoted.replace("\tx\t", "\t2\t"))) == [
        ['12" mix.wav', 0.5, "Bark, dog"],
        [" a\tb\nc.wav", 1.0, "Dog"],
        ["d.wav", 2.0, "Dog"],
    ]


def test_quotation_marks_within_a_field_are_text(tmp_path):
    names = ['12" mix.wav', '"open.wav', '"loud" one.wav', 'end".wav', '"']
    rows = "".join(f"{name}\t1\tDog\n" for name in names)
    assert [row[0] for row in read(save(tmp_path / "t.tsv", f"filename\tonset\tevent_label\n{rows}"))] == names


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1), min_size=1))
def test_what_is_written_reads_back_as_it_was(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("written") / "t.tsv"
    # Names that are not UTF-8 come from the file system with surrogates for their bytes.
    names = [*names, '12" mix.wav', " a.wav ", os.fsdecode(b"caf\xe9.wav")]
    write_tsv(path, pd.DataFrame({"filename": [_as_on_disk(name) for name in names], "onset": 0.1}))
    table = read_tsv(path, ("filename", "onset"), numbers=["onset"], any_bytes=True)
    assert table["filename"].tolist() == [_as_on_disk(name) for name in names]
    assert (table["onset"] == 0.1).all()


def _as_on_disk(name):
    return name.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            TABLE.replace("\t", ",").replace(",event", ";event"),
            "no column 'filename'; found 'filename,onset;event_label'",
        ),
        (TABLE.replace("\t", ",").replace("0.5", "0,5"), "line 2 has 4 fields where there are 3 columns"),
        (TABLE.replace("\t", ";").replace("0.5", "0,5"), "'0,5' in column 'onset' is not a number. Write 0.5 with a"),
        (TABLE.replace("onset", "start\tBegin"), "columns 'start' and 'Begin' may both be 'onset'. Name the right one"),
        (TABLE.replace("\t", "   "), "spaces between them: save it as tab-separated"),
        (TABLE.encode("utf-16-le"), "line 1: holds NUL characters.* Save the table as UTF-8"),
        (TABLE.replace("a.w", "a\0w"), "line 2: holds NUL characters"),
        (TABLE.replace("a.wav", "é.wav").encode("latin-1"), r"line 2: not UTF-8 text \(byte 0xe9\). Save"),
        (b"\xff\xfea", "not UTF-16 text"),
        (b"\x1f\x8b\x08\x00", "what gzip compressed is damaged or cut short. Copy the file again"),
        (gzip.compress(TABLE.encode(), mtime=0)[:-12], "what gzip compressed is damaged or cut short"),
        (gzip.compress(b"PK\3\4\0\0", mtime=0), "is no table but a spreadsheet or a zip archive"),
        (b"PK\3\4\0\0", "is no table but a spreadsheet or a zip archive. Save the table as text"),
        (b"<!DOCTYPE html>", "is no table but a web page"),
        ("version https://git-lfs.github.com/spec/v1", "is no table but the pointer of Git LFS"),
        (TABLE + "\ufeff" + TABLE, "line 3: holds an invisible byte order mark"),
        (TABLE.replace("\n", "\t" * 10**6 + "\n"), "has 1000003 columns, more than 10000"),
        (TABLE.replace("onset", "filename "), "column 'filename' occurs twice. Remove or rename"),
        (TABLE.replace("Dog", "Dog\tCat"), "line 2 has 4 fields where there are 3 columns"),
        (f"{TABLE}b.wav\t1\tDog\tCat\n", "line 3 has 4 fields where there are 3 columns"),
        ("\n\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        ("\nfilename\tonset\tevent_label\na.wav\t0.5\tDog\n", "line 2 has 3 fields where there are 1 columns"),
        (TABLE.replace("0.5", "0,5"), r"line 2: '0,5' in column 'onset' is not a number. Write 0.5 with a point"),
        (TABLE.replace("0.5", "9" * 5000), r"line 2: '9{39}\.\.\.9+' in column 'onset' is not a number"),
        (TABLE.replace("0.5", "1e999"), "'1e999' in column 'onset' is not a number"),
    ],
)
def test_other_tables_are_refused_with_line_and_remedy(tmp_path, content, message):
    with pytest.raises(SedlabError, match=message) as error:
        read(save(tmp_path / "t.tsv", content))
    assert str(error.value).startswith(str(tmp_path / "t.tsv")) and len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "header",
    [
        "File Name\tStart-Time\tLabel",
        "audio_filename\tOnset\tEVENT_LABEL",
        "filename,start,class",
        '"file";"begin";"Event Label"',
        "filename\tonset\tevent_label",
    ],
)
def test_columns_by_other_names_and_with_commas_or_semicolons_between_are_read(tmp_path, header):
    separator = next(one for one in ("\t", ";", ",") if one in header)
    text = f"{header}\n" + separator.join(("a.wav", "0.5", '"Dog"')) + "\n"
    assert read(save(tmp_path / "t.tsv", text)) == [["a.wav", 0.5, "Dog"]]


def test_the_very_name_of_a_column_wins_over_others_that_may_be_meant(tmp_path):
    text = "file\tfilename\tstart\tonset\tevent_label\nb.wav\ta.wav\t9\t0.5\tDog\n"
    assert read(save(tmp_path / "t.tsv", text)) == [["a.wav", 0.5, "Dog"]]


def test_compressed_tables_are_read_under_either_name(tmp_path):
    save(tmp_path / "packed.tsv", gzip.compress(TABLE.encode("utf-16")))
    save(tmp_path / "t.tsv.gz", gzip.compress(TABLE.encode()))
    for name in ("packed.tsv", "t.tsv.gz", "t.tsv"):
        assert read(tmp_path / name) == [["a.wav", 0.5, "Dog"]]
    save(tmp_path / "t.tsv", TABLE.replace("Dog", "Cat"))
    assert read(tmp_path / "t.tsv") == [["a.wav", 0.5, "Cat"]]


def test_tabs_behind_the_last_field_do_no_harm(tmp_path):
    assert read(save(tmp_path / "t.tsv", TABLE.replace("Dog", "Dog\t\t"))) == [["a.wav", 0.5, "Dog"]]


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "folder.tsv").mkdir()
    (tmp_path / "link.tsv").symlink_to("lost.tsv")
    for path, message in {
        tmp_path / "folder.tsv": "is a folder",
        tmp_path / "absent.tsv": "no such table",
        tmp_path / "link.tsv": "links to lost.tsv, which is not there. Correct the link",
        tmp_path / f"{'x' * 5000}.tsv": "File name too long. Choose a shorter name",
        tmp_path / "a\0b.tsv": "not a file name",
        "/dev/zero": "is no file with an end",
    }.items():
        with pytest.raises(SedlabError, match=message) as error:
            read(path)
        assert len(str(error.value)) < 600


def test_a_table_of_numbers_has_the_columns_of_its_first_line(tmp_path):
    names, values = read_numbers(save(tmp_path / "t.tsv", '"onset"\tBark, "low"\t"A ""b"""\n0\t1e-3\t"1"\n'))
    assert names == ("onset", 'Bark, "low"', 'A "b"') and values.tolist() == [[0, 0.001, 1]]
    for text, message in {
        "a\tb\n1\t2\t3\n": "line 2 has 3 fields where there are 2 columns",
        "a\tb\n1\t2\n1\t2\t3\n": "line 3 has 3 fields where there are 2 columns",
        "a\tb\n1\n": "line 2: 1 fields where line 1 has 2",
        "a\ta \n1\t2\n": "column 'a' occurs twice",
        "a\tb\n1\tx\n": "column 'b' does not hold numbers only",
    }.items():
        with pytest.raises(SedlabError, match=re.escape(message)):
            read_numbers(save(tmp_path / "t.tsv", text))


def test_rounding_beyond_0_and_1_is_taken_back():
    assert as_probabilities(np.array([1.0000001, -1e-7, 0.25])).tolist() == [1, 0, 0.25]
    assert as_probabilities(np.array([1.5, -0.1])).tolist() == [1.5, -0.1]


def test_line_numbers_skip_blank_lines(tmp_path):
    table = read_tsv(save(tmp_path / "t.tsv", "filename\na\n\nb\n"), ("filename",))
    assert [line_number(index) for index in table.index] == [2, 4]
