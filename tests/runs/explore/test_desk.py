"""`explore` on a small run: what is listed, with which numbers, and what happens where a run lacks something."""

from __future__ import annotations

import gc
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
from ipywidgets.widgets import widget as all_widgets
from small_run import complete_run

import sedlab
from sedlab.data.review.decisions import REFERENCE, Decision
from sedlab.errors import SedlabError
from sedlab.labels import CLASSES, DESED_CLASSES
from sedlab.runs.errors import error_cases
from sedlab.runs.explore.desk import PANELS, explore_run
from sedlab.runs.review.store import review_of
from sedlab.scoring.errors.tables import error_table
from sedlab.scoring.scores.file import read_score_file


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return complete_run(tmp_path_factory.mktemp("explored"))


@pytest.fixture(scope="module")
def explorer(run):
    explorer = explore_run(run)
    explorer.complete()
    return explorer


def test_all_subsets_with_scores_are_listed_those_to_evaluate_with_first(explorer):
    clips = explorer.clips
    assert list(dict.fromkeys(clips["subset"])) == ["devtest", "maestro_dev", "strong_train"]
    assert explorer.player.key == "devtest/devtest_0"
    assert clips["annotated"][0] == ("Alarm_bell_ringing", "Vacuum_cleaner")
    assert explorer.player.shown == ["Ensemble, iteration 2", "Ensemble, iteration 1"]
    scene = explorer.player.scene
    assert [system.name for system in scene.systems][:2] == ["Ensemble, iteration 2", "fPaSST, iteration 2"]
    assert {"pseudo-labels, iteration 1", "ATST, iteration 1"} <= {system.name for system in scene.systems}


def test_numbers_are_those_of_the_files(run, explorer):
    """Clip by clip, frame by frame, from the files alone."""
    read = {
        (iteration, model): read_score_file(run.score_file(iteration, model, "devtest"))
        for iteration in (1, 2)
        for model in (*run.experiment.archs, "ensemble")
    }
    columns, row = [CLASSES.index(label) for label in DESED_CLASSES], 2
    name = "devtest_2"

    def frames(iteration, model):
        file = read[iteration, model]
        return 1 / (1 + np.exp(-file.logits[file.clip_ids.index(name)][:, columns].astype(float)))

    now, before = frames(2, "ensemble"), frames(1, "ensemble")
    students = np.stack([frames(2, arch) for arch in run.experiment.archs])
    told = explorer.clips.iloc[row]
    assert told["clip"] == name
    assert told["confidence"] == pytest.approx(now.max(), abs=1e-6)
    assert told["disagreement"] == pytest.approx(students.std(axis=0).mean(axis=0).max(), abs=1e-6)
    assert told["change"] == pytest.approx(np.abs(now - before).mean(axis=0).max(), abs=1e-6)
    assert told["gained s"] == pytest.approx(((now > 0.5) & (before <= 0.5)).sum() * 0.064, abs=1e-4)
    by_class = explorer.list.by_class["change"]
    assert by_class[row, columns[3]] == pytest.approx(np.abs(now - before)[:, 3].mean(), abs=1e-6)
    assert np.isnan(by_class[row, CLASSES.index("car")])  # nobody listened for cars there


def test_errors_are_those_that_the_run_names(run, explorer):
    table = error_table(error_cases(run, 2, "ensemble"), "clip_id").set_index("clip_id")
    listed = explorer.clips[explorer.clips["subset"] == "devtest"].set_index("clip")
    assert listed["missed"].tolist() == [table["missed"].get(name, 0) for name in listed.index]
    assert listed["boundaries"].sum() == table.loc["all", [name for name in table if "set " in name]].sum()
    detected = error_table(error_cases(run, 2, "ensemble"), "clip_id", "detection").set_index("clip_id")
    assert listed["false alarms"].sum() == detected.loc["all", ["false alarm", "duplicate"]].sum()
    assert explorer.clips.loc[explorer.clips["subset"] == "maestro_dev", "missed"].isna().all()


def test_a_chosen_system_comes_first_with_its_thresholds_and_its_call(run):
    explorer = explore_run(run, subset="devtest", iteration=1, model="atst", threshold={"Dog": 0.3}, label="Dog")
    assert explorer.player.shown[0] == "ATST, iteration 1"
    assert explorer.player.thresholds == {"Dog": 0.3}
    assert explorer.call == (
        "sedlab.open_run('runs/small').explore(subset='devtest', iteration=1, model='atst', label='Dog')"
    )
    assert "change" not in explorer.clips  # there is no iteration before the first


def test_decisions_are_listed_and_follow_what_is_decided_meanwhile(run):
    explorer = explore_run(run, subset="devtest")
    assert set(explorer.clips["decision"]) == {"none"}
    wrong = Decision("devtest", "devtest_1", 1.0, 4.0, "Blender", REFERENCE, "wrong")
    review_of(run).add(wrong)
    review_of(run).add(replace(wrong, onset=5.0, offset=8.0, label="Vacuum_cleaner", decision="right"))

    explorer.player.review = {"decided": 2}

    assert explorer.clips["decision"].tolist() == ["none", "right, wrong", "none", "none"]
    run.review.unlink()


def test_a_run_with_less_lists_less(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "runs/less")
    less = type(run)(tmp_path / "runs/less", run.experiment)
    shutil.rmtree(less.path / "iteration2")
    for arch in ("passt", "beats"):
        shutil.rmtree(less.scores_dir(1, "stage2", arch))
    clips = explore_run(less).complete()
    assert {"confidence", "missed"} <= set(clips) and not {"change", "disagreement"} & set(clips)
    shutil.rmtree(less.path / "iteration1")
    nothing = explore_run(less)
    assert "confidence" not in nothing.complete() and nothing.player.scene.systems == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subset": "devtets"}, "devtets.*devtest"),
        ({"panel": "Error"}, "panel 'Error': not there.*Errors"),
        ({"iteration": 3}, "no scores of .* by Ensemble, iteration 3. There are: .*Ensemble, iteration 2"),
        ({"subset": "devtest", "systems": ["ATST iteration 1"]}, "ATST, iteration 1"),
        ({"label": "Dgo"}, "Dgo.*Dog"),
        ({"key": "devtest/nothing"}, "no clip of this list"),
    ],
)
def test_what_is_not_there_is_said_with_what_there_is(run, options, message):
    with pytest.raises(SedlabError, match=message):
        explore_run(run, **options)


def test_a_folder_without_a_run_asks_for_the_detector(tmp_path):
    with pytest.raises(SedlabError, match=r"is no run folder.*checkpoint=FILE"):
        sedlab.explore(tmp_path)
    with pytest.raises(SedlabError, match="no such run folder"):
        sedlab.explore(tmp_path / "nothing")


def test_a_closed_panel_is_freed_and_hears_of_nothing(run):
    explorer = explore_run(run)
    player = explorer.player
    for name in PANELS:
        gc.collect()
        alive = set(all_widgets._instances)
        explorer.select_panel(name)
        panel = explorer.panel(name)
        assert panel.message.value == ""
        held = weakref.ref(panel)

        explorer.close_panel(name)

        assert explorer.panel(name) is None and explorer.message.value == ""
        del panel
        gc.collect()
        assert held() is None, name
        assert not {type(all_widgets._instances[one]).__name__ for one in set(all_widgets._instances) - alive}, name
        assert player.review == {}
        player.threshold, player.label, player.key = 0.4, "Dog", player.queue[1]
        explorer.select_panel(name)
        assert explorer.panel(name).message.value == ""
