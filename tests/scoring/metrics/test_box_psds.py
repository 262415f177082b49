import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.errors import SedlabError
from sedlab.postprocess.csebbs import find_candidates
from sedlab.scoring.metrics.box_psds import box_psds, candidate_overlaps, truth_tracks
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import PSDS1, Scenario, psds

CLASSES = ("Cat", "Dog")
NUM_FRAMES = 60
TIMES = np.arange(NUM_FRAMES + 1) * 0.064


def random_events(rng, num_clips: int) -> pd.DataFrame:
    rows = []
    for clip in range(num_clips):
        for label in CLASSES:
            edges = np.sort(rng.integers(0, 3840, 2 * rng.integers(0, 4))) / 1000
            rows += [(f"c{clip}", on, off, label) for on, off in edges.reshape(-1, 2) if off - on > 0.01]
    return pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"])


def tables_without_fill(boxes, clip_ids) -> dict[str, pd.DataFrame]:
    """Score tables whose gaps lie below every threshold, as the published tuning has them."""
    tables = {}
    for i, clip_id in enumerate(clip_ids):
        edges = np.unique(np.concatenate(([0.0, TIMES[-1].round(6)], boxes.onset, boxes.offset)))
        table = pd.DataFrame({"onset": edges[:-1], "offset": edges[1:], **dict.fromkeys(CLASSES, -np.inf)})
        for k, label in enumerate(CLASSES):
            for j in np.flatnonzero(boxes.track == k * len(clip_ids) + i):
                inside = (table["onset"] >= boxes.onset[j]) & (table["offset"] <= boxes.offset[j])
                table.loc[inside, label] = boxes.confidence[j]
        tables[clip_id] = table
    return tables


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.sampled_from([(0.2, np.inf), (np.inf, 2.0), (0.5, np.inf), (np.inf, np.inf)]),
    st.sampled_from([PSDS1, Scenario(0.5, 0.3, max_efpr=2000.0), Scenario(0.1, 0.1, max_efpr=8000.0)]),
)
def test_equals_sed_scores_eval(seed, num_clips, thresholds, scenario):
    rng = np.random.default_rng(seed)
    events = random_events(rng, num_clips)
    if events.empty:
        return
    # Long clips keep the rate of false positives low enough to leave something of the curve.
    durations = {f"c{clip}": 300.0 for clip in range(num_clips)}
    truth = truth_tracks(CountedEvents.of({}, events, durations, CLASSES))
    levels = 1 / (1 + np.exp(-np.cumsum(rng.normal(size=(2 * len(truth.clip_ids), NUM_FRAMES)), axis=1)))
    candidates = find_candidates(np.round(levels, 1), TIMES, 0.38)
    first, last = candidates.merge(*thresholds)
    values = box_psds(candidates, first, last, candidate_overlaps(candidates, truth), truth, scenario)

    tables = tables_without_fill(candidates.boxes(*thresholds), truth.clip_ids)
    expected = psds(CountedEvents.of(tables, events, durations, CLASSES), scenario=scenario).per_class
    np.testing.assert_allclose(values, [expected[label] for label in CLASSES], rtol=0, atol=1e-9)


def test_value_by_hand():
    """Two events in an hour of audio, found at 0.9 and 0.6, one false alarm at 0.7: (1 + 0.99) / 2."""
    events = pd.DataFrame(
        [("c0", 0.64, 1.28, "Cat"), ("c0", 2.56, 3.2, "Cat")], columns=["clip_id", "onset", "offset", "label"]
    )
    scores = np.zeros((1, NUM_FRAMES))
    for start, stop, score in ((10, 20, 0.9), (27, 33, 0.7), (40, 50, 0.6)):
        scores[0, start:stop] = score
    truth = truth_tracks(CountedEvents.of({}, events, {"c0": 3600.0}, ("Cat",)))
    candidates = find_candidates(scores, TIMES, 0.38)
    first, last = candidates.merge(0.1, np.inf)
    value = box_psds(candidates, first, last, candidate_overlaps(candidates, truth), truth, PSDS1)
    np.testing.assert_allclose(value, [(1 + 0.99) / 2])


def test_no_event_is_an_error_and_a_class_without_event_has_no_value():
    none = pd.DataFrame(columns=["clip_id", "onset", "offset", "label"])
    with pytest.raises(SedlabError, match="no event of the classes to tune"):
        truth_tracks(CountedEvents.of({}, none, {}, CLASSES))
    events = pd.DataFrame([("c0", 0.5, 1.0, "Dog")], columns=none.columns)
    truth = truth_tracks(CountedEvents.of({}, events, {"c0": 10.0}, CLASSES))
    candidates = find_candidates(np.full((2, NUM_FRAMES), 0.5), TIMES, 0.38)
    first, last = candidates.merge(0.1, np.inf)
    value = box_psds(candidates, first, last, candidate_overlaps(candidates, truth), truth, PSDS1)
    assert np.isnan(value[0]) and value[1] == 0
