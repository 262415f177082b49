"""Label files of several programs say the same, or say what is wrong with them."""

import pytest

from sedlab.data.importing.label_files import read_labels
from sedlab.data.importing.record import ImportOptions
from sedlab.errors import SedlabError

EVENTS = [("dog.wav", 0.5, 1.25, "bark"), ("dog.wav", 62.0, 63.5, "wind, far"), ("sub/cat.wav", 1.0, 2.0, "meow")]
RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tBegin File\tFile Offset (s)\tSpecies\n"
    "1\tWaveform 1\t1\t0.5\t1.25\t0\tdog.wav\t0.5\tbark\n"
    "1\tSpectrogram 1\t1\t0.5\t1.25\t0\tdog.wav\t0.5\tbark\n"
    "2\tSpectrogram 1\t1\t62.0\t63.5\t0\tdog.wav\t62.0\twind, far\n"
    "3\tSpectrogram 1\t1\t101.0\t102.0\t0\tsub/cat.wav\t1.0\tmeow\n"
    "3\tSpectrogram 1\t2\t101.0\t102.0\t0\tsub/cat.wav\t1.0\tmeow\n"
    "4\tSpectrogram 1\t2\t103.0\t104.0\t0\tsub/cat.wav\t3.0\t\n"
)
WRITTEN = {
    "desed.tsv": "filename\tonset\toffset\tevent_label\n"
    + "".join("\t".join(map(str, event)) + "\n" for event in EVENTS),
    "one.csv": "\ufeffSound File,Start Time (s),End,class,rater\r\n"
    + "".join(f'{f},{a},{b},"{label}",me\r\n' for f, a, b, label in EVENTS),
    "semicolons.csv": "path;begin;duration;Tag\n"
    "dog.wav;0.5;0.75;bark\ndog.wav;1:02;1.5;wind, far\nsub/cat.wav;1;1;meow\n",
    "ms.csv": "file,start_ms,end_ms,label\n"
    + "".join(f'{f},{a * 1000:.0f},{b * 1000:.0f},"{label}"\n' for f, a, b, label in EVENTS),
    "raven.txt": RAVEN,
}


def read(*paths, **options):
    return read_labels(ImportOptions(folder=paths[0].parent, labels=paths, **options))


def events(annotations):
    rows = [a.rows[["recording", "onset", "offset", "label"]].itertuples(index=False, name=None) for a in annotations]
    return [row for table in rows for row in table]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_format_says_the_same(tmp_path, name):
    path = tmp_path / name
    path.write_text(WRITTEN[name], encoding="utf-8")
    assert events(read(path)) == EVENTS


def test_columns_of_any_name_can_be_told(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("a,b,c,d,onset\ndog.wav,1,2,bark,7\n")
    columns = {"filename": "A", "onset": "b", "offset": "c", "label": "d"}
    assert events(read(path, columns=columns)) == [("dog.wav", 1.0, 2.0, "bark")]
    with pytest.raises(SedlabError, match=r"no column 'e' for label; found 'a', 'b'"):
        read(path, columns=columns | {"label": "e"})
    with pytest.raises(SedlabError, match=r"first line has 'a', 'b', .* --column onset=START"):
        read(path, columns={"filename": "a"})


def test_label_tracks_of_audacity_are_of_the_recordings_they_are_named_after(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "dog_labels.txt").write_text("0.500000\t1.250000\tbark\n\\\t100.0\t2000.0\n62\t63.5\twind, far\n")
    (tmp_path / "sub/cat.wav.txt").write_text("1.0\t2.0\tmeow\n")
    (tmp_path / "silent.txt").write_text("")
    (tmp_path / "README.txt").write_text("Labels of my recordings.\nBy me.\n")
    with pytest.warns(UserWarning, match="1 text file is no labels, left out"):
        found = events(read(tmp_path))
    assert [row for row in found if row[3]] == [(f.removesuffix(".wav"), a, b, la) for f, a, b, la in EVENTS[:2]] + [
        ("sub/cat.wav", 1.0, 2.0, "meow")
    ]
    assert [row[0] for row in found if not row[3]] == ["silent"]


def test_points_are_refused_unless_a_length_is_given(tmp_path):
    path = tmp_path / "dog.txt"
    path.write_text("1.0\t1.0\tbark\n3.0\t3.2\tbark\n")
    with pytest.raises(SedlabError, match=r"dog.txt, line 1: a point at 1 s.*--min-length 0.5"):
        read(path)
    assert events(read(path, min_length=0.5)) == [("dog", 1.0, 1.5, "bark"), ("dog", 3.0, 3.5, "bark")]


def test_the_annotation_column_of_raven_is_found_or_asked_for(tmp_path):
    path = tmp_path / "dog.Table.1.selections.txt"
    head = "Selection\tBegin Time (s)\tEnd Time (s)\tQuality\tBird\n"
    path.write_text(head + "1\t0.5\t1.0\tgood\twren\n")
    with pytest.raises(SedlabError, match=r"'Quality', 'Bird'.*--label-column"):
        read(path)
    assert events(read(path, label_column="bird")) == [("dog", 0.5, 1.0, "wren")]


def test_weak_labels_have_no_times(tmp_path):
    path = tmp_path / "weak.csv"
    path.write_text("filename,labels\na.wav,bark;meow\nb.wav,\n")
    (found,) = read(path)
    assert found.is_weak and found.rows[["recording", "label"]].values.tolist() == [
        ["a.wav", "bark"],
        ["a.wav", "meow"],
        ["b.wav", ""],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename\tonset\toffset\tlabel\na\t1,5\t2\tx\n", r"line 2: 'onset' '1,5' is no time in seconds. Write 1.5"),
        ("filename\tonset\toffset\tlabel\na\t3\t2\tx\n", r"line 2: an event from 3 to 2 s"),
        ("filename\tonset\toffset\tlabel\na\t1\t\tx\n", r"line 2: an event without end"),
        ("filename\tonset\toffset\tlabel\na\t1\t2\t\n", r"line 2: an event without label"),
        ("0.5\t1.0\tbark\n2.0\t1.0\tbark\n", r"line 2: an event from 2 to 1 s"),
        ("0.5\t1.0\t\n", r"line 1: a label without text"),
        ("<!doctype html>", r"web page"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, message):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(SedlabError, match=message):
        read(path)
