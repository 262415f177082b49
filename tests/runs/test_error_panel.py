"""The error browser of a run: each case with its system, at the thresholds at which it was found."""

from __future__ import annotations

import pandas as pd
import pytest
from small_run import complete_run

from sedlab.errors import SedlabError
from sedlab.runs.errors import error_cases
from sedlab.runs.explore.cases import cases_at, panel
from sedlab.runs.explore.scenes import key_of, scene_of_clip
from sedlab.runs.explore.systems import ScoredSystem, scored_systems_of
from sedlab.scoring.errors.changes import error_changes
from sedlab.scoring.errors.setting import Setting
from sedlab.views import ClipPlayer
from sedlab.views.explorers.explorer import Explorer
from sedlab.views.player.picture import detections

TIMES = ["onset", "offset", "label"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def desk(run):
    systems = scored_systems_of(run, "devtest")
    keys = [key_of("devtest", clip_id) for clip_id in run.corpus().subset("devtest").clips["clip_id"]]
    player = ClipPlayer(lambda key: scene_of_clip(run, key, systems), queue=keys)
    explorer = Explorer(
        pd.DataFrame({"key": keys}), player, panels={"Errors": lambda desk: panel(run, desk, systems, "devtest")}
    )
    explorer.select_panel("Errors")
    return explorer


def pictured(player: ClipPlayer, system: str) -> set[tuple]:
    """The events of a system that the player draws."""
    scene = player.scene
    (drawn,) = [one for one in scene.systems if one.name == system and one.name in player.shown]
    thresholds = Setting.of(player.threshold, player.thresholds).of_classes(scene.classes)
    found = detections(drawn, scene.classes, thresholds, player.postprocess)
    return {tuple(row) for row in found[TIMES].to_numpy().tolist()}


def press(errors, row: str, column: str) -> None:
    """Press a cell, as the browser tells of it."""
    errors.matrix._receive(errors.matrix, {"type": "open", "row": row, "column": column}, [])
    assert errors.message.value == ""


@pytest.mark.parametrize("setting", [Setting(), Setting.of(0.3, {"Dog": 0.6, "Cat": 0.2}, "none")], ids=str)
def test_every_listed_false_alarm_is_in_the_picture(desk, setting):
    errors, player = desk.panel("Errors"), desk.player
    player.threshold, player.thresholds, player.postprocess = setting.threshold, setting.thresholds, setting.postprocess
    errors._count_again()
    assert errors.setting == setting and errors.again.disabled
    listed = 0
    for system in errors.systems:
        errors.choose(system=system)
        press(errors, "all", "false alarm")
        assert set(errors.selection["outcome"]) == {"false alarm"}
        for clip_id in errors.selection["clip_id"].unique():
            cases = [tuple(case) for case in errors.selection.query("clip_id == @clip_id")[TIMES].to_numpy()]
            # Meanwhile the person has turned every knob.
            player.threshold, player.postprocess, player.shown = 0.9, "median", []
            errors._show(errors.selection["clip_id"].tolist().index(clip_id))
            assert dict(player.focus) == dict(zip(TIMES, cases[0], strict=True))
            assert player.label == cases[0][-1]
            assert set(cases) <= pictured(player, system)
            listed += len(cases)
    assert len(errors.systems) == 8 and listed > 500


def test_a_pressed_cell_narrows_the_list_and_opens_its_first_case(desk):
    errors = desk.panel("Errors")
    errors.choose(system="ATST, iteration 2")
    press(errors, "Speech", "false alarm")
    cases = errors.selection
    assert cases["confidence"].is_monotonic_decreasing and set(cases["label"]) == {"Speech"}
    assert desk.chosen["key"].tolist() == list(dict.fromkeys("devtest/" + cases["clip_id"]))
    assert "ATST, iteration 2: Speech, false alarm" in desk.list.narrowed["because"]
    assert desk.player.key == "devtest/" + cases["clip_id"].iloc[0] and desk.player.shown == ["ATST, iteration 2"]
    # On and back by the buttons; the player follows, also within one clip.
    errors.cases.next.click()
    assert errors.case.name == cases.index[1] and desk.player.focus["onset"] == cases["onset"].iloc[1]
    assert "2 of " in errors.cases.count.value and errors.cases.chosen.value == 1
    errors.cases.back.click()
    assert errors.case.name == cases.index[0] and errors.cases.back.disabled
    # And the list of cases follows a clip that is opened elsewhere.
    other = next(clip_id for clip_id in cases["clip_id"] if clip_id != cases["clip_id"].iloc[0])
    desk.player.go(f"devtest/{other}")
    assert errors.case["clip_id"] == other


def test_a_change_is_heard_with_both_systems(run, desk):
    errors = desk.panel("Errors")
    errors.choose(system="Ensemble, iteration 2", table="changes", other="Ensemble, iteration 1")
    expected = error_changes(error_cases(run, 1, "ensemble"), error_cases(run, 2, "ensemble"))
    for change in ("new", "gone", "still there"):
        assert errors.matrix.matrix.count("all", change) == (expected["change"] == change).sum() > 0
    press(errors, "all", "new")
    assert desk.player.shown == ["Ensemble, iteration 1", "Ensemble, iteration 2"]
    case = tuple(errors.case[TIMES])
    assert case in pictured(desk.player, "Ensemble, iteration 2")
    assert case not in pictured(desk.player, "Ensemble, iteration 1")
    assert "new: not there, now" in errors.cases.chosen.options[0][0]


def test_it_counts_again_only_when_asked(desk):
    errors, player = desk.panel("Errors"), desk.player
    errors.choose(system="BEATs, iteration 1", table="detections")
    before = errors.matrix.matrix.count("all", "false alarm")
    player.threshold = 0.7
    assert not errors.again.disabled and errors.matrix.matrix.count("all", "false alarm") == before
    errors.again.click()
    assert errors.again.disabled and errors.matrix.matrix.count("all", "false alarm") < before
    assert "At threshold 0.7, median filter" in errors.told.value


def test_boxes_are_asked_for_only_where_there_are_some(run):
    system = ScoredSystem(2, "atst")
    found = cases_at(run, system, "devtest", Setting(postprocess="boxes"))
    pd.testing.assert_frame_equal(found, error_cases(run, 2, "atst", postprocess="none"))


def test_sets_without_times_are_refused(run):
    with pytest.raises(SedlabError, match=r"annotated|no times"):
        cases_at(run, ScoredSystem(2, "atst"), "audioset_eval", Setting())
