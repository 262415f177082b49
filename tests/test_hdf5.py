"""Score files as they come from anywhere: what leads out of the file, is not there, or is not what was written."""

import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from container import without_locks
from shell import python

from sedlab.data.pseudo_labels import read_pseudo_labels
from sedlab.data.teacher_logits import read_teacher_logits, write_teacher_logits
from sedlab.errors import SedlabError
from sedlab.scoring.scores.file import ScoreFile, read_score_file, write_score_file

CLASSES = ("Dog", "Cat, small")
TIMES = np.arange(5) * 0.5
NAMES = ["a", "b", 'c" é', b"caf\xe9".decode("utf-8", "surrogateescape")]
LOGITS = np.random.default_rng(0).normal(0, 4, (4, 4, 2)).astype(np.float32)
SCORES = ScoreFile(NAMES, LOGITS, CLASSES, TIMES, {"model": "atst", "epoch": 3, "teacher": True, "note": ""})


@pytest.fixture
def written(tmp_path):
    write_score_file(tmp_path / "scores.hdf5", SCORES)
    return tmp_path / "scores.hdf5"


def published(path, logits=LOGITS, **storage):
    """Write a file as others do: no checksums, text of any length."""
    with h5py.File(path, "w") as file:
        file.create_dataset("filenames", data=["a", "b", "c", "d"], dtype=h5py.string_dtype())
        file.create_dataset("strong_logits", data=logits, **storage)
        file.attrs["classes"] = np.array(CLASSES, dtype=object)
        file.attrs["frame_times"] = TIMES
    return path


def content(path):
    scores = read_score_file(path)
    labels = read_pseudo_labels(path)
    read = [labels[name].tobytes() for name in labels]
    return scores.clip_ids, scores.logits.tobytes(), scores.classes, scores.frame_times.tolist(), scores.attrs, read


def test_every_name_and_attribute_reads_back(written):
    scores = read_score_file(written)
    assert (
        scores.clip_ids == NAMES
        and scores.classes == CLASSES
        and scores.attrs == {**SCORES.attrs, "path": str(written)}
    )
    assert scores.logits.tobytes() == LOGITS.tobytes() and scores.frame_times.tolist() == TIMES.tolist()


def test_a_flipped_bit_is_found_or_changes_nothing(written):
    good, original = content(written), written.read_bytes()
    found = 0
    random = np.random.default_rng(1)
    # Every byte of the logits is looked at by a checksum of our own, all other bytes by HDF5's or ours.
    for bit in random.choice(8 * len(original), 250, replace=False).tolist():
        damaged = bytearray(original)
        damaged[bit // 8] ^= 1 << bit % 8
        written.write_bytes(damaged)
        try:
            assert content(written) == good, bit
        except SedlabError as error:
            assert str(error).startswith(str(written)) and "\n" not in str(error)
            found += 1
    assert found > 60
    place = original.index(LOGITS[2].tobytes()) + 5
    written.write_bytes(original[:place] + bytes([original[place] ^ 4]) + original[place + 1 :])
    for read in (read_score_file, lambda path: read_pseudo_labels(path)[NAMES[2]]):
        with pytest.raises(
            SedlabError, match=r"the logits of 'c\" é' are not those that were written. Delete the file"
        ):
            read(written)


def test_the_teachers_of_a_pre_training_are_guarded_too(tmp_path):
    logits = np.random.default_rng(0).normal(0, 4, (2, 3, 250)).astype(np.float16)
    path = tmp_path / "teachers.hdf5"
    write_teacher_logits(path, ["x_0", "y_0"], logits, ("/m/1", "/m/2", "/m/3"))
    original = path.read_bytes()
    place = original.index(logits[1].tobytes()) + 3
    path.write_bytes(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
    teachers = read_teacher_logits(path, ["x_0", "y_0"], ("/m/1", "/m/2", "/m/3"))
    assert teachers["x_0"].shape == (3, 250)
    with pytest.raises(SedlabError, match="the logits of 'y_0' are not those that were written"):
        teachers["y_0"]


def test_a_file_without_its_checksums_is_not_taken_for_a_published_one(written):
    for lost in ("row_checksums", "checksum"):
        path = shutil.copy(written, written.with_name(f"{lost}.hdf5"))
        with h5py.File(path, "r+") as file:
            del (file.attrs if lost == "checksum" else file)[lost]
        with pytest.raises(SedlabError, match="not a readable score file"):
            read_score_file(path)


def test_notes_that_others_add_do_no_harm(written):
    with h5py.File(written, "r+") as file:
        file.attrs["remark"] = "listened to"
        file.create_dataset("weak_logits", data=np.zeros((4, 2)))
    assert read_score_file(written).attrs["remark"] == "listened to"


def test_published_storage_is_read(tmp_path):
    for storage in ({}, {"chunks": (1, 4, 2), "compression": "gzip"}, {"dtype": "f2"}, {"dtype": ">f8"}):
        scores = read_score_file(published(tmp_path / "p.hdf5", **storage))
        np.testing.assert_allclose(scores.logits, LOGITS, atol=0.01)


def external_link(file):
    del file["strong_logits"]
    file["strong_logits"] = h5py.ExternalLink("other.hdf5", "strong_logits")


def soft_link(file):
    file["elsewhere"] = h5py.ExternalLink("other.hdf5", "/")
    del file["strong_logits"]
    file["strong_logits"] = h5py.SoftLink("/elsewhere/strong_logits")


def external_names(file):
    del file["filenames"]
    file["filenames"] = h5py.ExternalLink("other.hdf5", "filenames")


def external_storage(file):
    del file["strong_logits"]
    file.create_dataset("strong_logits", LOGITS.shape, "f4", external=[("other.hdf5", 0, LOGITS.nbytes)])


def virtual(source):
    def change(file):
        layout = h5py.VirtualLayout(LOGITS.shape, "f4")
        layout[:] = h5py.VirtualSource(source, "strong_logits", LOGITS.shape)
        del file["strong_logits"]
        file.create_virtual_dataset("strong_logits", layout)

    return change


def replaced(name, **made):
    def change(file):
        del file[name]
        file.create_dataset(name, **made)

    return change


def group(file):
    del file["strong_logits"]
    file.create_group("strong_logits")


def attribute(name, value):
    def change(file):
        file.attrs[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external_link, "'strong_logits' is a link to another place"),
        (soft_link, "'strong_logits' is a link to another place"),
        (external_names, "'filenames' is a link to another place"),
        (external_storage, "'strong_logits' lies in other files"),
        (virtual("other.hdf5"), "'strong_logits' lies in other files"),
        (virtual("absent.hdf5"), "'strong_logits' lies in other files"),
        (group, "'strong_logits' is no array"),
        (replaced("strong_logits", data=h5py.Empty("f4")), "'strong_logits' is no array"),
        (replaced("strong_logits", shape=(4, 4, 2), dtype="f4"), "'strong_logits' is not all there"),
        (replaced("strong_logits", shape=(4, 4, 2), dtype="f4", chunks=(1, 4, 2)), "'strong_logits' is not all there"),
        (
            replaced("strong_logits", shape=(10**9, 156, 27), dtype="f4", chunks=(1, 156, 27)),
            "says it has 16848000000000 b",
        ),
        (replaced("strong_logits", data=np.zeros((20, 1000, 1000), "f4"), compression=1), "says it has 80000000 bytes"),
        (replaced("strong_logits", data=LOGITS.astype(complex)), "real numbers but complex128"),
        (replaced("strong_logits", data=LOGITS.astype(int)), "real numbers but int64"),
        (replaced("strong_logits", data=LOGITS > 0), "real numbers but bool"),
        (replaced("strong_logits", data=LOGITS.astype("S4")), r"real numbers but \|S4"),
        (replaced("strong_logits", data=LOGITS[0]), "strong_logits has shape"),
        (replaced("strong_logits", data=np.float32(1)), "strong_logits has shape"),
        (replaced("filenames", data=np.arange(4)), "'filenames' is not a list of text"),
        (replaced("filenames", data=["a"], dtype=h5py.string_dtype()), "strong_logits has shape"),
        (replaced("filenames", data=list("abca"), dtype=h5py.string_dtype()), "clip 'a' occurs twice"),
        (attribute("classes", [1, 2]), "'classes' are not different names"),
        (attribute("classes", ["Dog", "Dog"]), "'classes' are not different names"),
        (attribute("classes", "Dog"), "'classes' are not different names"),
        (attribute("frame_times", TIMES[::-1]), "frame_times run backwards"),
        (attribute("frame_times", TIMES - 1), "frame_times begin at -1 s"),
        (attribute("frame_times", TIMES + 3), "frame_times begin at 3 s"),
        (attribute("frame_times", TIMES * 1e9), "frame_times go on for 2e"),
        (attribute("frame_times", [0, 0.5, 1, 1.5, np.inf]), "frame_times are not all finite"),
        (attribute("frame_times", TIMES * 1j), "'frame_times' are not numbers"),
        (attribute("frame_times", TIMES[:, None]), "frame_times are no list of boundaries"),
        (attribute("frame_times", "soon"), "'frame_times' are not numbers"),
        (attribute("frame_times", h5py.Empty("f8")), "'frame_times' are not numbers"),
    ],
)
def test_what_a_score_file_never_needs_is_refused(tmp_path, change, message):
    published(tmp_path / "other.hdf5")
    path = published(tmp_path / "scores.hdf5")
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(SedlabError, match=message) as error:
        read_score_file(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value) and len(str(error.value)) < 500


def test_text_that_says_it_is_longer_than_the_file_takes_no_memory(tmp_path):
    path = published(tmp_path / "scores.hdf5")
    with h5py.File(path) as file:
        place = file["filenames"].id.get_offset()
    damaged = bytearray(path.read_bytes())
    damaged[place + 3] = 0xFF  # the highest byte of the length of the first name: 4 GB
    path.write_bytes(damaged)
    with pytest.raises(SedlabError, match="more text than the file"):
        read_score_file(path)


def test_a_file_that_is_open_for_writing_elsewhere_says_so(written):
    code = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code, written], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(SedlabError, match="another program has it open for writing") as error:
            read_score_file(written)
        assert "delete" not in str(error.value)
    finally:
        other.communicate(b"\n")
    # The remedy.
    assert read_score_file(written).clip_ids == NAMES


def test_where_there_are_no_locks_files_are_read_as_they_are(tmp_path, written):
    code = "import sys; from sedlab import read_score_file; print(len(read_score_file(sys.argv[1]).clip_ids))"
    for error in ("ENOLCK", "ENOSYS", "EOPNOTSUPP"):
        assert python("-c", code, written, env=without_locks(tmp_path, error)) == "4\n"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "is no file"),
        (lambda path: path.write_bytes(b""), "not a readable score file"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "not a readable score file"),
        (lambda path: np.save(path.open("wb"), np.zeros(3)), "not a readable score file"),
        (lambda path: path.symlink_to(path), "links lead in a circle|no such score file"),
        (lambda path: path.symlink_to("absent"), "no such score file"),
    ],
)
def test_what_is_no_such_file_is_named(tmp_path, make, message):
    make(tmp_path / "x.hdf5")
    with pytest.raises(SedlabError, match=message):
        read_score_file(tmp_path / "x.hdf5")
