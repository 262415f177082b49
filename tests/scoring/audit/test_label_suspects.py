"""Labels that all members of the ensemble contradict: found where they were broken, ranked, and nothing else."""

import math

import numpy as np
import pytest
from scoring_material import logits_from_events, make_corpus, make_scores

from sedlab.errors import SedlabError
from sedlab.labels import CLASSES
from sedlab.scoring.audit.label_suspects import label_suspects

CLIPS = [{"subset": "devtest", "clip_id": name} for name in ("a", "b", "c")]
EVENTS = [
    ("devtest", "a", 1.0, 3.0, "Dog", 1.0),
    ("devtest", "b", 2.0, 4.0, "Speech", 1.0),
    ("devtest", "c", 0.0, 9.0, "Frying", 1.0),
]


def teachers(events=EVENTS, num=3):
    """Teachers that heard ``events``, each a little differently."""
    heard = make_corpus(CLIPS, events)
    return {f"teacher{k}": logits_from_events(heard, noise=0.3, seed=k) for k in range(num)}


def test_teachers_that_agree_with_the_labels_suspect_nothing():
    assert label_suspects(teachers(), make_corpus(CLIPS, EVENTS), "devtest").empty


def test_a_forgotten_and_an_invented_label_are_found():
    heard = [EVENTS[0], EVENTS[2], ("devtest", "a", 5.0, 7.0, "Cat", 1.0)]
    found = label_suspects(teachers(heard), make_corpus(CLIPS, EVENTS), "devtest").set_index("kind")
    assert len(found) == 2
    cat, speech = found.loc["unlabelled"], found.loc["denied"]
    assert (cat["clip_id"], cat["label"]) == ("a", "Cat")
    assert cat["onset"] == pytest.approx(5.0, abs=0.064) and cat["offset"] == pytest.approx(7.0, abs=0.064)
    assert (speech["clip_id"], speech["label"], speech["onset"], speech["offset"]) == ("b", "Speech", 2.0, 4.0)
    for name in teachers():
        assert cat[name] > 0.8 and speech[name] < 0.2
    assert cat["score"] <= min(cat[name] for name in teachers()) + 1e-12
    assert speech["score"] == pytest.approx(1 - max(speech[name] for name in teachers()))


def test_one_teacher_who_disagrees_clears_the_label():
    heard = [EVENTS[0], EVENTS[2], ("devtest", "a", 5.0, 7.0, "Cat", 1.0)]
    mixed = {**teachers(heard), "other": teachers(num=1)["teacher0"]}
    assert label_suspects(mixed, make_corpus(CLIPS, EVENTS), "devtest").empty


def test_a_late_boundary_is_no_wrong_label():
    heard = [("devtest", "a", 1.0, 3.15, "Dog", 1.0), *EVENTS[1:]]
    assert label_suspects(teachers(heard), make_corpus(CLIPS, EVENTS), "devtest").empty


def test_the_surest_come_first():
    corpus = make_corpus(CLIPS, [])
    logits = np.full((3, 156, 27), -4.0)
    for clip, value in enumerate((2.0, 4.0, 3.0)):
        logits[clip, 20:60, CLASSES.index("Dog")] = value
    found = label_suspects({"one": make_scores(["a", "b", "c"], logits)}, corpus, "devtest")
    assert found["clip_id"].tolist() == ["b", "c", "a"]
    assert found["score"].tolist() == pytest.approx([1 / (1 + math.exp(-value)) for value in (4, 3, 2)])


def test_weak_labels_are_judged_by_clip_and_silence_after_the_end_is_not_heard():
    clips = [{"subset": "weak_train", "clip_id": "a"}, {"subset": "weak_train", "clip_id": "b", "duration": 5.0}]
    events = [("weak_train", "a", math.nan, math.nan, label, 1.0) for label in ("Dog", "Cat")]
    logits = np.full((2, 156, 27), -4.0)
    logits[0, 10:40, CLASSES.index("Dog")] = 4.0
    logits[0, 50:90, CLASSES.index("Speech")] = 4.0
    logits[1, 100:, CLASSES.index("Speech")] = 4.0
    found = label_suspects({"one": make_scores(["a", "b"], logits)}, make_corpus(clips, events), "weak_train")
    rows = found[["clip_id", "label", "kind", "offset"]].sort_values("kind").to_numpy().tolist()
    assert rows == [["a", "Cat", "denied", 10.0], ["a", "Speech", "unlabelled", pytest.approx(90 * 0.064)]]


def test_unlabelled_subsets_are_refused():
    with pytest.raises(SedlabError, match="unlabeled_train: has no labels to doubt"):
        label_suspects(teachers(), make_corpus(CLIPS, EVENTS), "unlabeled_train")
