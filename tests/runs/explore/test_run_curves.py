"""The curves of a run: of which systems, on which clips, with the numbers that the run reports."""

from __future__ import annotations

import pytest
from small_run import complete_run

import sedlab
from sedlab import runs
from sedlab.errors import SedlabError
from sedlab.runs.explore.curves import clips_with, curves_of
from sedlab.runs.explore.desk import explore_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("curves"))


def test_areas_are_the_numbers_of_the_run(run):
    curves = curves_of(run, "devtest")
    for metric, scenario in (("psds1", "PSDS1"), ("psds2", "PSDS2")):
        found = curves.curves("ATST, iteration 2", metric, "median")
        expected = runs.psds_of(run, 2, "atst", scenario=scenario)
        assert found.overall.area == expected.overall
        assert {label: curve.area for label, curve in found.classes.items()} == {
            label: value for label, value in expected.per_class.items() if label in expected.class_curves
        }
    seconds = curves_of(run, "maestro_dev")
    assert seconds.metrics == ("mpauc",)
    assert seconds.curves("Ensemble, iteration 1", "mpauc", "none").overall.area == pytest.approx(
        runs.mpauc_of(run, 1, "ensemble").overall, nan_ok=True
    )


def test_the_panel_begins_with_what_the_player_shows_and_lists_clips_of_a_class(run):
    explorer = explore_run(run, subset="devtest", panel="PSD-ROC")
    panel = explorer.panel("PSD-ROC")
    assert panel.player is explorer.player and panel.message.value == ""
    assert [one.system for one in panel.drawn] == ["Ensemble, iteration 1", "Ensemble, iteration 2"]
    panel.choose_class("Vacuum_cleaner")
    assert explorer.player.label == "Vacuum_cleaner"

    panel.open_clips("Vacuum_cleaner")

    events = run.corpus().subset("devtest").events.query("label == 'Vacuum_cleaner'")
    assert set(explorer.chosen.iloc[:, 0]) == {f"devtest/{clip_id}" for clip_id in events["clip_id"]}
    first = events[events["clip_id"] == explorer.player.key.partition("/")[2]].sort_values("onset").iloc[0]
    assert explorer.player.focus["onset"] == first["onset"] and explorer.player.focus["label"] == "Vacuum_cleaner"
    assert clips_with(run, "devtest", "Alarm_bell_ringing").keys() <= set(explorer.clips.iloc[:, 0])


def test_the_line_shows_the_same_curves_again_and_an_iteration_its_models(run):
    explorer = runs.psd_roc(run, iteration=1)
    assert [one.system for one in explorer.drawn] == [
        "fPaSST, iteration 1", "BEATs, iteration 1", "ATST, iteration 1", "Ensemble, iteration 1"
    ]  # fmt: skip
    explorer.controls.label.value = "Alarm_bell_ringing"
    folder = repr(f"runs/{run.name}")
    assert explorer.copy.call.startswith(f"sedlab.runs.psd_roc({folder}, ")
    again = eval(explorer.copy.call.replace(folder, "run", 1), {"sedlab": sedlab, "run": run})
    assert [(one.system, one.label) for one in again.drawn] == [(one.system, one.label) for one in explorer.drawn]
    alone = runs.psd_roc(run, systems=["BEATs, iteration 2"]).controls
    assert (alone.a.value, alone.b.value) == ("BEATs, iteration 1", "BEATs, iteration 2")
    with pytest.raises(SedlabError, match=r"no system 'atst' among these\. There are: .*ATST, iteration 1"):
        runs.psd_roc(run, systems=["atst"])


def test_boxes_of_a_system_without_are_said_to_be_missing(run):
    curves = curves_of(run, "devtest")
    assert ("boxes" in curves.ways) == run.csebbs(1, "ensemble").is_file()
