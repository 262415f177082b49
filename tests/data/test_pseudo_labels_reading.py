import pickle

import h5py
import numpy as np
import pytest

from sedlab.data.pseudo_labels import read_pseudo_labels
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES


@pytest.fixture
def logits():
    values = np.random.default_rng(0).normal(0, 5, (3, 156, 27)).astype(np.float32)
    values[0, 0, :2] = (-200.0, 200.0)
    return values


def write(path, logits, names=("a", "b", "c"), classes=None, **storage):
    with h5py.File(path, "w") as file:
        file.create_dataset("filenames", data=list(names), dtype=h5py.string_dtype("utf-8"))
        file.create_dataset("strong_logits", data=logits, **storage)
        if classes is not None:
            file.attrs["classes"] = np.array(classes, dtype=object)
    return path


@pytest.mark.parametrize("storage", [{}, {"chunks": (1, 156, 27), "compression": "gzip"}])
def test_probabilities_by_clip_id(tmp_path, logits, storage):
    labels = read_pseudo_labels(write(tmp_path / "l.hdf5", logits, **storage))
    assert list(labels) == ["a", "b", "c"]
    assert "b" in labels
    assert "d" not in labels
    assert labels.classes == CLASSES
    for row, name in enumerate(labels):
        expected = 1 / (1 + np.exp(-logits[row].astype(np.float64))).T
        assert labels[name].shape == (27, 156)
        assert labels[name].dtype == np.float32
        np.testing.assert_allclose(labels[name], expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_several_clips_at_once_have_the_numbers_of_each_to_the_bit(tmp_path, logits, dtype):
    labels = read_pseudo_labels(write(tmp_path / "l.hdf5", logits.astype(dtype)))
    together = labels.stacked(["c", "a", "a"])
    assert together.flags.c_contiguous and together.dtype == np.float32
    with np.errstate(over="ignore"):
        for values, row in zip(together, (2, 0, 0), strict=True):
            np.testing.assert_array_equal(
                values, (1.0 / (1.0 + np.exp(-logits[row].astype(dtype).astype(np.float32)))).T
            )
    bad = logits.copy()
    bad[1, 3, 3] = np.nan
    labels = read_pseudo_labels(write(tmp_path / "bad.hdf5", bad))
    with pytest.raises(SedlabError, match="logits of 'b' are not finite"):
        labels.stacked(["c", "b", "a"])


def test_pickling_does_not_carry_the_logits(tmp_path, logits):
    labels = read_pseudo_labels(write(tmp_path / "l.hdf5", logits))
    expected = labels["b"]
    pickled = pickle.dumps(labels)
    assert len(pickled) < 5_000
    np.testing.assert_array_equal(pickle.loads(pickled)["b"], expected)


def test_half_precision_is_read(tmp_path, logits):
    labels = read_pseudo_labels(write(tmp_path / "l.hdf5", logits.astype(np.float16)))
    np.testing.assert_allclose(labels["b"], 1 / (1 + np.exp(-logits[1].T)), atol=5e-3)


def test_files_that_are_none_are_named(tmp_path, logits):
    with pytest.raises(SedlabError, match="no such pseudo-label file"):
        read_pseudo_labels(tmp_path / "absent.hdf5")
    (tmp_path / "text.hdf5").write_text("no")
    with pytest.raises(SedlabError, match=r"text\.hdf5: not a readable HDF5 file"):
        read_pseudo_labels(tmp_path / "text.hdf5")
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["filenames"] = [b"a"]
    with pytest.raises(SedlabError, match="no dataset 'strong_logits'"):
        read_pseudo_labels(tmp_path / "other.hdf5")


def test_shapes_names_and_values_are_checked(tmp_path, logits):
    with pytest.raises(SedlabError, match="expected \\(2 clips"):
        read_pseudo_labels(write(tmp_path / "l.hdf5", logits, names=("a", "b")))
    with pytest.raises(SedlabError, match="names a clip twice"):
        read_pseudo_labels(write(tmp_path / "l.hdf5", logits, names=("a", "b", "a")))
    with pytest.raises(SedlabError, match="26 classes"):
        read_pseudo_labels(write(tmp_path / "l.hdf5", logits, classes=CLASSES[:-1]))
    logits[1, 5, 5] = np.nan
    labels = read_pseudo_labels(write(tmp_path / "l.hdf5", logits))
    with pytest.raises(SedlabError, match="logits of 'b' are not finite"):
        labels["b"]
