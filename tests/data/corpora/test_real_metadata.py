"""The published tables are read completely, as they are and as people pass them on."""

import gzip
import hashlib
import os
import re
from pathlib import Path

import pandas as pd
import pytest
import soundfile

from sedlab.data.corpora.audioset import display_names
from sedlab.data.corpora.audioset_classes import clip_level_names, label_space
from sedlab.data.corpora.desed import read_strong, read_weak
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.load import load_corpus
from sedlab.data.corpora.video_names import video_span
from sedlab.labels import DESED_CLASSES

REAL = Path(__file__).parent / "real"
#: Published table -> its MD5, as others have them.
PUBLISHED = {
    "weak": ("weak_train", "e67c0829f5cf578545cca6eb44687f4e"),
    "validation": ("devtest", "a5f66487feaea5c5d8f028bf1ef5bd41"),
    "public_eval": ("eval_public", "b28796c87aef1bb1a8ab912129c657cc"),
}


def plain(name):
    return pd.read_csv(REAL / f"{name}.tsv", sep="\t")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A root with the real tables and a sound for each name in them: one short file under many names."""
    root = tmp_path_factory.mktemp("real")
    soundfile.write(root / "sound.wav", [0.0] * 160, 16_000)
    for name, (subset, _) in [*PUBLISHED.items(), ("unlabel_in_domain_head", ("unlabeled_train", ""))]:
        layout = SUBSETS[subset]
        (root / layout.audio).mkdir(parents=True)
        for filename in plain(name)["filename"].unique():
            os.link(root / "sound.wav", root / layout.audio / filename)
        if layout.table:
            (root / layout.table).parent.mkdir(parents=True, exist_ok=True)
            (root / layout.table).write_bytes((REAL / f"{name}.tsv").read_bytes())
        if layout.durations:
            durations = pd.DataFrame({"filename": plain(name)["filename"].unique(), "duration": 10.0})
            durations.to_csv(root / layout.durations, sep="\t", index=False)
    return load_corpus(root)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_tables_are_those_that_were_published(name):
    assert hashlib.md5((REAL / f"{name}.tsv").read_bytes()).hexdigest() == PUBLISHED[name][1]


def test_all_clips_and_events_are_there_class_by_class(corpus):
    for name, subset in {"validation": "devtest", "public_eval": "eval_public"}.items():
        table, part = plain(name), corpus.subset(subset)
        assert len(part) == table["filename"].nunique() == {"devtest": 1168, "eval_public": 692}[subset]
        assert part.events["label"].value_counts().to_dict() == table["event_label"].value_counts().to_dict()
        events = table.dropna().assign(clip_id=table["filename"].str.removesuffix(".wav"))
        for column in ("clip_id", "onset", "offset"):
            assert part.events[column].tolist() == events[column].tolist()
    assert len(corpus.subset("devtest").events) == 4224 and len(corpus.subset("eval_public").events) == 2765
    labels = plain("weak")["event_labels"].str.split(",").explode()
    weak = corpus.subset("weak_train", "weak_val")
    own = weak.events[weak.events["label"].isin(DESED_CLASSES)]
    assert own["label"].value_counts().to_dict() == labels.value_counts().to_dict()
    counts = corpus.clips["subset"].value_counts()
    assert (counts["weak_train"], counts["weak_val"], counts["unlabeled_train"]) == (1420, 158, 1999)


def test_every_name_tells_its_part_of_a_video():
    for name in ("weak", "validation", "public_eval", "unlabel_in_domain_head"):
        for filename in plain(name)["filename"].unique():
            video_id, start, end = re.fullmatch(r"Y?(.{11})_([\d.]+)_([\d.]+)\.wav", filename).groups()
            span = video_span(filename.removesuffix(".wav"))
            assert (span.video_id, span.start, span.end) == (video_id, float(start), float(end))


def test_the_lists_of_audioset_classes_are_whole():
    assert len(display_names()) == 456 and len(label_space("train447")) == 447 and len(clip_level_names()) == 527


#: How a table may look that went through other hands: its bytes from its text.
HANDS = {
    "carriage returns": lambda text: text.replace("\n", "\r\n").encode(),
    "old Macintosh": lambda text: text.replace("\n", "\r").encode(),
    "Excel": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "mark": lambda text: text.encode("utf-8-sig"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "semicolons": lambda text: text.replace("\t", ";").encode(),
    "quotes and commas": lambda text: re.sub(r"[^\t\n]+", r'"\g<0>"', text).replace("\t", ",").encode(),
    "other columns": lambda text: re.sub("^filename(.*)event_(label)", r"File\1\2", text).encode(),
    "paths of Windows": lambda text: re.sub(r"^(?=Y)", r"D:\\data\\audio\\", text, flags=re.MULTILINE).encode(),
    "other formats": lambda text: text.replace(".wav", ".flac").encode(),
    "no formats": lambda text: text.replace(".wav", "").encode(),
    "blanks": lambda text: text.replace("\t", " \t ").replace("\n", " \n\n").encode(),
    "words": lambda text: re.sub(r"(?<=[\t,])Dog\b", "DOG", text).replace("Running_water", "running water").encode(),
}


@pytest.mark.parametrize("hands", HANDS)
@pytest.mark.parametrize(("name", "read"), [("validation", read_strong), ("weak", read_weak)])
def test_tables_that_went_through_other_hands_say_the_same(tmp_path, name, read, hands):
    subset = SUBSETS[PUBLISHED[name][0]]
    path = tmp_path / subset.table
    path.parent.mkdir(parents=True)
    # Every tenth row; which ones does not matter.
    header, *rows = (REAL / f"{name}.tsv").read_text().splitlines(keepends=True)
    text = "".join([header, *rows[::10]])
    path.write_text(text)
    expected = read(tmp_path, subset, DESED_CLASSES)
    path.write_bytes(HANDS[hands](text))
    for before, after in zip(expected, read(tmp_path, subset, DESED_CLASSES), strict=True):
        pd.testing.assert_frame_equal(before, after)
