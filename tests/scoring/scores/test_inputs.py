import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scoring_material import REAL, make_scores

from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import psds
from sedlab.scoring.scores.file import write_score_file
from sedlab.scoring.scores.inputs import read_durations, read_ground_truth, read_scores


def table(num_rows=4, classes=("Cat", "Dog"), value=0.5) -> pd.DataFrame:
    times = np.arange(num_rows + 1) * 0.064
    return pd.DataFrame({"onset": times[:-1], "offset": times[1:], **dict.fromkeys(classes, value)})


def write_folder(folder, **tables):
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        rows.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    return folder


def write(path, text):
    path.write_text(text.replace(" ", "\t"))
    return path


def test_published_scores_give_their_published_value(expected):
    scores = read_scores(REAL / "baseline2_run1_scores")
    truth = read_ground_truth(REAL / "metadata" / "ground_truth.tsv").select(list(scores.tables))
    durations = read_durations(REAL / "metadata" / "audio_durations.tsv")
    value = psds(CountedEvents.of(scores.tables, truth.events, durations)).overall
    assert value == pytest.approx(expected["dcase2023_baseline_paper_grid"]["psds1"], abs=1e-9)
    assert value == pytest.approx(0.26974, abs=5e-6)


def test_a_score_file_and_its_tables_hold_the_same_numbers(tmp_path):
    logits = np.random.default_rng(0).normal(0, 8, (3, 156, 27))
    write_score_file(tmp_path / "scores.hdf5", make_scores(["a", "b.c", "d"], logits))
    from_file = read_scores(tmp_path / "scores.hdf5")
    folder = write_folder(tmp_path / "tables", **from_file.tables)
    from_folder = read_scores(folder)
    assert from_file.classes == from_folder.classes == CLASSES
    assert list(from_folder.tables) == ["a", "b.c", "d"]
    for clip_id, values in from_file.tables.items():
        assert np.array_equal(values.to_numpy(), from_folder.tables[clip_id].to_numpy())


def test_columns_may_come_in_another_order(tmp_path):
    swapped = table(classes=("Dog", "Cat")).assign(Dog=0.25)
    scores = read_scores(write_folder(tmp_path / "s", a=table(), b=swapped))
    assert scores.tables["b"]["Dog"].eq(0.25).all() and tuple(scores.tables["b"].columns[2:]) == scores.classes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.assign(Dog=np.nan), r"a\.tsv, line 2: nan in column 'Dog' is not a probability"),
        (lambda rows: rows.assign(Dog=[0, 0, 2.5, 0]), r"line 4: 2\.5 in column 'Dog' is not a probability"),
        (lambda rows: rows.assign(Dog="loud"), "'Dog' does not hold numbers only"),
        (lambda rows: rows.iloc[[0, 2, 1, 3]], "line 3: this row does not follow the one before"),
        (lambda rows: rows.iloc[[0, 1, 3]], "line 4: this row does not follow"),
        (lambda rows: rows.assign(offset=rows["onset"]), "line 2: this row does not follow"),
        (lambda rows: rows.assign(onset=[0.0, np.nan, 0.128, 0.192]), "line 3: this row does not follow"),
        (lambda rows: rows.drop(columns="onset"), "not a score table .* columns offset, Cat, Dog"),
        (lambda rows: rows[["onset", "offset"]], "not a score table"),
        (lambda rows: rows.iloc[:0], r"not a score table \(0 rows"),
        (lambda rows: rows.rename(columns={"Dog": "Dig"}), r"other classes than 0good\.tsv .*'Dig'"),
    ],
)
def test_a_bad_score_table_is_named(tmp_path, change, message):
    # The good table sorts first, so that a difference of classes shows in the bad one.
    folder = write_folder(tmp_path / "scores", **{"0good": table(), "a": change(table())})
    with pytest.raises(SedlabError, match=message) as error:
        read_scores(folder)
    assert str(folder / "a.tsv") in str(error.value) and "\n" not in str(error.value)


def test_nothing_to_read_is_refused(tmp_path):
    with pytest.raises(SedlabError, match=r"holds no score tables"):
        read_scores(tmp_path)
    with pytest.raises(SedlabError, match="no such score file"):
        read_scores(tmp_path / "absent.hdf5")
    (tmp_path / "empty.tsv").write_text("")
    with pytest.raises(SedlabError, match=r"empty\.tsv: not a score table"):
        read_scores(tmp_path)
    (tmp_path / "a.tsv").mkdir()
    with pytest.raises(SedlabError, match=r"a\.tsv: is a folder"):
        read_scores(tmp_path)


@pytest.mark.parametrize(
    "row", ["0\t1\t0.1\t0.2\t0.3", "0\t1\t0.1", "0\t1\t0.1\t0\0", "0\t1\t0.1\t1.5", "0\t1\t0.1\t" + "9" * 5000]
)
def test_a_damaged_first_row_does_not_move_columns(tmp_path, row):
    (tmp_path / "a.tsv").write_text(f"onset\toffset\tCat\tDog\n{row}\n1\t2\t0.1\t0.2\n")
    with pytest.raises(SedlabError, match=r"a\.tsv"):
        read_scores(tmp_path)


def test_two_tables_of_one_clip_are_refused(tmp_path):
    folder = write_folder(tmp_path / "scores", **{"a": table(), "a.wav": table()})
    with pytest.raises(SedlabError, match="clip 'a' occurs twice"):
        read_scores(folder)


def test_ground_truth_knows_clips_without_event(tmp_path):
    path = write(
        tmp_path / "truth.tsv",
        "filename onset offset event_label\nx/a.wav 0.5 2 Dog\nb_1.0_2.0.wav   \na.wav 3 4.5 Cat\n",
    )
    truth = read_ground_truth(path)
    assert truth.clip_ids == ("a", "b_1.0_2.0") and truth.labels == ("Cat", "Dog") and not truth.soft
    assert truth.events.to_numpy().tolist() == [["a", 0.5, 2.0, "Dog", 1.0], ["a", 3.0, 4.5, "Cat", 1.0]]
    assert truth.select(["b_1.0_2.0", "c"]).clip_ids == ("b_1.0_2.0",)


def test_soft_ground_truth_keeps_its_confidence(tmp_path):
    path = write(tmp_path / "t.tsv", "filename onset offset event_label confidence\na.wav 0 1 car 0.25\nb.wav    \n")
    truth = read_ground_truth(path)
    assert truth.soft and truth.events["confidence"].tolist() == [0.25] and truth.clip_ids == ("a", "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename onset offset\na.wav 0 1\n", "no column 'event_label'"),
        ("filename onset offset event_label\na.wav 0 1 Dog\na.wav 1  Dog\n", "line 3: an incomplete event"),
        ("filename onset offset event_label\na.wav 0 1 \n", "line 2: an incomplete event"),
        ("filename onset offset event_label\na.wav   Dog\n", "line 2: an incomplete event"),
        ("filename onset offset event_label\na.wav 2 1 Dog\n", "line 2: an event that does not end after its onset"),
        ("filename onset offset event_label\na.wav 1 1 Dog\n", "does not end after its onset"),
        ("filename onset offset event_label\na.wav -1 1 Dog\n", "line 2: an event that does not end"),
        ("filename onset offset event_label\n 0 1 Dog\n", "line 2: a row without file name"),
        ("filename onset offset event_label\na.wav 0 late Dog\n", "'late' in column 'offset' is not a number"),
        ("filename onset offset event_label confidence\na.wav 0 1 car 1.5\n", "line 2: a confidence outside 0 to 1"),
        ("filename onset offset event_label confidence\na.wav 0 1 car \n", "line 2: an incomplete event"),
        ("", "the file is empty"),
    ],
)
def test_bad_ground_truth_is_refused_by_line(tmp_path, text, message):
    with pytest.raises(SedlabError, match=message):
        read_ground_truth(write(tmp_path / "truth.tsv", text))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.wav 0\n", "line 2: no positive duration"),
        ("a.wav 10\nb.wav \n", "line 3: no positive duration"),
        ("a.wav 10\na.wav 9\n", "line 3: a second, different duration"),
    ],
)
def test_bad_durations_are_refused_by_line(tmp_path, rows, message):
    with pytest.raises(SedlabError, match=message):
        read_durations(write(tmp_path / "durations.tsv", f"filename duration\n{rows}"))


def test_durations_may_repeat(tmp_path):
    path = write(tmp_path / "durations.tsv", "filename duration\na.wav 10\na.wav 10.0\nb.wav 9.5\n")
    assert read_durations(path) == {"a": 10.0, "b": 9.5}


@given(
    cells=st.lists(
        st.sampled_from(["0", "0.5", "1", "1e-300", "nan", "-0.1", "7", "inf", "", "x", "0.064"]),
        min_size=3,
        max_size=9,
    )
)
@settings(max_examples=80)
def test_any_table_is_read_or_refused_in_one_line(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("scores")
    lines = ["\t".join(cells[k : k + 3]) for k in range(0, len(cells), 3)]
    (folder / "a.tsv").write_text("\n".join(["onset\toffset\tDog", *lines]) + "\n")
    try:
        scores = read_scores(folder)
    except SedlabError as error:
        assert "\n" not in str(error) and "a.tsv" in str(error)
    else:
        values = scores.tables["a"].to_numpy()
        assert ((values[:, 2] >= 0) & (values[:, 2] <= 1)).all() and (values[:, 1] > values[:, 0]).all()
        assert (values[1:, 0] == values[:-1, 1]).all()
