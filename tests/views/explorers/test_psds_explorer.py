"""The explorer of curves from Python: controls are set, plotly's clicks dispatched, the thresholds read back."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from generated_clips import CLASSES, maestro_clips, random_clips
from plotly.callbacks import InputDeviceState, Points

from sedlab.errors import SedlabError
from sedlab.scoring.curves.curve_set import CurveSet
from sedlab.scoring.metrics.bootstrap import Resampling
from sedlab.scoring.names import ALL
from sedlab.views import ClipPlayer, PsdsExplorer
from sedlab.views.explorers.curves import working
from sedlab.views.player.call import python_call

BEST = "ensemble, iteration 2"


@pytest.fixture(scope="module")
def curves() -> CurveSet:
    """Three systems of different skill on the same clips."""
    made = [random_clips(24, 5, skill=skill) for skill in (1.0, 2.0, 6.0)]
    clips = [replace(one, events=made[0].events, clips=made[0].clips) for one in made]
    systems = dict(zip(("atst, iteration 1", "ensemble, iteration 1", BEST), clips, strict=True))
    return CurveSet(list(systems), lambda name, way: systems[name].counted, resampling=Resampling(40))


def press(explorer: PsdsExplorer, curve: int, point: int) -> None:
    """Press a point of a curve as the browser tells plotly."""
    lines = [trace for trace in explorer.picture.figure.data if trace.mode == "lines" and trace.showlegend is None]
    line = lines[curve]
    state = InputDeviceState(ctrl=False, alt=False, shift=False, meta=False, button=0, buttons=1)
    line._dispatch_on_click(Points([point], [line.x[point]], [line.y[point]], line.name, 0), state)


def marks(explorer: PsdsExplorer) -> list[tuple[float, float]]:
    return [(trace.x[0], trace.y[0]) for trace in explorer.picture.figure.data if trace.mode == "markers"]


def test_pressing_a_point_sets_the_threshold_of_its_class_and_the_marks_go_there(curves):
    player = ClipPlayer()
    player.postprocess = "none"
    explorer = PsdsExplorer(curves, player=player, systems=curves.systems[1:], label="Dog", interactive=True)
    assert player.label == "Dog" and explorer.controls.way.value == "none"
    line = next(trace for trace in explorer.picture.figure.data if trace.mode == "lines")
    place = len(line.x) - 1

    press(explorer, 0, place)

    (first, second), threshold = explorer.drawn, player.thresholds["Dog"]
    assert set(player.thresholds) == {"Dog"} and first.points["threshold"].iloc[-1] == pytest.approx(threshold)
    assert f"threshold {threshold:.3f}" in line.text[place]
    assert f"finds {first.at.hits} of {first.at.num_positive} events" in line.text[place]
    # On the curve of the one that was pressed; the other stands at the same threshold, on its curve or below it.
    np.testing.assert_allclose(marks(explorer)[0], (first.curve.rate[-1], first.curve.ratio[-1]))
    assert second.at.threshold == threshold and marks(explorer)[1] == (second.at.rate, second.at.ratio)
    assert list(explorer.selection["threshold"]) == [threshold] * 2
    assert explorer.message.value == ""


def test_pressing_the_curve_over_all_classes_sets_a_threshold_for_each(curves):
    player = ClipPlayer()
    player.label, player.thresholds = "", {"Frying": 0.3}
    explorer = PsdsExplorer(curves, player=player, interactive=True)
    (drawn,) = explorer.drawn
    row = len(drawn.points) // 2

    explorer.choose(0, row)

    assert set(player.thresholds) == {*CLASSES, "Frying"} and player.label == ""
    assert explorer.drawn[0].at.ratio == pytest.approx(drawn.points["ratio"].iloc[row])
    assert explorer.drawn[0].at.hits == drawn.points["hits"].iloc[row]
    assert "one for each class" in explorer.said.value


def test_marks_move_with_the_players_slider_and_views_follow_its_class(curves):
    player = ClipPlayer()
    explorer = PsdsExplorer(curves, player=player, label="Cat", interactive=True)
    seen = []
    for threshold in (0.2, 0.5, 0.9):
        player.thresholds = {"Cat": threshold}
        assert f"{threshold:.3f}" in explorer.said.value
        seen.append((explorer.drawn[0].at.hits, explorer.drawn[0].at.false_alarms, marks(explorer)[0]))
    assert seen[0][1] > seen[2][1] and seen[0][2] != seen[2][2]

    player.label = "Speech"
    assert explorer.controls.label.value == "Speech" and explorer.drawn[0].label == "Speech"
    player.postprocess = "none"
    assert explorer.controls.way.value == "none"
    player.label = ""
    assert explorer.controls.label.value == ALL and explorer.drawn[0].label is None
    explorer.controls.label.value = "Dog"
    explorer.controls.way.value = "median"
    assert (player.label, player.postprocess) == ("Dog", "median")


def test_without_a_player_there_is_a_slider_of_its_own(curves):
    explorer = PsdsExplorer(curves, interactive=False)
    slider = explorer._shared.slider
    assert slider in explorer.children
    before = bytes(explorer.picture.value)
    slider.value = 1.0
    assert explorer.drawn[0].at.thresholds == dict.fromkeys(CLASSES, 1.0) and bytes(explorer.picture.value) != before
    explorer.controls.label.value = "Dog"
    slider.value = 0.3
    assert explorer.player.thresholds == {"Dog": 0.3}
    explorer.controls.label.value = "Cat"
    assert slider.value == 1.0
    # With a player there is none: its browser would send thresholds back, late and rounded.
    assert PsdsExplorer(curves, player=ClipPlayer(), interactive=True)._shared.slider is None


def test_a_threshold_beyond_the_end_of_the_curve_is_said_to_be(curves):
    explorer = PsdsExplorer(curves, label="Dog", interactive=True)
    explorer._shared.slider.value = 0.0
    assert "beyond the curve" in explorer.said.value
    (mark,) = (trace for trace in explorer.picture.figure.data if trace.mode == "markers")
    assert mark.x[0] == 100.0 and mark.marker.symbol == "circle-open" and "beyond" in mark.text[0]


def test_bands_and_every_class_apart_are_drawn_on_request(curves):
    explorer = PsdsExplorer(curves, systems=curves.systems[1:], interactive=True)
    assert len(explorer.picture.figure.data) == 4
    explorer.controls.band.value = True
    assert len(explorer.picture.figure.data) == 8 and explorer.progress.layout.display == "none"
    assert sum(trace.fill == "tonexty" for trace in explorer.picture.figure.data) == 2
    press(explorer, 1, 0)
    assert explorer.message.value == ""

    explorer.controls.label.value = "each"
    assert [one.label for one in explorer.drawn] == list(CLASSES) * 2
    assert all(one.band is None for one in explorer.drawn)
    explorer.choose(1, 0)
    assert explorer.player.label == explorer.drawn[1].label == "Dog"


def test_differences_choose_classes_and_open_their_clips(curves):
    narrowed, opened = [], []
    desk = SimpleNamespace(
        player=ClipPlayer(),
        narrow=lambda keys, **options: narrowed.append((keys, options)),
        open=lambda key, focus: opened.append((key, focus)),
    )
    focus = {"onset": 1.0, "offset": 2.0, "label": "Dog"}
    explorer = PsdsExplorer(curves, desk, clips_of=lambda label: {f"devtest/{label}": focus}, interactive=False)
    explorer.controls.a.value, explorer.controls.b.value = curves.systems[0], BEST

    explorer.controls.compare.click()

    table = explorer.table.table
    assert table["label"].iloc[0] == ALL and set(table["label"]) == {ALL, *CLASSES} and table["certain"].any()
    expected = curves.differences(curves.systems[0], BEST, "psds1", explorer.controls.way.value)
    pd.testing.assert_frame_equal(table, expected)
    rows = explorer.table.children[1:]
    assert f", {table['num_positive'].iloc[1]} events</span>" in rows[1].children[-1].value
    assert [row.children[0].description for row in rows] == ["all classes", *table["label"].iloc[1:]]
    rows[2].children[0].click()
    assert explorer.controls.label.value == table["label"].iloc[2] == desk.player.label
    rows[0].children[0].click()
    assert explorer.controls.label.value == ALL
    rows[1].children[1].click()
    label = table["label"].iloc[1]
    assert narrowed == [
        ([f"devtest/{label}"], {"because": f"{label}: annotated", "focuses": {f"devtest/{label}": focus}})
    ]
    assert opened == [(f"devtest/{label}", focus)]
    assert explorer.message.value == ""
    # Another metric makes it another question.
    explorer.controls.metric.value = "psds2"
    assert explorer.table.table.empty and explorer.table.children == ()


def test_files_hold_what_is_in_view(curves, tmp_path):
    explorer = PsdsExplorer(curves, label="Dog", interactive=True)
    for name in ("curves.png", "curves.svg", "curves.tsv"):
        explorer.save(tmp_path / name)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "curves.svg").read_text()
    assert svg.startswith("<svg") and BEST in svg and "Dog" in svg
    table = pd.read_csv(tmp_path / "curves.tsv", sep="\t")
    np.testing.assert_allclose(table["threshold"], explorer.drawn[0].curve.threshold)
    np.testing.assert_allclose(table["ratio"], table["hits"] / table["num_positive"])
    sent = []
    explorer.files.send = lambda content, buffers=None: sent.append((content, buffers))
    explorer.files._receive(None, {"type": "save", "kind": "TSV"}, [])
    assert sent[0][0]["name"] == "psds1_Dog.tsv"
    assert pd.read_csv(io.BytesIO(sent[0][1][0]), sep="\t").equals(table)
    with pytest.raises(SedlabError, match=r"curves\.pdf: curves are saved as \.png, \.svg or \.tsv"):
        explorer.save(tmp_path / "curves.pdf")


def test_the_call_shows_the_same_view_again(curves):
    explorer = PsdsExplorer(
        curves, systems=curves.systems[:2], label="Dog", call=lambda **options: python_call("PsdsExplorer", **options)
    )
    explorer.controls.metric.value = "psds2"
    explorer.choose(0, -1)
    again = eval(explorer.copy.call.replace("(", "(curves, ", 1), {"PsdsExplorer": PsdsExplorer, "curves": curves})
    columns = ["system", "label", "hits", "num_positive", "area"]
    pd.testing.assert_frame_equal(again.selection[columns], explorer.selection[columns])


def test_saved_notebooks_keep_the_picture_and_the_words(curves):
    explorer = PsdsExplorer(curves, systems=[BEST], interactive=True)
    explorer.show_differences()
    parts = list(explorer.still())
    words = " ".join(part for part in parts if isinstance(part, str))
    assert f"Systems: <b>{BEST}</b>" in words and "<table>" in words and "From" not in words
    assert sum(isinstance(part, bytes) for part in parts) == 1


def test_mpauc_is_explored_in_the_same_way():
    clips = [maestro_clips(seed) for seed in (1, 1)]
    curves = CurveSet(["A", "B"], lambda name, way: clips[name == "B"].segments(), metrics=("mpauc",), ways=("none",))
    explorer = PsdsExplorer(curves, systems=["A", "B"], interactive=True)
    assert explorer.controls.way.value == "none" and explorer.picture.figure.layout.title.text == "ROC, mpAUC"
    explorer.controls.label.value = "Cat"
    explorer.choose(0, -1)
    assert explorer.drawn[0].at.ratio == pytest.approx(explorer.drawn[0].curve.ratio[-1])
    assert "seconds" in explorer.picture.figure.data[0].text[0]
    with pytest.raises(SedlabError, match="A: compared with itself"):
        explorer.controls.b.value = "A"
        explorer.show_differences()


def test_what_is_not_there_is_said(curves):
    nothing = CurveSet([], lambda name, way: None)
    explorer = PsdsExplorer(nothing)
    assert "sedlab run mini" in explorer.message.value and explorer.children == (explorer.message,)
    with pytest.raises(SedlabError, match="no system 'beats'"):
        PsdsExplorer(curves, systems=["beats"])

    def broken(name, way):
        raise SedlabError("scores.hdf5: no such scores.")

    explorer = PsdsExplorer(CurveSet(["atst"], broken), interactive=False)
    assert "scores.hdf5: no such scores" in explorer.message.value


def test_work_that_is_cancelled_ends_and_what_is_begun_next_is_finished(monkeypatch):
    """Somebody sits there: work is on a thread, its end on the kernel's own."""
    monkeypatch.setattr(working, "person_present", lambda: True)
    ends, said = [], []

    def until_stopped(progress):
        try:
            while True:
                progress(5, 10, "steps")
                time.sleep(0.001)
        finally:
            ends.append(threading.current_thread())

    def broken(progress):
        raise SedlabError("scores: gone.")

    def run(handler):
        try:
            handler()
        except SedlabError as error:
            said.append(str(error))

    async def wait_for(happened):
        for _ in range(6000):
            if happened():
                return
            await asyncio.sleep(0.02)
        pytest.fail("it did not happen")

    async def person():
        bar = working.WorkingBar(run)
        assert not bar.begin("steps", 1, until_stopped, lambda: ends.append("done"), lambda: ends.append("cancelled"))
        await wait_for(lambda: bar.bar.value == 0.5)
        assert bar.layout.display == "" and bar.job == 1 and ends == []
        bar.button.click()
        assert bar.layout.display == "none" and bar.job is None and ends[0] == "cancelled"
        bar.begin("more", 2, lambda _: None, lambda: ends.append(threading.current_thread()), lambda: None)
        await wait_for(lambda: len(ends) == 3)
        assert ends[1].name == "curves" and ends[2] is threading.main_thread()
        bar.begin("more", 3, broken, lambda: ends.append("done"), lambda: None)
        await wait_for(lambda: said)
        assert said == ["scores: gone."] and len(ends) == 3 and bar.layout.display == "none"

    asyncio.run(person())
