"""Corpora whose labels follow decisions or a corrected table, and files that cannot be followed."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sedlab.config.data import DataConfig
from sedlab.data.corpora.load import load_corpus
from sedlab.data.dataset import SedDataset
from sedlab.data.review.corrected import corrected_events, effective
from sedlab.data.review.corrections import corrections_digest, own_events, with_corrections
from sedlab.data.review.decisions import Decision, empty_table, with_decision, write_decisions
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES


def events(*rows, clip="a"):
    table = pd.DataFrame([("s", clip, on, off, label, 1.0) for on, off, label in rows])
    return table.set_axis(["subset", "clip_id", "onset", "offset", "label", "confidence"], axis=1)


def decided(*rows):
    table = empty_table()
    for what, label, onset, offset, decision, *new in rows:
        moved = dict(zip(("new_onset", "new_offset"), new, strict=False))
        table = with_decision(table, Decision("s", "a", onset, offset, label, what, decision, **moved))
    return table


def left(table):
    return [(row.onset, row.offset, row.label) for row in table.itertuples()]


BEFORE = [(1.0, 2.0, "Dog"), (3.0, 5.0, "Dog"), (3.0, 4.0, "Speech")]


@pytest.mark.parametrize(
    ("decision", "after"),
    [
        (("reference", "Dog", 1.0, 2.0, "right"), BEFORE),
        (("reference", "Dog", 1.0, 2.0, "wrong"), BEFORE[1:]),
        (("reference", "Dog", 1.0004, 2.0, "wrong"), BEFORE[1:]),
        (("reference", "Dog", 3.0, 5.0, "moved", 3.5, 4.5), [BEFORE[0], (3.5, 4.5, "Dog"), BEFORE[2]]),
        (("reference", "Dog", 1.0, 2.0, "unsure"), BEFORE),
        (("missed", "Cat", 6.0, 7.0, "right"), [*BEFORE, (6.0, 7.0, "Cat")]),
        (("missed", "Cat", 6.0, 7.0, "wrong"), BEFORE),
        (("detection", "Dog", 6.0, 7.0, "right"), [*BEFORE, (6.0, 7.0, "Dog")]),
        # Somebody has marked it already, with boundaries of his own.
        (("detection", "Dog", 3.2, 7.0, "right"), BEFORE),
        (("detection", "Dog", 3.2, 7.0, "wrong"), BEFORE),
        (("detection", "Dog", 3.2, 7.0, "moved", 3.2, 6.0), [BEFORE[0], BEFORE[2], (3.2, 6.0, "Dog")]),
        (("suspect", "Dog", 1.0, 2.0, "wrong"), BEFORE[1:]),
        (("suspect", "Dog", 1.0, 2.0, "right"), BEFORE),
        (("suspect", "Dog", 1.0, 2.0, "moved", 2.1, 2.9), [*BEFORE[1:], (2.1, 2.9, "Dog")]),
        (("suspect", "Cat", 1.0, 2.0, "right"), [*BEFORE, (1.0, 2.0, "Cat")]),
        (("clip", "", np.nan, np.nan, "wrong"), BEFORE),
    ],
)
def test_what_a_decision_does(decision, after):
    assert left(corrected_events(events(*BEFORE), decided(decision))) == after


def test_a_suspect_at_the_times_of_a_label_is_that_label_and_the_last_decision_counts():
    suspect, moved = ("suspect", "Dog", 1.0, 2.0, "wrong"), ("reference", "Dog", 1.0, 2.0, "moved", 1.2, 2.0)
    assert left(corrected_events(events(*BEFORE), decided(suspect, moved))) == [(1.2, 2.0, "Dog"), *BEFORE[1:]]
    assert left(corrected_events(events(*BEFORE), decided(moved, suspect))) == BEFORE[1:]
    kept = decided(suspect, ("reference", "Dog", 1.0, 2.0, "right"))
    assert left(corrected_events(events(*BEFORE), kept)) == BEFORE and effective(kept).empty


def test_labels_of_clips_are_dropped_and_added_without_times():
    nan = float("nan")
    told = decided(("reference", "Dog", nan, nan, "wrong"), ("suspect", "Cat", 1.0, 2.0, "right"))
    found = corrected_events(events((nan, nan, "Dog"), (nan, nan, "Speech")), told, weak=True)
    assert list(found["label"]) == ["Speech", "Cat"] and found["onset"].isna().all()


def test_a_clip_without_any_event_gets_one():
    found = corrected_events(events(*BEFORE, clip="other"), decided(("missed", "Cat", 6.0, 7.0, "right")))
    assert list(found["clip_id"]) == ["other"] * 3 + ["a"] and found["subset"].eq("s").all()


def test_an_event_that_is_not_there_is_an_error():
    with pytest.raises(SedlabError, match=r"s has no Dog from 1.5 to 2 s in a. Its table has changed"):
        corrected_events(events(*BEFORE), decided(("reference", "Dog", 1.5, 2.0, "wrong")))


@pytest.fixture
def corpus(nano):
    return nano[0]


def a_strong_event(corpus, label="Speech"):
    own = own_events(corpus, "strong_train")
    return own[own["label"] == label].iloc[0]


def review(path, *made):
    table = empty_table()
    for decision in made:
        table = with_decision(table, decision)
    write_decisions(path, table)
    return path


def test_training_targets_come_from_the_corrections(nano, tmp_path):
    corpus, cache = nano
    event = a_strong_event(corpus)
    place = ("strong_train", event["clip_id"])
    path = review(
        tmp_path / "review.tsv",
        Decision(*place, event["onset"], event["offset"], "Speech", "reference", "wrong"),
        Decision(*place, 0.64, 1.28, "Blender", "missed", "right"),
    )
    config = DataConfig(root=corpus.root, corrections=path)
    targets = {}
    for name, one in (("before", corpus), ("after", load_corpus(corpus.root, config))):
        part = one.subset("strong_train")
        assert len(part) == len(corpus.subset("strong_train"))
        index = list(part.clips["clip_id"]).index(event["clip_id"])
        targets[name] = SedDataset(part, cache, training=True)[index].targets.strong
    before, after = targets["before"], targets["after"]
    blender = after[CLASSES.index("Blender")]
    assert blender[10:20].all()
    # Speech is doubled under MAESTRO's name for it, and both are gone.
    frame = int((event["onset"] + event["offset"]) / 2 / 0.064)
    for label in ("Speech", "people talking"):
        assert before[CLASSES.index(label), frame] == 1
        assert after[CLASSES.index(label)].sum() < before[CLASSES.index(label)].sum()
    others = [k for k, label in enumerate(CLASSES) if label not in ("Speech", "people talking", "Blender")]
    np.testing.assert_array_equal(before[others], after[others])


def test_only_the_splits_that_are_named_are_corrected(corpus, tmp_path):
    event = own_events(corpus, "devtest").iloc[0]
    times = (event["onset"], event["offset"], event["label"])
    path = review(tmp_path / "r.tsv", Decision("devtest", event["clip_id"], *times, "reference", "wrong"))
    config = DataConfig(root=corpus.root, corrections=path)
    with pytest.warns(UserWarning, match="rows about devtest are left out"):
        same = with_corrections(corpus, config)
    pd.testing.assert_frame_equal(same.events, corpus.events)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        changed = with_corrections(corpus, config.model_copy(update={"corrected_splits": ("test",)}))
    assert len(changed.events) == len(corpus.events) - 1


def test_a_corrected_table_replaces_the_events_of_the_clips_it_names(corpus, tmp_path):
    own = own_events(corpus, "strong_train")
    clip_ids = list(dict.fromkeys(own["clip_id"]))
    path = tmp_path / "corrected.tsv"
    path.write_text(
        f"filename\tonset\toffset\tevent_label\n{clip_ids[0]}.wav\t1.5\t2.5\tCat\n{clip_ids[1]}.wav\t\t\t\n"
    )
    found = own_events(with_corrections(corpus, DataConfig(root=corpus.root, corrections=path)), "strong_train")
    assert left(found[found["clip_id"] == clip_ids[0]]) == [(1.5, 2.5, "Cat")]
    assert not (found["clip_id"] == clip_ids[1]).any()
    rest = ~own["clip_id"].isin(clip_ids[:2])
    assert left(found[~found["clip_id"].isin(clip_ids[:2])]) == left(own[rest])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "filename\tonset\toffset\tevent_label\n{clip}.wav\t1\t2\tSpech\n",
            "line 2: unknown class 'Spech'. Did you mean",
        ),
        ("filename\tonset\toffset\tevent_label\nnobody.wav\t1\t2\tDog\n", "line 2: 'nobody' is no labelled clip"),
        ("filename\tonset\toffset\tevent_label\n{clip}.wav\t1\t\tDog\n", "line 2: a label without onset or offset"),
        ("filename\tstart\tend\n{clip}.wav\t1\t2\n", "neither a review.tsv nor a corrected table"),
        ("", "the file is empty"),
        ("{review}strong_trian\t{clip}\t1\t2\tDog\tmissed\tright\n", "line 2: unknown subset 'strong_trian'. Did you"),
        ("{review}strong_train\tnobody\t1\t2\tDog\tmissed\tright\n", "line 2: strong_train has no clip 'nobody'"),
        ("{review}strong_train\t{clip}\t1\t2\tcar\tmissed\tright\n", "line 2: unknown class 'car'"),
        ("{review}strong_train\t{clip}\t91\t92\tDog\treference\twrong\n", "line 2: strong_train has no Dog from 91"),
    ],
)
def test_a_file_that_cannot_be_followed_is_one_line(corpus, tmp_path, text, message):
    path = tmp_path / "corrections.tsv"
    header = "subset\tclip_id\tonset\toffset\tlabel\twhat\tdecision\n"
    path.write_text(text.format(clip=a_strong_event(corpus)["clip_id"], review=header))
    with pytest.raises(SedlabError) as caught:
        with_corrections(corpus, DataConfig(root=corpus.root, corrections=path))
    assert message in str(caught.value) and str(path) in str(caught.value)


def test_a_clip_of_two_training_sets_needs_a_column(corpus, tmp_path):
    clip_id = a_strong_event(corpus)["clip_id"]
    twin = corpus.clips[corpus.clips["clip_id"] == clip_id].assign(subset="synth_train", group="synth")
    doubled = replace(corpus, clips=pd.concat([corpus.clips, twin], ignore_index=True))
    path = tmp_path / "corrected.tsv"
    path.write_text(f"filename\tonset\toffset\tevent_label\n{clip_id}.wav\t1\t2\tDog\n")
    config = DataConfig(root=corpus.root, corrections=path)
    with pytest.raises(
        SedlabError, match=r"is in strong_train and synth_train. Add a column subset|synth_train and str"
    ):
        with_corrections(doubled, config)
    path.write_text(f"filename\tonset\toffset\tevent_label\tsubset\n{clip_id}.wav\t1\t2\tDog\tstrong_train\n")
    assert left(own_events(with_corrections(doubled, config), "strong_train").tail(1)) == [(1.0, 2.0, "Dog")]


def test_only_what_changes_labels_changes_the_digest(corpus, tmp_path):
    event = a_strong_event(corpus)
    base = Decision("strong_train", event["clip_id"], event["onset"], event["offset"], "Speech", "reference", "wrong")
    path = review(tmp_path / "review.tsv", base)
    digest = corrections_digest(path, ("train",))
    unsure = replace(base, clip_id="another", decision="unsure", note="hm")
    review(path, replace(base, note="surely", reviewer="ben"), unsure, replace(base, subset="devtest"))
    assert corrections_digest(path, ("train",)) == digest
    assert corrections_digest(path, ("train", "test")) != digest
    review(path, replace(base, decision="moved", new_onset=0.0, new_offset=1.0))
    assert corrections_digest(path, ("train",)) != digest
    assert corrections_digest(tmp_path / "absent.tsv", ("train",)) == ""
