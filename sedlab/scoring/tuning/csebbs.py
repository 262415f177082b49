"""Search for the parameters of sound event bounding boxes, class by class, by single-class PSDS.

The published grid tries one merging criterion at a time. Candidates depend on the step filter only, and merging is a
comparison at each gap, so that each step filter is run once and its 16 thresholds share what is known of its edges.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from sedlab.postprocess.csebbs import Candidates, find_candidates
from sedlab.progress import Progress, no_progress
from sedlab.scoring.metrics.box_psds import TruthTracks, box_psds, candidate_overlaps, truth_tracks
from sedlab.scoring.metrics.events import CountedEvents
from sedlab.scoring.metrics.psds import PSDS1, Scenario
from sedlab.scoring.postprocess.csebbs import CsebbsParams, CsebbsSetting
from sedlab.scoring.scores.tables import ScoreTables, check_clips, score_arrays
from sedlab.scoring.tuning.choice import CsebbsGrid, Tuning, best_of_each, provenance

#: That of the published CP-JKU system of DCASE 2024 Task 4.
PUBLISHED_GRID = CsebbsGrid(
    steps=(0.38, 0.42, 0.46, 0.5, 0.54, 0.58, 0.62, 0.66),
    absolute=(0.15, 0.175, 0.2, 0.225, 0.25, 0.275, 0.3, 0.325),
    relative=(1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.25),
)


def tune_csebbs(
    counted: CountedEvents,
    *,
    grid: CsebbsGrid = PUBLISHED_GRID,
    scenario: Scenario = PSDS1,
    progress: Progress = no_progress,
) -> Tuning:
    """Choose the setting of each class with the largest PSDS of that class alone.

    Where several reach it the first is kept, step filters being the outer loop, as published.

    Parameters
    ----------
    counted : CountedEvents
        Its classes are tuned.
    scenario : Scenario
        Without cross triggers: a class is tuned alone.
    progress : Progress
        Counts step filters.

    Raises
    ------
    SedlabError
        When no class has an event, a clip with events no scores or no duration, or a score is not in [0, 1].
    """
    scores, classes = counted.scores, counted.classes
    truth = truth_tracks(counted)
    check_clips(scores, truth.clip_ids)
    groups = _tracks(scores, truth)
    values = np.empty((len(classes), len(grid.steps), len(grid.thresholds)))
    for i, step in enumerate(grid.steps):
        candidates = _all_candidates(groups, step)
        overlaps = candidate_overlaps(candidates, truth)
        for j, (absolute, relative) in enumerate(grid.thresholds):
            first, last = candidates.merge(absolute, relative)
            values[:, i, j] = box_psds(candidates, first, last, overlaps, truth, scenario)
        progress(i + 1, len(grid.steps), "step filters")

    settings = [CsebbsSetting(step, *thresholds) for step in grid.steps for thresholds in grid.thresholds]
    chosen, best = best_of_each(classes, values, settings)
    return Tuning(CsebbsParams(chosen, provenance(scenario, asdict(grid), best)), best, grid, values)


def _tracks(scores: ScoreTables, truth: TruthTracks) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return (tracks, frame times, scores (tracks, frames)) for each frame grid in use."""
    clip_index = {clip_id: index for index, clip_id in enumerate(truth.clip_ids)}
    groups = []
    for clip_ids, times, values in score_arrays(scores, truth.clip_ids, truth.classes):
        clips = np.array([clip_index[clip_id] for clip_id in clip_ids])
        tracks = np.arange(len(truth.classes))[:, None] * len(truth.clip_ids) + clips
        groups.append((tracks.reshape(-1), times, values.transpose(2, 0, 1).reshape(tracks.size, -1)))
    return groups


def _all_candidates(groups: list[tuple[np.ndarray, np.ndarray, np.ndarray]], step: float) -> Candidates:
    """Return the candidates of all tracks; the groups' tracks stay apart, whatever their order."""
    parts = [(tracks, find_candidates(values, times, step)) for tracks, times, values in groups]
    names = ("onset", "offset", "area_before_onset", "area_before_offset", "duration_margin")
    joined = {name: np.concatenate([getattr(part, name) for _, part in parts]) for name in names}
    for name in ("depth", "ratio"):
        joined[name] = np.concatenate([np.append(getattr(part, name), np.inf) for _, part in parts])[:-1]
    return Candidates(track=np.concatenate([tracks[part.track] for tracks, part in parts]), **joined)
