import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.config.data import DataConfig
from sedlab.data.corpora.audioset import EVAL_DURATIONS, audioset_classes, display_names, merge_events, read_audioset
from sedlab.data.corpora.audioset_classes import EVAL_ONLY, label_space, published_classes
from sedlab.data.corpora.layout import SUBSETS
from sedlab.errors import SedlabError

SUBSET = SUBSETS["audioset_train"]
SPEECH, DOG = "/m/09x0r", "/m/0bt9lr"
HEADER = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"

ticks = st.integers(0, 12)
events = st.lists(
    st.tuples(st.sampled_from("xy"), ticks, st.integers(1, 4), st.sampled_from([SPEECH, DOG])), max_size=10
)


def table(rows):
    return pd.DataFrame(
        [("audioset_train", clip, on, on + length, label, 1.0) for clip, on, length, label in rows],
        columns=["subset", "clip_id", "onset", "offset", "label", "confidence"],
    ).astype({"onset": float, "offset": float})


def spans(events):
    return sorted(zip(events["clip_id"], events["label"], events["onset"], events["offset"], strict=True))


@settings(max_examples=40)
@given(events)
def test_merging_joins_what_overlaps_or_touches(rows):
    expected = []
    for clip, on, length, label in sorted(rows):
        same = [e for e in expected if e[0] == clip and e[1] == label and e[2] <= on + length and e[3] >= on]
        for event in same:
            expected.remove(event)
        starts, ends = [on, *(e[2] for e in same)], [on + length, *(e[3] for e in same)]
        expected.append((clip, label, min(starts), max(ends)))
    assert spans(merge_events(table(rows))) == sorted(expected)


@settings(max_examples=40)
@given(events)
def test_merging_twice_changes_nothing(rows):
    once = merge_events(table(rows))
    assert spans(merge_events(once)) == spans(once)


@pytest.fixture
def audioset_root(tmp_path, write_wav):
    path = tmp_path / SUBSET.table
    path.parent.mkdir(parents=True)
    rows = [
        ("s9d-2nhuJCQ_30000", 2.0, 4.0, SPEECH),
        ("s9d-2nhuJCQ_30000", 3.0, 5.0, SPEECH),
        ("b_c_0", 0.0, 1.0, DOG),
        ("d_0", 0.0, 1.0, DOG),
        ("e_0", 0.0, 1.0, DOG),
    ]
    path.write_text(HEADER + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    for name in ("s9d-2nhuJCQ_30000.wav", "Yb_c.flac", "Yd_0.wav", "e.wav"):
        write_wav(tmp_path / SUBSET.audio / name, 0.2)
    return tmp_path


def test_reads_googles_table_and_the_usual_file_names(audioset_root):
    corpus = read_audioset(audioset_root, SUBSET, DataConfig(root=audioset_root))
    assert corpus.clips["clip_id"].tolist() == ["s9d-2nhuJCQ_30000", "b_c_0", "d_0", "e_0"]
    assert [path.rsplit("/", 1)[1] for path in corpus.clips["audio"]] == [
        "s9d-2nhuJCQ_30000.wav",
        "Yb_c.flac",
        "Yd_0.wav",
        "e.wav",
    ]
    speech = corpus.events[corpus.events["label"] == SPEECH]
    assert speech[["onset", "offset"]].to_numpy().tolist() == [[2.0, 5.0]]
    assert np.allclose(corpus.clips["duration"], 0.2)


def test_label_space_is_sorted_by_display_name(audioset_root):
    corpus = read_audioset(audioset_root, SUBSET, DataConfig(root=audioset_root))
    assert audioset_classes(corpus) == (DOG, SPEECH)


def test_published_label_spaces_are_those_of_the_published_networks():
    names = display_names()
    for space, size in (("train447", 447), ("all456", 456)):
        mids = label_space(space)
        assert tuple(names[mid] for mid in mids) == published_classes(size)
    only_evaluated = {names[mid] for mid in set(label_space("all456")) - set(label_space("train447"))}
    assert only_evaluated == set(EVAL_ONLY)


def test_label_space_of_a_corpus_is_what_its_training_clips_have(audioset_root):
    corpus = read_audioset(audioset_root, SUBSET, DataConfig(root=audioset_root))
    assert label_space("present", corpus) == audioset_classes(corpus)


def test_published_durations_of_the_evaluation_clips_win_over_the_files(audioset_root):
    subset = SUBSETS["audioset_eval"]
    path = audioset_root / subset.table
    path.write_text((audioset_root / SUBSET.table).read_text())
    (audioset_root / subset.audio).symlink_to(audioset_root / SUBSET.audio)
    (audioset_root / EVAL_DURATIONS).write_text("Yb_c,9.75\ns9d-2nhuJCQ,10.0\n")
    evaluated = read_audioset(audioset_root, subset, DataConfig(root=audioset_root)).clips
    assert evaluated["duration"].tolist() == pytest.approx([10.0, 9.75, 0.2, 0.2])
    trained = read_audioset(audioset_root, SUBSET, DataConfig(root=audioset_root)).clips
    assert trained["duration"].tolist() == pytest.approx([0.2] * 4)
    (audioset_root / EVAL_DURATIONS).write_text("name,duration\nYb_c,9.75\n")
    with pytest.raises(SedlabError, match=r"eval_durations\.csv: not a table of name,seconds"):
        read_audioset(audioset_root, subset, DataConfig(root=audioset_root))


def test_unknown_mid_is_named(audioset_root):
    path = audioset_root / SUBSET.table
    path.write_text(path.read_text().replace(DOG, "/m/0bt9lx"))
    with pytest.raises(SedlabError, match=r"line 4: unknown class '/m/0bt9lx'. Did you mean '/m/0bt9lr'"):
        read_audioset(audioset_root, SUBSET, DataConfig(root=audioset_root))


def test_all_456_strong_labels_have_names():
    names = display_names()
    assert len(names) == 456
    assert names[SPEECH] == "Speech"
    assert names["/m/012ndj"] == "Fire engine, fire truck (siren)"


def test_corpus_without_audioset_says_so(corpus):
    with pytest.raises(SedlabError, match="holds no AudioSet strong clips"):
        audioset_classes(corpus)
