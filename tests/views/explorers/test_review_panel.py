"""The panel of decisions with a real list and player: what the player sends is written, counted, and goes on."""

import numpy as np
import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.runs.review.store import Review
from sedlab.views import Scene
from sedlab.views.explorers.explorer import Explorer
from sedlab.views.explorers.reviewing import ReviewPanel
from sedlab.views.player.player import ClipPlayer

EVENTS = pd.DataFrame({"onset": [1.0, 4.0], "offset": [2.0, 5.0], "label": ["Dog", "Cat"]})
KEYS = ["set/a", "set/b", "set/c"]


@pytest.fixture
def desk():
    player = ClipPlayer(lambda key: Scene(key, np.zeros(16_000, dtype=np.float32), events=EVENTS))
    return Explorer(pd.DataFrame({"key": KEYS}), player)


@pytest.fixture
def panel(desk, tmp_path):
    return made(desk, tmp_path)


def made(desk, folder, **options):
    doubted = pd.DataFrame({"key": ["set/b", "set/b", "set/c"], "label": ["Dog", "Cat", "Dog"]})
    doubted = doubted.assign(onset=[1.0, 4.0, 1.0], offset=[2.0, 5.0, 2.0], what="suspect")
    queues = {"suspects": lambda: doubted}
    return ReviewPanel(desk.player, Review(folder / "review.tsv"), desk=desk, queues=queues, reviewer="ann", **options)


def send(panel, decision, *times, label="Dog", what="suspect", action="decide", **more):
    item = {"what": what, "system": "", "label": label, "onset": times[0], "offset": times[1]} if times else None
    message = {"type": "review", "action": action, "key": panel.player.key, "item": item, "decision": decision, **more}
    panel.player._receive(None, message, [])


def test_a_decision_is_written_and_told_to_the_player(panel, tmp_path):
    send(panel, "moved", 1.0, 2.0, what="reference", newOnset=1.25, newOffset=2.5, note="late")
    table = Review(tmp_path / "review.tsv").table()
    assert table[["subset", "clip_id", "decision", "new_onset", "note", "reviewer"]].values.tolist() == [
        ["set", "a", "moved", 1.25, "late", "ann"]
    ]
    (told,) = panel.player.review["decisions"]
    assert (told["decision"], told["newOnset"], told["note"]) == ("moved", 1.25, "late")
    assert "1 decision by ann" in panel.counts.value
    panel.player.go("set/b")
    assert panel.player.review["key"] == "set/b" and panel.player.review["decisions"] == []
    panel.player.go("set/a")
    send(panel, "", action="undo")
    assert panel.player.review["decisions"] == [] and Review(tmp_path / "review.tsv").table().empty


def test_a_queue_is_gone_through_place_by_place(panel, desk):
    panel.source.value = "suspects"
    panel.start()
    assert list(desk.chosen["key"]) == ["set/b", "set/c"]
    assert (desk.player.key, desk.player.focus["label"]) == ("set/b", "Dog")
    assert [one["label"] for one in desk.player.review["suspects"]] == ["Dog", "Cat"]
    panel.advance.value = True
    send(panel, "wrong", 1.0, 2.0)
    assert (desk.player.key, desk.player.focus["label"]) == ("set/b", "Cat")
    assert panel.progress == desk.player.review["progress"] == "1 of 3 decided"
    send(panel, "right", 4.0, 5.0, label="Cat")
    assert desk.player.key == "set/c"
    send(panel, "unsure", 1.0, 2.0)
    assert panel.progress == "3 of 3 decided" and "All 3 are decided" in panel.told.value


def test_the_list_as_it_is_narrowed_is_a_queue(panel, desk):
    desk.narrow(["set/c", "set/a"], "errors", {"set/c": {"onset": 4.0, "offset": 5.0, "label": "Cat"}})
    panel.start()
    assert (desk.player.key, desk.player.focus["label"]) == ("set/c", "Cat")
    send(panel, "right", 1.0, 2.0, what="reference")
    assert panel.progress == "0 of 2 decided"  # another event than the one that is asked about
    send(panel, "right", 4.0, 5.0, label="Cat", what="reference")
    assert panel.progress == "1 of 2 decided"


def test_a_queue_without_anything_says_so_and_one_that_fails_is_no_longer_looked_for(desk, tmp_path):
    def fail():
        raise SedlabError("No cell of errors is open. Press one.")

    none = pd.DataFrame(columns=["key", "label", "onset", "offset", "what"])
    panel = ReviewPanel(
        desk.player, Review(tmp_path / "r.tsv"), desk=desk, queues={"suspects": lambda: none, "cell": fail}
    )
    for source, told, message in (
        ("suspects", "suspects: there is nothing", ""),
        ("cell", "press a bar", "No cell of"),
    ):
        panel.source.value = source
        panel.begin.click()
        assert told in panel.told.value and message in panel.message.value
        assert list(desk.chosen["key"]) == KEYS


def test_decisions_are_there_when_it_is_opened_again_and_belong_to_a_person(panel, desk, tmp_path):
    send(panel, "right", 1.0, 2.0, what="reference")
    again = made(desk, tmp_path)
    assert len(again.decisions) == 1
    again.reviewer.value = "ben"
    assert again.decisions.empty and again.player.review["reviewer"] == "ben"


def test_errors_are_shown_in_the_panel(panel, desk, tmp_path):
    send(panel, "moved", 1.0, 2.0, newOnset=3.0, newOffset=1.0)
    assert "no stretch of time" in panel.message.value
    (tmp_path / "review.tsv").write_text("nonsense\n")
    send(panel, "right", 1.0, 2.0)
    assert "no column" in panel.message.value
    (tmp_path / "review.tsv").unlink()
    panel.reviewer.value = " "
    assert "who decides" in panel.message.value


def test_labels_that_cannot_be_written_are_not_said_to_be_written(desk, tmp_path):
    def fail():
        raise SedlabError("review.tsv: the disk is full. Make room.")

    panel = made(desk, tmp_path, export=fail)
    panel.written.click()
    assert "the disk is full" in panel.message.value and "writing" not in panel.told.value
