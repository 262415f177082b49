"""A scene reaches the browser whole, and its detections are those of Python."""

import numpy as np
import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.views import ClipPlayer, ClipView, Scene, System
from sedlab.views.player.picture import detections
from sedlab.views.player.player import spoken
from sedlab.views.player.scene import scene_of

TIMES = np.arange(5) * 0.5
SCORES = np.array([[0.2, 0.9], [0.8, 0.9], [0.8, 0.1], [0.1, 0.1]])


def _system(**more: object) -> System:
    return System("A", SCORES, TIMES, **more)


def test_packed_scene_holds_every_array_to_the_bit():
    events = pd.DataFrame({"onset": [0.5, np.nan], "offset": [1.0, np.nan], "label": ["Dog", "Speech"]})
    scene = Scene("x/a", np.ones(1600) / 2, classes=("Dog", "Speech"), systems=(_system(),), events=events)

    content, buffers = scene.pack()

    (system,) = content["systems"]
    scores = np.frombuffer(buffers[system["ways"]["none"]["buffer"]])
    np.testing.assert_array_equal(scores.reshape(4, 2), SCORES)
    np.testing.assert_array_equal(np.frombuffer(buffers[system["times"]["buffer"]]), TIMES)
    assert system["ways"]["median"] is None and system["boxes"] is None
    assert content["events"] == [
        {"onset": 0.5, "offset": 1.0, "label": "Dog"},
        {"onset": None, "offset": None, "label": "Speech"},
    ]
    mel = content["mel"]
    assert len(buffers[mel["values"]["buffer"]]) == mel["bands"] * mel["frames"]
    assert spoken(scene) == "x/a: Dog, Speech"


def test_detections_follow_threshold_and_post_processing():
    boxes = pd.DataFrame({"onset": [0.0, 1.0], "offset": [1.0, 2.0], "label": ["Dog"] * 2, "confidence": [0.4, 0.7]})
    system = _system(median=np.zeros_like(SCORES), boxes=boxes)
    at = {"Dog": 0.5, "Speech": 0.5}

    raw = detections(system, ("Dog", "Speech"), at, "none")
    assert raw[["onset", "offset", "label"]].values.tolist() == [[0.0, 1.0, "Speech"], [0.5, 1.5, "Dog"]]
    assert detections(system, ("Dog", "Speech"), at, "median").empty
    assert detections(system, ("Dog", "Speech"), at, "boxes")["onset"].tolist() == [1.0]
    assert len(detections(_system(), ("Dog", "Speech"), at, "boxes")) == 2


def test_player_shows_what_it_is_given_and_remembers_a_few():
    asked = []

    def load(key: str) -> Scene:
        asked.append(key)
        return Scene(key, np.zeros(16))

    player = ClipPlayer(load, queue=["a", "b"])
    assert player.key == "a" and player.scene.key == "a" and player.scene is player.scene
    player.go("b", {"onset": 1.0, "offset": 2.0, "label": "Dog"})
    assert player.scene.key == "b" and player.focus["onset"] == 1.0 and asked == ["a", "b"]
    player.refresh()
    assert player.scene.key == "b" and asked == ["a", "b", "b"]
    player.show_clip(ClipView(np.zeros(16), title="one"))
    assert player.queue == ["one"] and player.scene.title == "one"
    with pytest.raises(SedlabError, match="no such clip"):
        ClipPlayer().scene_at("b")


def test_strips_of_a_view_become_systems():
    view = ClipView(np.zeros(16), scores=np.zeros((3, 27)), pseudo=np.ones((3, 27)))
    assert [(s.name, s.role) for s in scene_of(view).systems] == [("scores", "model"), ("pseudo-labels", "pseudo")]
