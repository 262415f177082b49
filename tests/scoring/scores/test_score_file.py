import h5py
import numpy as np
import pytest
from scoring_material import make_scores

from sedlab.data.pseudo_labels import read_pseudo_labels
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.scoring.scores.file import ScoreFile, read_score_file, write_score_file


@pytest.fixture
def scores() -> ScoreFile:
    rng = np.random.default_rng(0)
    return make_scores(["b", "a", "ünïcode-1_0.5"], rng.normal(0, 4, (3, 156, 27)), model="atst", commit="abc", epoch=3)


def test_round_trip_keeps_every_bit(tmp_path, scores):
    path = tmp_path / "folder" / "devtest.hdf5"
    write_score_file(path, scores)
    read = read_score_file(path)
    assert read.clip_ids == scores.clip_ids
    assert read.logits.dtype == np.float32 and np.array_equal(read.logits, scores.logits)
    assert read.classes == scores.classes
    assert np.array_equal(read.frame_times, scores.frame_times)
    assert read.attrs == {**scores.attrs, "path": str(path)}


def test_other_label_spaces_and_grids_are_kept(tmp_path):
    classes = tuple(f"label {k}" for k in range(456))
    scores = ScoreFile(["x"], np.zeros((1, 250, 456), np.float32), classes, np.arange(251) * 0.04)
    write_score_file(tmp_path / "a.hdf5", scores)
    read = read_score_file(tmp_path / "a.hdf5")
    assert read.classes == classes and read.frame_times[-1] == pytest.approx(10.0)


def test_published_file_without_attributes_is_read(tmp_path, scores):
    path = tmp_path / "weak_train.hdf5"
    with h5py.File(path, "w") as file:
        file["strong_logits"] = scores.logits
        file.create_dataset("filenames", data=scores.clip_ids, dtype=h5py.string_dtype())
    read = read_score_file(path)
    assert read.clip_ids == scores.clip_ids and read.classes == CLASSES
    assert read.frame_times[-1] == pytest.approx(9.984) and len(read.frame_times) == 157


def test_training_reads_what_was_written(tmp_path, scores):
    path = tmp_path / "devtest.hdf5"
    write_score_file(path, scores)
    labels = read_pseudo_labels(path)
    assert np.allclose(labels["a"].T, scores.probabilities[1], atol=1e-6)


def test_select_follows_the_asked_order(scores):
    assert np.array_equal(scores.select(["a", "b"]).logits, scores.logits[[1, 0]])
    part = scores.select(["a", "b"], ["car", "Cat"])
    assert part.classes == ("car", "Cat")
    assert np.array_equal(part.logits, scores.logits[[1, 0]][:, :, [CLASSES.index("car"), CLASSES.index("Cat")]])
    with pytest.raises(SedlabError, match=r"no scores for 1 of 2 clips \(first: 'c'\)"):
        scores.select(["a", "c"])


def test_one_clip_is_read_alone_and_checked(tmp_path, scores):
    path = tmp_path / "a.hdf5"
    write_score_file(path, scores)
    name = scores.clip_ids[-1]
    read, selected = read_score_file(path, name), read_score_file(path).select([name])
    assert np.array_equal(read.logits, selected.logits)
    assert (read.clip_ids, read.classes, read.attrs) == (selected.clip_ids, selected.classes, selected.attrs)
    with pytest.raises(SedlabError, match=r"no scores for 1 of 1 clips .first: 'elsewhere'"):
        read_score_file(path, "elsewhere")

    with h5py.File(path, "r+") as file:
        file["strong_logits"][-1, 0, 0] += 1
    assert np.array_equal(read_score_file(path, scores.clip_ids[0]).logits[0], scores.logits[0])
    with pytest.raises(SedlabError, match="damaged"):
        read_score_file(path, name)


def test_large_logits_keep_different_probabilities(scores):
    logits = np.array([17.0, 18.0, 25.0, 30.0], np.float32).reshape(1, 4, 1)
    probabilities = ScoreFile(["a"], logits, ("x",), np.arange(5.0)).probabilities
    assert len(np.unique(probabilities)) == 4


@pytest.mark.parametrize("dataset", ["filenames", "strong_logits"])
def test_file_without_a_dataset_is_refused_by_name(tmp_path, scores, dataset):
    path = tmp_path / "scores.hdf5"
    write_score_file(path, scores)
    with h5py.File(path, "a") as file:
        del file[dataset]
    with pytest.raises(SedlabError, match=rf"scores\.hdf5: no dataset '{dataset}'"):
        read_score_file(path)


@pytest.mark.parametrize("shape", [(3, 27, 156), (3, 156, 10), (2, 156, 27), (3, 156)])
def test_wrong_shape_is_refused(tmp_path, scores, shape):
    path = tmp_path / "scores.hdf5"
    with h5py.File(path, "w") as file:
        file["strong_logits"] = np.zeros(shape, np.float32)
        file.create_dataset("filenames", data=scores.clip_ids, dtype=h5py.string_dtype())
    with pytest.raises(SedlabError, match=r"scores\.hdf5: strong_logits has shape .* expected \(3, 156, 27\)"):
        read_score_file(path)


@pytest.mark.parametrize("kept", [0.0, 0.2, 0.6, 0.999])
def test_truncated_file_is_one_line_with_a_remedy(tmp_path, scores, kept):
    path = tmp_path / "scores.hdf5"
    write_score_file(path, scores)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(SedlabError, match=r"scores\.hdf5: not a readable score file.*delete it") as caught:
        read_score_file(path)
    assert "\n" not in str(caught.value)


def test_missing_file_and_foreign_content_are_refused(tmp_path):
    with pytest.raises(SedlabError, match="no such score file"):
        read_score_file(tmp_path / "absent.hdf5")
    (tmp_path / "text.hdf5").write_text("filename\tonset\n")
    with pytest.raises(SedlabError, match=r"text\.hdf5: not a readable score file"):
        read_score_file(tmp_path / "text.hdf5")
    with h5py.File(tmp_path / "numbers.hdf5", "w") as file:
        file["filenames"] = np.arange(3)
        file["strong_logits"] = np.zeros((3, 156, 27))
    with pytest.raises(SedlabError, match=r"numbers\.hdf5: 'filenames' is not a list of text"):
        read_score_file(tmp_path / "numbers.hdf5")


def test_diverged_logits_are_not_written(tmp_path, scores):
    scores.logits[1, 5, 2] = np.nan
    with pytest.raises(SedlabError, match=r"not finite for 1 of 3 clips \(first: a\)"):
        write_score_file(tmp_path / "scores.hdf5", scores)
    assert not list(tmp_path.iterdir())


def test_repeated_clip_is_refused(tmp_path, scores):
    scores.clip_ids[0] = "a"
    with pytest.raises(SedlabError, match="clip 'a' occurs twice"):
        write_score_file(tmp_path / "scores.hdf5", scores)
