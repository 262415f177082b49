"""The browser's events, verdicts and counts are those of Python, for many random clips in one page."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pandas as pd
import pytest
from player_page import player_page
from scipy.optimize import linear_sum_assignment

from sedlab.scoring.errors.cases import find_errors
from sedlab.scoring.errors.kinds import CORRECT, DETECTION, EVENT
from sedlab.scoring.metrics.events import CountedEvents, merge_touching
from sedlab.scoring.metrics.psds import PSDS1, PSDS2
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.scores.tables import score_tables, sed_scores_eval
from sedlab.scoring.thresholds.counts import subset_counts
from sedlab.views.player.picture import detections
from sedlab.views.player.scene import Scene, System
from sedlab.views.player.thresholding import packed_counts

CLASSES = ("Cat", "Dog", "Speech")
WAYS = ("none", "median", "boxes")


def scene(seed: int) -> Scene:
    """A clip with short events close to each other, and scores that follow them; ties and thresholds on scores."""
    rng = np.random.default_rng(seed)
    frames = int(rng.integers(1, 120))
    times = np.arange(frames + 1) * float(rng.choice([0.02, 0.064, 0.25]))
    scores, rows = rng.uniform(0, 1, (frames, 3)) * 0.7, []
    for place, label in enumerate(CLASSES):
        start = int(rng.integers(0, 10))
        while start < frames - 2:
            stop = min(frames, start + int(rng.integers(1, 9)))
            scores[start:stop, place] += 0.3
            shift = rng.choice([0, 0.01, 0.3])
            rows.append((times[start] + shift, times[stop] + shift, label, rng.choice([1.0, 0.5, 0.8])))
            start = stop + int(rng.choice([0, 1, 6]))
    if seed % 3 == 0:
        scores = np.round(scores * 8) / 8
    scores = np.clip(scores, 0, 1).astype(np.float32).astype(np.float64)
    params = CsebbsParams({label: CsebbsSetting(0.1, 0.1) for label in CLASSES})
    system = System(
        "A",
        scores,
        times,
        median=np.round(scores, 1),
        boxes=params.detect(scores, CLASSES, times),
    )
    events = pd.DataFrame(rows, columns=["onset", "offset", "label", "confidence"])
    return Scene(f"set/{seed}", np.empty(0), classes=CLASSES, systems=(system,), events=events)


def expected(shown: Scene, way: str, threshold: float) -> dict[str, Any]:
    """What Python detects, and what it says of it, by class."""
    found = detections(shown.systems[0], CLASSES, dict.fromkeys(CLASSES, threshold), way)
    truth = shown.events[shown.events["confidence"] > 0.5].assign(clip_id="x")
    cases = find_errors(found.assign(clip_id="x"), truth)
    joined = merge_touching(truth, ["clip_id"])
    verdicts = {}
    for label in CLASSES:
        own = cases[cases["label"] == label].sort_values(["onset", "offset"])
        hits = [(own["outcome"] == CORRECT)[own["side"] == side].tolist() for side in (DETECTION, EVENT)]
        verdicts[label] = {"collar": hits}
        for name, scenario in (("psds1", PSDS1), ("psds2", PSDS2)):
            verdicts[label][name] = overlapping(
                found[found["label"] == label].sort_values("onset"), joined[joined["label"] == label], scenario
            )
    return {"events": found[["onset", "offset", "label", "confidence"]].values.tolist(), "verdicts": verdicts}


def overlapping(found: pd.DataFrame, truth: pd.DataFrame, scenario: Any) -> list[int]:
    """Return true and false positives by sed_scores_eval."""
    library = sed_scores_eval().intersection_based.intermediate_statistics
    counts = library.statistics_fn(
        detection_onset_times=found["onset"].to_numpy(float)[None],
        detection_offset_times=found["offset"].to_numpy(float)[None],
        target_onset_times=truth["onset"].to_numpy(float),
        target_offset_times=truth["offset"].to_numpy(float),
        other_onset_times={},
        other_offset_times={},
        **{**scenario.rules, "cttc_threshold": None},
    )
    return [int(counts["tps"][0]), int(counts["fps"][0])]


def encoded(buffers: list[bytes]) -> list[str]:
    return [base64.b64encode(one).decode("ascii") for one in buffers]


RUN = """async (cases) => {
  const { unpack } = await part("scene.js");
  const { allEventsOf, eventsOf } = await part("detections.js");
  const { CRITERIA, judged, truthOf } = await part("matching.js");
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  return cases.map(([content, buffers, way, threshold]) => {
    const scene = unpack(content, buffers.map(bytes));
    const [system] = scene.systems;
    const events = allEventsOf(system, scene.classes, () => threshold, way);
    const verdicts = Object.fromEntries(scene.classes.map(({ label }) => {
      const own = eventsOf(system, label, threshold, way, scene.classes).sort((a, b) => a.onset - b.onset);
      const truth = truthOf(scene.events, label);
      const by = (name) => judged(own, truth, CRITERIA[name]);
      const count = ({ right, found }) => [found.filter(Boolean).length, right.filter((is) => !is).length];
      const collar = by("collar");
      return [label, { collar: [collar.right, collar.found], psds1: count(by("psds1")), psds2: count(by("psds2")) }];
    }));
    const row = ({ onset, offset, label, confidence }) => [onset, offset, label, confidence];
    return { events: events.map(row), verdicts };
  });
}"""

COUNTS = """async ([content, buffers, asked]) => {
  const { unpackCounts, countsAt, subsetAt } = await part("counting.js");
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const counts = unpackCounts(content, buffers.map(bytes));
  return asked.map((threshold) => [
    ...["Cat", "Dog", "Speech"].map((label) => {
      const { hits, falseAlarms } = countsAt(counts.criteria.psds1[label], threshold);
      return [hits, falseAlarms];
    }),
    subsetAt(counts, "collar", "", () => threshold).f1, subsetAt(counts, "collar", "Dog", () => threshold).hourly,
  ]);
}"""


PAIRS = """async (cases) => {
  const { matched } = await part("matching.js");
  return cases.map(([links, values]) => matched(links, (row, column) => values[row][column]));
}"""


@pytest.fixture(scope="module")
def page():
    with player_page(lambda key: scene(0), ["set/0"]) as opened:
        yield opened


def test_events_and_verdicts_are_those_of_python(page):
    rng = np.random.default_rng(0)
    cases, wanted, roomy = [], [], set()
    for seed in range(24):
        shown = scene(seed)
        if shown.systems[0].frame_times[1] > 0.2:
            roomy.add(shown.key)
        content, buffers = shown.pack()
        for way in WAYS:
            threshold = float(rng.choice([0.0, 0.3, 0.5, 0.75, rng.choice(shown.systems[0].scores.ravel())]))
            cases.append([content, encoded(buffers), way, threshold])
            wanted.append(expected(shown, way, threshold))
    got, alike = page.evaluate(RUN, cases), []
    assert sum(len(one["events"]) for one in wanted) > 400
    right = [one["verdicts"][label]["collar"][0] for one in wanted for label in CLASSES]
    assert sum(map(sum, right)) > 40
    for case, theirs, ours in zip(cases, got, wanted, strict=True):
        told = (case[0]["key"], *case[2:])
        assert [row[:3] for row in theirs["events"]] == [row[:3] for row in ours["events"]], told
        for row, own in zip(theirs["events"], ours["events"], strict=True):
            assert row[3] == pytest.approx(own[3], abs=1e-12), told
        for label in CLASSES:
            own, other = ours["verdicts"][label], theirs["verdicts"][label]
            assert (own["psds1"], own["psds2"]) == (other["psds1"], other["psds2"]), told
            assert [sum(side) for side in own["collar"]] == [sum(side) for side in other["collar"]], told
            if case[0]["key"] in roomy:
                alike.append(own["collar"] == other["collar"])
    # Where boundaries are far apart there is little choice; in crowds two may answer one event equally well.
    assert len(alike) > 20 and np.mean(alike) > 0.95


def test_crowds_of_detections_are_paired_as_well_as_can_be(page):
    rng = np.random.default_rng(2)
    cases, wanted = [], []
    for _ in range(60):
        linked = rng.random(rng.integers(1, 14, 2)) < rng.choice([0.15, 0.5, 0.9])
        value = rng.uniform(0.01, 1, linked.shape)
        # One pair more outweighs all that the others are worth together.
        rows, columns = linear_sum_assignment(np.where(linked, len(linked) + value, 0), maximize=True)
        partners = np.full(len(linked), -1)
        partners[rows] = np.where(linked[rows, columns], columns, -1)
        wanted.append(partners.tolist())
        cases.append([[np.flatnonzero(row).tolist() for row in linked], value.tolist()])
    assert page.evaluate(PAIRS, cases) == wanted


def test_counts_of_a_subset_are_those_of_python_at_any_threshold(page):
    rng = np.random.default_rng(1)
    scenes = [scene(seed) for seed in range(1, 9)]
    tables, rows = {}, []
    for shown in scenes:
        tables |= score_tables(shown.systems[0].scores[None], [shown.key], CLASSES, shown.systems[0].frame_times)
        rows.append(shown.events.assign(clip_id=shown.key))
    counted = CountedEvents.of(tables, pd.concat(rows), dict.fromkeys(tables, 10.0), CLASSES)
    counts = subset_counts(counted)
    content, buffers = packed_counts(counts)
    asked = [*rng.uniform(0, 1, 40).tolist(), 0.0, 1.0, *counts.steps["psds1"]["Dog"].thresholds[:3].tolist()]
    got = page.evaluate(COUNTS, [content, encoded(buffers), asked])
    for threshold, found in zip(asked, got, strict=True):
        assert found[:3] == [list(map(int, counts.steps["psds1"][label].at(threshold))) for label in CLASSES]
        f1 = []
        for label in CLASSES:
            hits, false_alarms = counts.steps["collar"][label].at(threshold)
            f1.append(2 * hits / (hits + false_alarms + counts.steps["collar"][label].num_events))
        assert found[3] == pytest.approx(np.mean(f1))
        assert found[4] == pytest.approx(counts.steps["collar"]["Dog"].at(threshold)[1] / counts.hours)


def test_systems_that_are_not_counted_on_the_subset_say_so(page):
    caption = page.locator(".tally caption")
    hint = "not counted for these; tick another system above"
    for counts, is_told in (({"set": {"B": ["none"]}}, True), ({}, False), ({"other": {"B": ["none"]}}, False)):
        page.evaluate("counts => model.set('counts', counts)", counts)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert (hint in caption.inner_text()) == is_told
