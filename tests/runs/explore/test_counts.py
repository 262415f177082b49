"""Thresholds of a run: counts are those of the run's own scoring, what is saved is marked, the call is executed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from small_run import complete_run

from sedlab.errors import SedlabError
from sedlab.runs.errors import error_cases
from sedlab.runs.explore.counts import marks_of, offer_thresholds, system_counts
from sedlab.runs.explore.desk import explore_run
from sedlab.runs.explore.systems import ScoredSystem
from sedlab.scoring.errors.kinds import CORRECT, DETECTION, EVENT
from sedlab.scoring.thresholds.file import Thresholds
from sedlab.views import ClipPlayer

ENSEMBLE = ScoredSystem(2, "ensemble")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("counted"))


@pytest.mark.parametrize("way", ["none", "median"])
def test_counts_are_those_of_the_errors_at_that_threshold(run, way):
    counts = system_counts(run, ENSEMBLE, "devtest", way)
    events = run.corpus().subset("devtest").events
    number = 0
    for threshold in (0.2, 0.5, 0.7):
        cases = error_cases(run, 2, "ensemble", threshold=threshold, postprocess=way)
        # Clips without event are not scored.
        cases = cases[cases["clip_id"].isin(events["clip_id"])]
        for label, steps in counts.steps["collar"].items():
            own = cases[cases["label"] == label]
            found, wanted = own[own["side"] == DETECTION], own[own["side"] == EVENT]
            hits = int((found["outcome"] == CORRECT).sum())
            assert steps.at(threshold) == (hits, len(found) - hits) and steps.num_events == len(wanted)
            number += len(found)
    assert number > 20


def test_what_cannot_be_counted_is_said_in_a_line(run):
    with pytest.raises(SedlabError, match="no event boxes were tuned"):
        system_counts(run, ScoredSystem(2, "atst", "stage1"), "devtest", "boxes")


def test_a_player_is_offered_counts_and_marks_what_was_saved(run):
    player = ClipPlayer()
    offer_thresholds(run, player, [ENSEMBLE], ["devtest"])
    assert "median" in player.counts["devtest"][ENSEMBLE.name] and player.marks == marks_of(run)
    sent = []
    player.send = lambda content, buffers=None: sent.append((content, buffers))
    ask = {"type": "counts", "subset": "devtest", "system": ENSEMBLE.name, "way": "none"}
    player._receive(None, ask, [])
    player._receive(None, {**ask, "way": "boxes"}, [])
    (content, buffers), (again, _) = sent
    assert content["clips"] > 0 and len(np.frombuffer(buffers[0])) * 4 == len(buffers[1])
    assert again["way"] == "boxes"

    player.threshold, player.thresholds, player.postprocess = 0.4, {"Dog": 0.25}, "none"
    path = player.save_thresholds()
    assert path == run.path / "thresholds.json" and Thresholds.read(path).provenance["run"] == run.name
    marks = marks_of(run)
    assert marks["Dog"] == {"default": 0.5, "saved": 0.25} and marks["Cat"]["saved"] == marks[""]["saved"] == 0.4
    other = ClipPlayer()
    other.load_thresholds(path)
    assert (other.threshold, dict(other.thresholds), other.postprocess) == (0.4, {"Dog": 0.25}, "none")
    path.unlink()


def test_the_call_of_an_explorer_shows_its_view_again(run):
    explorer = explore_run(run, subset="devtest")
    player = explorer.player
    player.at(player.queue[1], threshold=0.3, thresholds={"Dog": 0.2}, span=(1, 4), postprocess="none", label="Dog")
    # Its corpus is in memory alone, so the run is not opened anew.
    opened = SimpleNamespace(open_run=lambda path: run if run.project / path == run.path else None)
    again = eval(player.call, {"sedlab": opened})
    assert again.player.call == player.call and "shown" not in player.call
    assert again.player.detections().equals(player.detections()) and len(player.detections())
