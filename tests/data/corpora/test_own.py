"""One's own recordings: their classes alone, or after those of the task where other corpora lie beside them."""

import shutil

import numpy as np
import pytest

from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.fingerprint import Fingerprint
from sedlab.data.corpora.layout import OWN_CLASSES, OWN_SUBSETS, SUBSETS
from sedlab.data.corpora.load import load_corpus
from sedlab.data.corpora.own import label_space_of, read_own_classes, write_own_classes
from sedlab.data.dataset import SedDataset
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, DCASE

LABELS = ("Whistle", "Speech", "Drill")
TABLES = {
    "own_train": "filename\tonset\toffset\tevent_label\na.wav\t0.5\t1.5\tSpeech\nb.wav\t0.1\t0.3\tDrill\n",
    "own_weak": "filename\tevent_labels\nw1.wav\tSpeech,Whistle\nw2.wav\tDrill\n",
    "own_val": "filename\tonset\toffset\tevent_label\nv.wav\t0.5\t1.5\tWhistle\n",
    "own_test": "filename\tonset\toffset\tevent_label\nt.wav\t0.5\t1.5\tDrill\nempty.wav\t\t\t\n",
}
CLIPS = {"own_train": "ab", "own_weak": ("w1", "w2"), "own_unlabeled": "u", "own_val": "v", "own_test": ("t", "empty")}


@pytest.fixture
def add_own(write_wav):
    """Return a function that puts own recordings under a data root."""

    def add(root):
        for name, text in TABLES.items():
            path = root / SUBSETS[name].table
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name, clips in CLIPS.items():
            for clip in clips:
                write_wav(root / SUBSETS[name].audio / f"{clip}.wav", 0.5)
        write_own_classes(root, LABELS)
        return root

    return add


def test_own_recordings_alone_have_their_own_classes(add_own, tmp_path):
    corpus = load_corpus(add_own(tmp_path))
    assert corpus.subsets == OWN_SUBSETS
    assert corpus.classes == LABELS
    assert corpus.subset("own_val").space == corpus.space == label_space_of(tmp_path)
    kinds = corpus.clips.groupby("subset", sort=False)[["group", "split", "label_kind"]].first()
    assert kinds.loc["own_weak"].tolist() == ["weak", "train", "weak"]
    assert kinds.loc["own_test"].tolist() == ["strong", "test", "strong"]
    # Every weak clip is trained on: no part of them validates.
    assert corpus.subset("own_weak").clips["clip_id"].tolist() == ["w1", "w2"]
    assert sorted(corpus.subset("own_weak").events["label"]) == ["Drill", "Speech", "Whistle"]
    # No alias of DESED is given to them.
    assert set(corpus.subset("own_train").events["label"]) == {"Speech", "Drill"}


def test_beside_the_task_s_corpora_own_classes_come_after_the_27(add_own, root):
    before = load_corpus(root)
    assert before.space is DCASE
    assert Fingerprint(root).label_space() == {}
    corpus = load_corpus(add_own(root))
    digest = Fingerprint(root).label_space()[OWN_CLASSES]
    assert corpus.classes == (*CLASSES, "Whistle", "Drill")
    assert corpus.events[corpus.events["subset"].isin(before.subsets)].reset_index(drop=True).equals(before.events)

    def valid(family):
        return [corpus.classes[k] for k in np.flatnonzero(corpus.space.valid(family, training=True))]

    assert valid("own") == ["Speech", "Whistle", "Drill"]
    assert valid("desed") == [*CLASSES[:11], CLASSES[12]]
    # Without the others, what was trained for their classes too is out of date.
    for folder in {SUBSETS[name].audio_folder(root) for name in before.subsets}:
        shutil.rmtree(folder)
    assert label_space_of(root).classes == LABELS
    assert Fingerprint(root).label_space()[OWN_CLASSES] != digest


def test_training_on_both_masks_by_family_and_shares_outputs_of_one_name(add_own, root):
    corpus = load_corpus(add_own(root)).subset("synth_train", "own_train", "own_weak", "maestro_train")
    batch = SedDataset(corpus, WaveformCache.build(corpus), training=True).batch(range(len(corpus)))
    assert batch.classes == corpus.classes and batch.targets.mask.shape == (len(corpus), 29)
    told = dict(zip(batch.clip_ids, batch.targets.mask.numpy(), strict=True))
    assert np.flatnonzero(told["a"]).tolist() == np.flatnonzero(told["w1"]).tolist() == [8, 27, 28]
    assert np.flatnonzero(told["1"]).tolist() == [*range(10), 10, 12]
    assert np.flatnonzero(told["city_center_00-000000-001000"]).tolist() == [3, 8, *range(10, 27)]
    # Speech is one output, whoever marked it.
    frames = dict(zip(batch.clip_ids, batch.targets.strong.numpy().any(axis=2), strict=True))
    assert np.flatnonzero(frames["a"]).tolist() == [8]
    assert frames["1"][8]
    weak = dict(zip(batch.clip_ids, batch.targets.weak.numpy(), strict=True))
    assert np.flatnonzero(weak["w1"]).tolist() == [8, 27]


def test_audioset_beside_own_recordings_adds_no_classes(add_own, tmp_path, write_wav):
    table = tmp_path / SUBSETS["audioset_train"].table
    table.parent.mkdir(parents=True)
    table.write_text("segment_id\tstart_time_seconds\tend_time_seconds\tlabel\nab_0\t0.0\t0.2\t/m/09x0r\n")
    write_wav(tmp_path / SUBSETS["audioset_train"].audio / "ab_0.wav", 0.5)
    assert load_corpus(add_own(tmp_path)).classes == LABELS


def test_labels_outside_the_list_are_named(add_own, tmp_path):
    add_own(tmp_path)
    write_own_classes(tmp_path, LABELS[:2])
    with pytest.raises(SedlabError, match=r"own/train.tsv, line 3: unknown class 'Drill'"):
        load_corpus(tmp_path)
    (tmp_path / OWN_CLASSES).unlink()
    with pytest.raises(SedlabError, match=r"classes.txt: not there; it names the classes of own/"):
        load_corpus(tmp_path)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "names no class"),
        ("Dog\n\nCat\n", "line 2: an empty name"),
        ("Dog\nBell, no\n", "line 2: 'Bell, no', with a comma"),
        ("Dog\nCat\nDog\n", "line 3: 'Dog' a second time"),
        ("all\n", "line 1: 'all', which stands for all classes"),
        ("Do\x07g\n", "line 1: .*characters no name has"),
    ],
)
def test_lists_of_classes_that_cannot_be_are_refused(tmp_path, text, wrong):
    path = tmp_path / OWN_CLASSES
    path.parent.mkdir()
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    with pytest.raises(SedlabError, match=wrong):
        read_own_classes(tmp_path)
