import numpy as np
import pandas as pd
import pytest
from scoring_material import make_corpus

from sedlab.data.targets import frame_times
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, MAESTRO_EVAL_CLASSES
from sedlab.scoring.metrics.events import merge_touching
from sedlab.scoring.metrics.mpauc import segment_mpauc
from sedlab.scoring.metrics.segments import CountedSegments, overlap_add
from sedlab.scoring.scores.tables import score_tables, sed_scores_eval

PRESENT = ("people talking", "footsteps", "car")


def random_tables(corpus, seed=0, num_frames=156):
    probabilities = np.random.default_rng(seed).random((len(corpus.clips), num_frames, len(CLASSES)))
    return score_tables(probabilities, list(corpus.clips["clip_id"]), CLASSES, frame_times(num_frames))


def slow_segment_scores(tables, clips, label, fine=0.001):
    """Average over millisecond steps the mean of the clips that cover a second; {(recording, second): score}."""
    collected = {}
    for clip in clips.itertuples():
        table = tables[clip.clip_id]
        grid = np.arange(0, 10, fine) + fine / 2
        index = np.searchsorted(table["offset"].to_numpy(), grid, side="right")
        known = index < len(table)
        values = table[label].to_numpy()[index[known]]
        for second in range(int(np.ceil(clip.duration))):
            inside = (grid[known] > second) & (grid[known] < second + 1)
            key = (clip.recording, int(clip.recording_onset) + second)
            collected.setdefault(key, []).append(values[inside].mean())
    return {key: np.mean(values) for key, values in collected.items()}


def slow_partial_area(scores, positive, max_fpr=0.1):
    """Lower the threshold score by score; between two false positive rates the lower true positive rate holds."""
    scores, positive = np.asarray(scores), np.asarray(positive)
    points = [(0.0, 0.0)]
    for threshold in sorted(set(scores), reverse=True):
        detected = scores >= threshold
        points.append((np.mean(detected[~positive]), np.mean(detected[positive])))
    area = 0.0
    for (fpr, tpr), (next_fpr, _) in zip(points, [*points[1:], (1.0, 1.0)], strict=True):
        area += tpr * max(0.0, min(next_fpr, max_fpr) - min(fpr, max_fpr))
    return area / max_fpr


def test_equals_the_slow_reference(maestro_corpus):
    corpus, tables = maestro_corpus, random_tables(maestro_corpus)
    result = segment_mpauc(CountedSegments.of(tables, corpus.clips, corpus.events))
    onset = corpus.clips.set_index("clip_id")
    truth = corpus.events[corpus.events["confidence"] > 0.5]
    for label in PRESENT:
        scores = slow_segment_scores(tables, corpus.clips, label)
        active = {
            (onset.loc[event.clip_id, "recording"], int(onset.loc[event.clip_id, "recording_onset"] + event.onset))
            for event in truth[truth["label"] == label].itertuples()
        }
        area = slow_partial_area(list(scores.values()), [key in active for key in scores])
        assert result.per_class[label] == pytest.approx(area, abs=1e-9)
    assert result.num_segments == 42 == len(scores)
    assert result.overall == pytest.approx(np.mean([result.per_class[label] for label in PRESENT]))


def test_tied_scores_use_the_staircase():
    # Scores of one second each: 0.9 is shared by a positive and a negative second.
    values = np.array([0.9, 0.9, 0.8, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    clip = {"subset": "maestro_dev", "clip_id": "x", "recording": "r", "recording_onset": 0.0}
    corpus = make_corpus([clip], [("maestro_dev", "x", s, s + 1.0, "car", 1.0) for s in (0.0, 2.0)])
    table = score_tables(np.repeat(values[:, None], 27, axis=1)[None], ["x"], CLASSES, np.arange(11.0))
    result = segment_mpauc(CountedSegments.of(table, corpus.clips, corpus.events))
    # The first threshold already has FPR 1/8 > 0.1: nothing of the curve lies below 0.1.
    assert result.per_class["car"] == 0.0


def test_classes_without_positive_are_left_out_and_named(maestro_corpus):
    result = segment_mpauc(
        CountedSegments.of(random_tables(maestro_corpus), maestro_corpus.clips, maestro_corpus.events)
    )
    assert set(result.missing_classes) == set(MAESTRO_EVAL_CLASSES) - set(PRESENT)
    assert all(np.isnan(result.per_class[label]) for label in result.missing_classes)
    assert set(result.curves) == set(PRESENT)


def test_class_present_everywhere_has_no_value(maestro_corpus):
    events = maestro_corpus.events.assign(
        confidence=lambda table: table["confidence"].where(table["label"] != "car", 1)
    )
    result = segment_mpauc(CountedSegments.of(random_tables(maestro_corpus), maestro_corpus.clips, events))
    assert np.isnan(result.per_class["car"]) and "car" in result.missing_classes
    assert np.isfinite(result.overall)


def test_no_confident_event_gives_nan_not_a_crash(maestro_corpus):
    events = maestro_corpus.events.assign(confidence=0.5)
    tables = random_tables(maestro_corpus)
    for result in (
        segment_mpauc(CountedSegments.of(tables, maestro_corpus.clips, events)),
        segment_mpauc(CountedSegments.of_validation(tables, events)),
    ):
        assert np.isnan(result.overall) and result.missing_classes == MAESTRO_EVAL_CLASSES


def test_order_of_clips_and_events_does_not_matter(maestro_corpus):
    tables = random_tables(maestro_corpus)
    clips, events = maestro_corpus.clips, maestro_corpus.events
    mixed_clips, mixed_events = clips.sample(frac=1, random_state=0), events.sample(frac=1, random_state=1)
    mixed_tables = {clip_id: tables[clip_id] for clip_id in mixed_clips["clip_id"]}
    once, again = (
        segment_mpauc(CountedSegments.of(tables, clips, events)),
        segment_mpauc(CountedSegments.of(mixed_tables, mixed_clips, mixed_events)),
    )
    assert again.overall == once.overall
    assert (
        segment_mpauc(CountedSegments.of_validation(mixed_tables, mixed_events)).overall
        == segment_mpauc(CountedSegments.of_validation(tables, events)).overall
    )


def test_repeating_a_window_does_not_change_the_score(maestro_corpus):
    clips, events = maestro_corpus.clips, maestro_corpus.events
    tables = random_tables(maestro_corpus)
    # Every window a second time under another name: the mean over windows and the merged events stay the same.
    copies = clips.assign(clip_id=clips["clip_id"] + "-copy")
    more_events = pd.concat([events, events.assign(clip_id=events["clip_id"] + "-copy")])
    more_tables = {**tables, **{f"{clip_id}-copy": table for clip_id, table in tables.items()}}
    once = segment_mpauc(CountedSegments.of(tables, clips, events)).per_class
    twice = segment_mpauc(CountedSegments.of(more_tables, pd.concat([clips, copies]), more_events)).per_class
    assert twice == pytest.approx(once, abs=1e-12, nan_ok=True)


def test_second_in_no_clip_scores_zero_and_short_window_adds_no_padding():
    rows = [
        {"clip_id": "a", "recording_onset": 0.0, "duration": 10.0},
        {"clip_id": "b", "recording_onset": 12.0, "duration": 5.5},
    ]
    clips = make_corpus([{"subset": "maestro_dev", "recording": "r", **row} for row in rows], []).clips
    tables = score_tables(np.full((2, 156, 27), 0.25), ["a", "b"], CLASSES, frame_times())
    seconds = overlap_add(tables, clips, {"r": 17.5}, ["car"])["r"]
    assert seconds[:, 0] == pytest.approx([0.25] * 10 + [0.0] * 2 + [0.25] * 6)


def test_validation_takes_the_largest_frame_until_the_last_event(maestro_corpus):
    corpus, tables = maestro_corpus, random_tables(maestro_corpus, seed=5)
    result = segment_mpauc(CountedSegments.of_validation(tables, corpus.events))
    truth = corpus.events[(corpus.events["confidence"] > 0.5)]
    for label in PRESENT:
        scores, positive = [], []
        for clip_id, rows in truth.groupby("clip_id"):
            table = tables[clip_id]
            for second in range(int(np.ceil(rows["offset"].max()))):
                inside = (table["offset"] > second + 1e-9) & (table["onset"] < second + 1 - 1e-9)
                scores.append(table.loc[inside, label].max())
                positive.append(((rows["label"] == label) & (rows["onset"] == second)).any())
        assert result.per_class[label] == pytest.approx(slow_partial_area(scores, positive), abs=1e-9)
    assert result.num_segments == len(scores)


def library_auroc(tables, events, durations, classes):
    """Let sed_scores_eval cut the segments itself."""
    truth = {name: [] for name in tables}
    for name, label, onset, offset in merge_touching(events, ["name"]).itertuples(index=False, name=None):
        truth[name].append((onset, offset, label))
    areas, _ = sed_scores_eval().segment_based.auroc(
        {name: table[["onset", "offset", *classes]] for name, table in tables.items()},
        truth,
        durations,
        segment_length=1.0,
        max_fpr=0.1,
    )
    return [areas[label] for label in classes]


def test_both_variants_agree_with_the_library_on_tables(maestro_corpus):
    clips, tables = maestro_corpus.clips, random_tables(maestro_corpus, seed=9)
    events = maestro_corpus.events[maestro_corpus.events["confidence"] > 0.5]
    # Ends inside a second, and inside a frame.
    events = events.assign(offset=events["offset"] - 0.3)
    for label in PRESENT:
        for table in tables.values():
            table[label] = table[label].round(1)  # ties

    by_clip = events.rename(columns={"clip_id": "name"})
    durations = by_clip.groupby("name")["offset"].max().to_dict()
    wanted = library_auroc({name: tables[name] for name in durations}, by_clip, durations, list(PRESENT))
    found = segment_mpauc(CountedSegments.of_validation(tables, events, PRESENT)).per_class
    assert list(found.values()) == pytest.approx(wanted, abs=1e-12)

    seconds = overlap_add(tables, clips, {"cafe_restaurant_00": 21.0, "city_center_01": 21.0}, PRESENT)
    recordings = score_tables(np.stack(list(seconds.values())), list(seconds), PRESENT, np.arange(22.0))
    placed = events.merge(clips[["clip_id", "recording", "recording_onset"]], on="clip_id")
    placed = placed.assign(
        name=placed["recording"],
        onset=placed["onset"] + placed["recording_onset"],
        offset=placed["offset"] + placed["recording_onset"],
    )
    wanted = library_auroc(recordings, placed, dict.fromkeys(seconds, 21.0), list(PRESENT))
    found = segment_mpauc(CountedSegments.of(tables, clips, events, PRESENT)).per_class
    assert list(found.values()) == pytest.approx(wanted, abs=1e-12)


def test_tables_with_their_own_boundaries_are_scored_too(maestro_corpus):
    clips, events, tables = maestro_corpus.clips, maestro_corpus.events, random_tables(maestro_corpus, seed=2)
    # The same staircase with every row cut in two at a place of its own.
    split = {}
    for k, (clip_id, table) in enumerate(tables.items()):
        middle = table["onset"] + (table["offset"] - table["onset"]) * (k + 1) / 10
        halves = pd.concat([table.assign(offset=middle), table.assign(onset=middle)])
        split[clip_id] = halves.sort_values("onset", ignore_index=True)
    for variant in (
        lambda t: segment_mpauc(CountedSegments.of(t, clips, events)),
        lambda t: segment_mpauc(CountedSegments.of_validation(t, events)),
    ):
        assert variant(split).per_class == pytest.approx(variant(tables).per_class, abs=1e-9, nan_ok=True)


def test_perfect_scores_give_one(maestro_corpus):
    clips, events = maestro_corpus.clips, maestro_corpus.events
    probabilities = np.zeros((len(clips), 10, len(CLASSES)))
    row = {clip_id: k for k, clip_id in enumerate(clips["clip_id"])}
    for event in events.itertuples():
        probabilities[row[event.clip_id], int(event.onset), CLASSES.index(event.label)] = event.confidence
    tables = score_tables(probabilities, list(clips["clip_id"]), CLASSES, np.arange(11.0))
    assert segment_mpauc(CountedSegments.of(tables, clips, events)).overall == pytest.approx(1.0)
    assert segment_mpauc(CountedSegments.of_validation(tables, events)).overall == pytest.approx(1.0)


def test_clips_without_scores_or_recording_are_refused(maestro_corpus, desed_corpus):
    tables = random_tables(maestro_corpus)
    first = maestro_corpus.clips["clip_id"].iloc[0]
    del tables[first]
    with pytest.raises(SedlabError, match=f"no scores for 1 of 8 clips.*{first}"):
        segment_mpauc(CountedSegments.of(tables, maestro_corpus.clips, maestro_corpus.events))
    with pytest.raises(SedlabError, match="needs clips cut from recordings"):
        segment_mpauc(CountedSegments.of(random_tables(desed_corpus), desed_corpus.clips, desed_corpus.events))


def slow_linear_area(scores, positive, max_fpr=0.1):
    """Lower the threshold score by score and draw a straight line from point to point."""
    scores, positive = np.asarray(scores), np.asarray(positive)
    area, fpr, tpr = 0.0, 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        next_fpr, next_tpr = np.mean(scores[~positive] >= threshold), np.mean(scores[positive] >= threshold)
        if next_fpr > fpr:
            end = min(next_fpr, max_fpr)
            at_end = tpr + (next_tpr - tpr) * (end - fpr) / (next_fpr - fpr)
            area += max(0.0, end - fpr) * (tpr + at_end) / 2
        fpr, tpr = next_fpr, next_tpr
        if fpr >= max_fpr:
            break
    return area / max_fpr


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_linear_area_beside_the_staircase(maestro_corpus, decimals):
    clips, events = maestro_corpus.clips, maestro_corpus.events
    tables = {clip_id: table.round(decimals) for clip_id, table in random_tables(maestro_corpus, seed=11).items()}
    for table in tables.values():
        table["offset"] = np.append(table["onset"].to_numpy()[1:], 9.984)
    result = segment_mpauc(CountedSegments.of(tables, clips, events))
    counted = CountedSegments.of(tables, clips, events)
    segments, truth = counted.scores, counted.truth
    scores, positive = (np.concatenate(list(parts.values())) for parts in (segments, truth))
    for label in PRESENT:
        column = MAESTRO_EVAL_CLASSES.index(label)
        wanted = slow_linear_area(scores[:, column], positive[:, column])
        assert result.per_class_linear[label] == pytest.approx(wanted, abs=1e-9)
    assert result.overall_linear == pytest.approx(np.mean([result.per_class_linear[label] for label in PRESENT]))
    assert result.overall_linear >= result.overall - 1e-12


@pytest.mark.parametrize("score", [0.5, 1.0])
def test_ties_divide_the_two_interpolations(maestro_corpus, score):
    clips, events = maestro_corpus.clips, maestro_corpus.events
    apart = segment_mpauc(CountedSegments.of(random_tables(maestro_corpus, seed=3), clips, events))
    assert apart.overall_linear == pytest.approx(apart.overall, abs=1e-12)
    flat = score_tables(np.full((len(clips), 156, 27), score), list(clips["clip_id"]), CLASSES, frame_times())
    tied = segment_mpauc(CountedSegments.of(flat, clips, events))
    # A curve from (0, 0) straight to (1, 1): nothing under the first stair, the diagonal under the line.
    assert tied.overall == pytest.approx(0.0) and tied.overall_linear == pytest.approx(0.05)


def test_recordings_may_be_longer_than_their_clips(maestro_corpus):
    clips, events = maestro_corpus.clips, maestro_corpus.events
    tables = random_tables(maestro_corpus)
    durations = {"cafe_restaurant_00": 25.5, "elsewhere": 99.0}
    counted = CountedSegments.of(tables, clips, events, durations=durations)
    segments, truth = counted.scores, counted.truth
    assert {name: len(rows) for name, rows in segments.items()} == {"cafe_restaurant_00": 26, "city_center_01": 21}
    assert not segments["cafe_restaurant_00"][21:].any() and not truth["cafe_restaurant_00"][21:].any()
    assert segment_mpauc(CountedSegments.of(tables, clips, events, durations=durations)).num_segments == 47
