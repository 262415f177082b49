"""Logits of published teachers: class before time, found by any spelling of a clip's name."""

import pickle

import h5py
import numpy as np
import pytest

from sedlab.data.corpora.audioset_classes import label_space
from sedlab.data.teacher_logits import read_teacher_logits, write_teacher_logits
from sedlab.errors import SedlabError

SPACE = label_space("train447")
CLIPS = ["s9d-2nhuJCQ_30000", "b_c_0", "d_0", "e_0"]
NAMES = ["e", "YxxXxxxxxxxx", "Yb_c.mp3", "s9d-2nhuJCQ_30000", "Yd_0.wav"]


@pytest.fixture(scope="module")
def logits():
    values = np.random.default_rng(0).normal(0, 4, (len(NAMES), 447, 250)).astype(np.float16)
    values[0, 0, :2] = (-200, 200)
    return values


def write(path, logits, names=NAMES, **storage):
    with h5py.File(path, "w") as file:
        file["filenames"] = list(names)
        file.create_dataset("strong_logits", data=logits, **storage)
    return path


@pytest.mark.parametrize("storage", [{}, {"chunks": (1, 447, 250), "compression": "gzip"}])
def test_the_published_layout_gives_probabilities_by_clip(tmp_path, logits, storage):
    teachers = read_teacher_logits(write(tmp_path / "t.hdf5", logits, **storage), CLIPS, SPACE)
    assert list(teachers) == CLIPS and teachers.classes == SPACE and teachers.num_frames == 250
    for clip_id, row in zip(CLIPS, (3, 2, 4, 0), strict=True):
        expected = 1 / (1 + np.exp(-logits[row].astype(np.float64)))
        np.testing.assert_allclose(teachers[clip_id], expected, atol=1e-6)
        assert teachers[clip_id].dtype == np.float32


def test_columns_follow_the_classes_that_are_learnt(tmp_path, logits):
    wanted = (SPACE[400], SPACE[3])
    path = write(tmp_path / "t.hdf5", logits)
    some, everything = read_teacher_logits(path, CLIPS, wanted), read_teacher_logits(path, CLIPS, SPACE)
    np.testing.assert_array_equal(some["d_0"], everything["d_0"][[400, 3]])


def test_what_is_written_is_read_back_and_sent_to_workers_small(tmp_path, logits):
    path = tmp_path / "own.hdf5"
    write_teacher_logits(path, CLIPS, logits[:4, :3], SPACE[5:8])
    teachers = read_teacher_logits(path, CLIPS[::-1], SPACE[5:8])
    first = teachers[CLIPS[0]]
    np.testing.assert_allclose(first, 1 / (1 + np.exp(-logits[0, :3].astype(np.float64))), atol=1e-6)
    sent = pickle.dumps(teachers)
    assert len(sent) < 5_000
    np.testing.assert_array_equal(pickle.loads(sent)[CLIPS[0]], first)


def test_missing_clips_and_classes_are_counted_and_named(tmp_path, logits):
    path = write(tmp_path / "t.hdf5", logits)
    with pytest.raises(SedlabError, match=r"no teacher logits for 2 of 6 clips \(first: gone_0\)"):
        read_teacher_logits(path, [*CLIPS, "gone_0", "gone_1"], SPACE)
    with pytest.raises(SedlabError, match=r"know 447 classes, not 9 of the 456"):
        read_teacher_logits(path, CLIPS, label_space("all456"))


@pytest.mark.parametrize("shape", [(5, 250, 447), (4, 447, 250), (5, 446, 250), (5, 447, 156), (5, 447)])
def test_a_wrong_shape_is_named(tmp_path, shape):
    path = write(tmp_path / "t.hdf5", np.zeros(shape, np.float16))
    with pytest.raises(SedlabError, match=r"t\.hdf5: strong_logits has shape .*expected \(5 clips, .* classes, 250"):
        read_teacher_logits(path, CLIPS, SPACE)


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(SedlabError, match="no such file of teacher logits"):
        read_teacher_logits(tmp_path / "absent.hdf5", CLIPS, SPACE)
    (tmp_path / "text.hdf5").write_text("no")
    with pytest.raises(SedlabError, match="not a readable HDF5 file"):
        read_teacher_logits(tmp_path / "text.hdf5", CLIPS, SPACE)
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["filenames"] = ["a"]
    with pytest.raises(SedlabError, match="no dataset 'strong_logits'"):
        read_teacher_logits(tmp_path / "other.hdf5", CLIPS, SPACE)


def test_logits_that_are_no_numbers_name_the_clip(tmp_path, logits):
    broken = logits.copy()
    broken[3, 7, 9] = np.nan
    teachers = read_teacher_logits(write(tmp_path / "t.hdf5", broken), CLIPS, SPACE)
    with pytest.raises(SedlabError, match="s9d-2nhuJCQ_30000"):
        teachers[CLIPS[0]]
