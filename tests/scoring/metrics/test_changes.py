"""Counted class by class, the numbers are those of the library on all classes at once, and memory stays small."""

import tracemalloc
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.fscores import Collar, Intersection, fscores
from sedlab.scoring.metrics.psds import PSDS1, PSDS2, psds
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.postprocess.median import median_filtered
from sedlab.scoring.scores.file import ScoreFile
from sedlab.scoring.scores.tables import score_tables, sed_scores_eval


def material(num_clips: int, num_classes: int, *, seed: int = 0, frames: int = 50, steps: int = 0):
    """Return a score file, events (two classes a clip) and durations; ``steps``: scores tie at so many levels."""
    rng = np.random.default_rng(seed)
    classes = tuple(f"class{k:03d}" for k in range(num_classes))
    clip_ids = [f"clip{k:03d}" for k in range(num_clips)]
    logits = rng.normal(-1, 2, (num_clips, frames, num_classes))
    if steps:
        logits = np.round(logits * steps / 10)
    rows = []
    for clip_id in clip_ids:
        for label in rng.choice(classes, size=2, replace=False):
            onset = rng.uniform(0, 8)
            rows.append((clip_id, onset, onset + rng.uniform(0.2, 3), label))
    events = pd.DataFrame(rows, columns=["clip_id", "onset", "offset", "label"])
    scores = ScoreFile(clip_ids, logits.astype(np.float32), classes, np.arange(frames + 1) * 10 / frames)
    return scores, events, dict.fromkeys(clip_ids, 10.0)


def library_input(counted: CountedEvents):
    """Return tables and ground truth of what counts as sed_scores_eval takes them."""
    columns = ["onset", "offset", *counted.present]
    truth = {
        clip_id: [
            (on, off, label) for label, (ons, offs) in by_label.items() for on, off in zip(ons, offs, strict=True)
        ]
        for clip_id, by_label in counted.spans.items()
    }
    return {clip_id: counted.scores[clip_id][columns] for clip_id in counted.clip_ids}, truth


@pytest.mark.parametrize("scenario", [PSDS1, PSDS2], ids=["psds1", "psds2"])
@pytest.mark.parametrize(("num_classes", "steps"), [(2, 0), (7, 0), (5, 3), (1, 0)])
def test_psds_equals_the_library_to_the_digit(num_classes, steps, scenario):
    scores, events, durations = material(12, max(2, num_classes), steps=steps)
    counted = CountedEvents.of(scores.tables(), events, durations, scores.classes[:num_classes])
    tables, truth = library_input(counted)
    options = asdict(scenario.among(len(counted.present)))
    overall, per_class, curve, _ = sed_scores_eval().intersection_based.psds(
        tables, truth, counted.seconds, **options, unit_of_time="hour", num_jobs=1
    )
    found = psds(counted, scenario)
    assert found.overall == overall and {k: found.per_class[k] for k in per_class} == per_class
    assert np.array_equal(found.curve.etpr, curve[0]) and np.array_equal(found.curve.efpr, curve[1])


@pytest.mark.parametrize("criterion", [Collar(), Intersection()], ids=["collar", "intersection"])
@pytest.mark.parametrize("steps", [0, 3])
def test_f1_equals_the_library_to_the_digit(criterion, steps):
    scores, events, durations = material(12, 4, seed=1, steps=steps)
    counted = CountedEvents.of(scores.tables(), events, durations, scores.classes)
    tables, truth = library_input(counted)
    based = getattr(sed_scores_eval(), criterion.matching)
    for threshold in (0.5, 0.2, 1 / (1 + np.exp(-1.0)), 0.999):
        at, best = fscores(counted, criterion, threshold)
        wanted, precision, *_ = based.fscore(tables, truth, threshold=threshold, **asdict(criterion))
        assert at.per_class == {label: wanted[label] for label in scores.classes}
        assert at.precision == {label: precision[label] for label in scores.classes}
        wanted, _, _, levels, _ = based.best_fscore(tables, truth, **asdict(criterion))
        assert best.per_class == {label: wanted[label] for label in scores.classes} and best.thresholds == levels


def test_post_processing_when_looked_at_is_post_processing_at_once():
    scores, events, durations = material(6, 3)
    whole = score_tables(scores.probabilities, scores.clip_ids, scores.classes, scores.frame_times)
    boxes = CsebbsParams({"class000": CsebbsSetting(0.5, 0.2), "class001": CsebbsSetting(0.4, np.inf, 2.0)})
    for process in (lambda tables: median_filtered(tables, scores.classes, [1.0] * 3), boxes.scores):
        lazy, of_tables = process(scores.tables()), process(whole)
        assert list(lazy) == list(of_tables) == scores.clip_ids and "absent" not in lazy
        for clip_id in scores.clip_ids:
            pd.testing.assert_frame_equal(lazy[clip_id], of_tables[clip_id], check_exact=True)
        # One class alone has fewer rows, and the same events.
        kept = {clip_id: lazy[clip_id] for clip_id in lazy}
        one, two = (psds(CountedEvents.of(tables, events, durations, scores.classes)) for tables in (lazy, kept))
        assert one.overall == two.overall and one.per_class == two.per_class


def test_memory_is_that_of_one_class_at_a_time():
    scores, events, durations = material(20, 60, frames=156)
    tracemalloc.start()
    try:
        counted = CountedEvents.of(
            median_filtered(scores.tables(), scores.classes, [0.4] * 60), events, durations, scores.classes
        )
        for scenario in (PSDS1, PSDS2):
            psds(counted, scenario)
        fscores(counted)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # All changes of all classes at once would be 200 times this.
    assert peak < 2 * scores.logits.nbytes
