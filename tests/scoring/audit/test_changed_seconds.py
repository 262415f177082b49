"""Seconds lost, kept and gained: against a slow count of every frame, and what is told of them."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.postprocess.decode import detect_events
from sedlab.scoring.audit.change_intervals import change_intervals
from sedlab.scoring.audit.changed_seconds import PARTS, ChangedSeconds, changed_seconds, longest_stretches
from sedlab.scoring.audit.compared import ComparedSubset
from sedlab.scoring.audit.confidence import confidence_histogram
from sedlab.scoring.audit.told_change import told_change, told_part
from sedlab.scoring.scores.file import ScoreFile

CLASSES = ("Blender", "Dog", "Speech")
WANTED = ("Speech", "Blender")
THRESHOLDS = {"Speech": 0.4, "Blender": 0.7}


def scores_of(seed: int, num_frames: int, classes=CLASSES, num_clips: int = 5) -> ScoreFile:
    logits = np.random.default_rng(seed).normal(0, 2, (num_clips, num_frames, len(classes))).astype(np.float32)
    return ScoreFile([f"c{k}" for k in range(num_clips)], logits, classes, np.linspace(0, 10, num_frames + 1))


def clips_of(*order: int, duration: float = 7.3) -> pd.DataFrame:
    return pd.DataFrame({"clip_id": [f"c{k}" for k in order], "duration": [duration, 10.0, 12.0, 4.0][: len(order)]})


def seconds_by_hand(first: ScoreFile, second: ScoreFile, clip_id: str, label: str, threshold: float, duration: float):
    """Return lost, kept, gained of a class in a clip, asked frame by frame, and when each is so."""
    probability = [
        file.probabilities[file.clip_ids.index(clip_id), :, file.classes.index(label)] for file in (first, second)
    ]
    times = sorted({*first.frame_times, *second.frame_times})
    found, when = dict.fromkeys(PARTS, 0.0), {part: [] for part in PARTS}
    for start, stop in pairwise(times):
        was, now = (
            probability[k][np.searchsorted(file.frame_times, (start + stop) / 2) - 1] > threshold
            for k, file in enumerate((first, second))
        )
        part = {(True, False): "lost", (True, True): "kept", (False, True): "gained"}.get((bool(was), bool(now)))
        stop = min(stop, duration)
        if part and stop > start:
            found[part] += stop - start
            if when[part] and when[part][-1][1] == start:
                when[part][-1][1] = stop
            else:
                when[part].append([start, stop])
    return found, when


@pytest.mark.parametrize(
    "second",
    [scores_of(2, 40), scores_of(2, 25), scores_of(2, 40, ("Speech", "Cat", "Blender"))],
    ids=["one grid", "two grids", "other classes"],
)
def test_seconds_are_those_of_a_slow_count(second):
    first, clips = scores_of(1, 40), clips_of(3, 0, 4, 1)
    changes = changed_seconds(first, second, clips, WANTED, thresholds=THRESHOLDS)
    for row, clip in enumerate(clips.itertuples()):
        for column, label in enumerate(WANTED):
            wanted, when = seconds_by_hand(first, second, clip.clip_id, label, THRESHOLDS[label], clip.duration)
            assert {part: changes.of(part)[row, column] for part in PARTS} == pytest.approx(wanted, abs=1e-5)
            for part in PARTS:
                found = longest_stretches(
                    first, second, clips.iloc[[row]], [label], part, thresholds={label: THRESHOLDS[label]}
                )
                longest = max((stop - start for start, stop in when[part]), default=0.0)
                assert (found["offset"] - found["onset"]).sum() == pytest.approx(longest)
                for case in found.itertuples():
                    assert [case.onset, case.offset] in [pytest.approx(stretch) for stretch in when[part]]


def test_of_several_classes_the_longest_stretch_is_told():
    first, second, clips = scores_of(1, 40), scores_of(2, 40), clips_of(0, 1, 2)
    table = longest_stretches(first, second, clips, CLASSES, "changed")
    single = pd.concat([longest_stretches(first, second, clips, [label], "changed") for label in CLASSES])
    longest = single.assign(seconds=single["offset"] - single["onset"]).groupby("clip_id")["seconds"].max()
    assert (table.set_index("clip_id")["offset"] - table.set_index("clip_id")["onset"]).tolist() == pytest.approx(
        longest.loc[table["clip_id"]].tolist()
    )
    assert set(table["label"]) <= set(CLASSES)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.001, 0.999), st.integers(-3, 3))
def test_logits_beside_a_threshold_are_decided_as_their_probabilities(threshold, steps):
    logit = np.float32(np.log(threshold / (1 - threshold)))
    for _ in range(abs(steps)):
        logit = np.nextafter(logit, np.float32(np.sign(steps) * np.inf))
    one = ScoreFile(["a"], np.full((1, 1, 1), logit), ("Dog",), np.array([0.0, 1.0]))
    none = ScoreFile(["a"], np.full((1, 1, 1), -90, np.float32), ("Dog",), np.array([0.0, 1.0]))
    clips = pd.DataFrame({"clip_id": ["a"], "duration": [1.0]})
    lost = changed_seconds(one, none, clips, ["Dog"], thresholds=threshold).lost[0, 0]
    assert bool(lost) == bool(one.probabilities[0, 0, 0] > threshold)
    assert bool(lost) == (len(detect_events(one.probabilities[0], ["Dog"], one.frame_times, threshold)) == 1)


def test_tables_add_up_and_put_first_what_changed_most():
    first, second, clips = scores_of(1, 40), scores_of(2, 40), clips_of(0, 1, 2, 3)
    changes = changed_seconds(first, second, clips, CLASSES)
    table = changes.by_class.set_index("label")
    assert table.loc["all", "lost"] == pytest.approx(table["lost"].iloc[1:].sum())
    assert table["before"].tolist() == pytest.approx((table["lost"] + table["kept"]).tolist())
    assert table.loc["Dog", "lost_clips"] == (changes.lost[:, 1] > 0).sum()
    by_clip = changes.by_clip("lost", "Dog")
    assert by_clip["seconds"].is_monotonic_decreasing and len(by_clip) == table.loc["Dog", "lost_clips"]
    assert changes.by_clip("changed")["seconds"].sum() == pytest.approx(table.loc["all", ["lost", "gained"]].sum())
    same = changed_seconds(first, first, clips, CLASSES)
    assert same.lost.sum() == same.gained.sum() == 0 and same.by_clip("lost").empty


def test_what_has_no_scores_is_named():
    first, second = scores_of(1, 40), scores_of(2, 40)
    with pytest.raises(SedlabError, match="no scores for 1 of 1 clips"):
        changed_seconds(first, second, clips_of(9), CLASSES)
    with pytest.raises(SedlabError, match="no scores for 1 of 1 classes"):
        changed_seconds(first, second, clips_of(0), ["Cat"])


def test_intervals_are_of_clips_or_of_recordings():
    rng = np.random.default_rng(3)
    gained = np.stack([np.full(40, 2.0), np.abs(rng.normal(0, 1, 40))], axis=1).astype(np.float32)
    lost = np.stack([np.zeros(40), np.abs(rng.normal(0, 1, 40))], axis=1).astype(np.float32)
    ids = tuple(f"c{k}" for k in range(40))
    changes = ChangedSeconds(ids, ("Dog", "Cat"), lost, np.zeros_like(lost), gained)
    table = change_intervals(changes).set_index("label")
    assert table.loc["Dog", ["change", "low", "high"]].tolist() == pytest.approx([80, 80, 80])
    assert table.loc["Dog", "clear"] and not table.loc["Cat", "clear"]
    # By hand: the standard error of a sum is that of one clip times the root of their number.
    spread = np.std(gained[:, 1] - lost[:, 1]) * np.sqrt(40)
    assert table.loc["Cat", "high"] - table.loc["Cat", "low"] == pytest.approx(2 * 1.96 * spread, rel=0.1)
    # All cut from one recording: there is nothing to draw from. In four of ten: much less.
    assert change_intervals(changes, recordings=["tape"] * 40)["low"].isna().all()
    tapes = change_intervals(changes, recordings=[f"tape{k % 4}" for k in range(40)]).set_index("label")
    assert tapes.loc["Cat", "change"] == pytest.approx(table.loc["Cat", "change"])


def test_histogram_counts_every_frame():
    scores = scores_of(1, 40)
    table = confidence_histogram(scores, ["Speech", "Dog"], num_bins=8)
    for label in ("Speech", "Dog"):
        values = scores.probabilities[:, :, CLASSES.index(label)]
        counts = np.histogram(values, bins=8, range=(0, 1))[0]
        assert table.loc[table["label"] == label, "count"].tolist() == counts.tolist()
    assert table.loc[table["label"] == "all", "count"].sum() == 2 * values.size


def test_sentences_follow_the_numbers():
    ids, none = ("a", "b"), np.zeros((2, 2), np.float32)
    lost = np.array([[9.3, 0], [0, 1.0]], np.float32)
    kept = np.array([[0.7, 8], [0, 20]], np.float32)
    table = ChangedSeconds(ids, ("Blender", "Speech"), lost, kept, none).by_class
    assert told_part(table.iloc[1], "lost") == "Blender: lost 93 %, 9.3 s in 1 clip"
    assert told_change(table) == (
        "39.0 s became 28.7 s: 10.3 s lost, 28.7 s kept, 0.0 s gained. Most lost: Blender (93 %, 9.3 s in 1 clip)."
    )
    silent = ChangedSeconds(ids, ("Blender", "Speech"), none, none, none)
    assert told_change(silent.by_class, change_intervals(silent)).startswith("Neither marks any second")


def test_files_are_compared_on_what_they_share():
    first, second = scores_of(1, 40), scores_of(2, 25, ("Speech", "Blender"), num_clips=3)
    between = ComparedSubset.of_scores({"ours": first, "theirs": second}).between("ours", "theirs", lambda label: 0.5)
    assert between.taught == ("Blender", "Speech") and len(between.changes.clip_ids) == 3
    table = between.clips_of("gained", "Speech")
    assert (table["offset"] - table["onset"] <= table["seconds"] + 1e-5).all() and len(table) > 0
    with pytest.raises(SedlabError, match="share 0 clips and 3 classes"):
        strangers = ScoreFile(["x"], first.logits[:1], CLASSES, first.frame_times)
        ComparedSubset.of_scores({"ours": first, "theirs": strangers})


def test_a_set_without_any_change_has_no_stretches_but_their_columns():
    scores, none = scores_of(1, 40), clips_of()
    found = longest_stretches(scores, scores, none, list(WANTED), PARTS[0], thresholds=THRESHOLDS)
    assert found.empty and pd.DataFrame({"clip_id": ["a"]}).merge(found, on="clip_id").empty
