"""The panel of pseudo-labels from Python: with the list and player it belongs to, and alone."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sedlab.scoring.audit.compared import ComparedSubset
from sedlab.scoring.scores.file import ScoreFile
from sedlab.views import ClipPlayer, PseudoLabelExplorer
from sedlab.views.explorers.explorer import Explorer
from sedlab.views.player.scene import Scene

CLASSES = ("Blender", "Dog", "Speech", "car")
CLIPS = pd.DataFrame({"clip_id": ["a", "b", "c"], "duration": 10.0})
TIMES = np.linspace(0, 10, 101)


def scores(*events: tuple[int, str, float, float, float]) -> ScoreFile:
    """Return scores that are 0.01 but for events: clip, label, onset, offset, logit."""
    logits = np.full((3, 100, len(CLASSES)), -4.6, np.float32)
    for clip, label, onset, offset, logit in events:
        logits[clip, round(10 * onset) : round(10 * offset), CLASSES.index(label)] = logit
    return ScoreFile(list("abc"), logits, CLASSES, TIMES)


FIRST = scores((0, "Blender", 1, 9, 2), (1, "Blender", 2, 3, 2), (2, "Dog", 0, 1, 1), (1, "car", 0, 5, 3))
SECOND = scores((0, "Blender", 8, 9, 2), (1, "Blender", 2, 3, 0.5), (2, "Dog", 0, 3.5, 1), (1, "Speech", 4, 6, 1))
SUSPECTS = pd.DataFrame(
    {
        "clip_id": ["c", "a", "c"],
        "label": ["Dog", "Blender", "Speech"],
        "onset": [0.0, 1.0, 5.0],
        "offset": [1.0, 2.0, 6.0],
    }
).assign(kind="denied", score=[0.9, 0.8, 0.7], atst=0.1)


def subsets(**options) -> dict[str, ComparedSubset]:
    both = {"iteration 1": lambda: FIRST, "iteration 2": lambda: SECOND}
    return {"train": ComparedSubset(CLIPS, both, CLASSES[:3], ("car",), **options)}


@pytest.fixture
def desk() -> Explorer:
    keys = [f"train/{name}" for name in "abcd"]
    player = ClipPlayer(lambda key: Scene(key, np.zeros(160_000, np.float32), classes=CLASSES), queue=keys)
    return Explorer(pd.DataFrame({"key": keys, "subset": "train"}), player)


def test_a_bar_narrows_the_list_and_frames_what_was_lost(desk):
    panel = PseudoLabelExplorer(subsets(), desk=desk)
    assert "Most lost: Blender (78 %, 7.0 s in 1 clip)" in panel.sentence.value

    panel.table.press("Blender", "lost")
    assert panel.selection[["key", "seconds", "onset", "offset"]].to_numpy().tolist() == [
        ["train/a", pytest.approx(7.0), pytest.approx(1.0), pytest.approx(8.0)]
    ]
    assert list(desk.chosen["key"]) == desk.player.queue == ["train/a"]
    assert desk.player.key == "train/a" and desk.player.label == "Blender"
    assert desk.player.focus == {"onset": pytest.approx(1.0), "offset": pytest.approx(8.0), "label": "Blender"}
    # All classes: the clip that changed most comes first, framed on its own longest stretch.
    panel.table.press("all", "")
    assert desk.player.queue == ["train/a", "train/c", "train/b"]
    desk.open("train/b")
    assert desk.player.focus["label"] == "Speech"
    assert panel.message.value == ""


def test_the_threshold_is_that_of_the_player(desk):
    desk.player.threshold = 0.4
    panel = PseudoLabelExplorer(subsets(), desk=desk)
    assert panel.threshold.value == 0.4
    # 0.5 is a probability of 0.62.
    desk.player.threshold = 0.7
    by_class = panel.between.changes.by_class.set_index("label")
    assert by_class.loc["Blender", "lost"] == pytest.approx(8.0) and by_class.loc["Dog", "after"] == pytest.approx(3.5)
    panel.threshold.value = 0.8
    assert desk.player.threshold == 0.8
    assert panel.between.changes.by_class.set_index("label").loc["Dog", "after"] == 0
    desk.player.thresholds = {"Dog": 0.5}
    assert panel.between.changes.by_class.set_index("label").loc["Dog", "after"] == pytest.approx(3.5)
    assert "own thresholds: Dog" in panel.sentence.value


def test_suspected_labels_become_a_list(desk):
    panel = PseudoLabelExplorer(subsets(suspects=lambda: SUSPECTS), desk=desk)
    panel.at(show="suspected labels")
    assert len(panel.suspected.contents["rows"]) == 3
    panel.suspected.press("2")
    assert desk.player.queue == ["train/c", "train/a"]
    assert desk.player.focus == {"onset": 5.0, "offset": 6.0, "label": "Speech"}
    assert panel.shown_table().equals(SUSPECTS)


def test_what_the_mask_hides_is_shown_when_asked_for():
    panel = PseudoLabelExplorer(subsets())
    assert [row["name"] for row in panel.table.contents["rows"]] == ["all", "Blender", "Dog", "Speech"]
    panel.masked.value = True
    last = panel.table.contents["rows"][-1]
    assert last["name"] == "car" and last["faint"] and last["cells"]["class"] == "car (masked)"
    # The classes that a student learns are told of together, masked or not.
    assert panel.table.contents["rows"][0]["cells"]["before"] == pytest.approx(10.0)


def test_bars_say_what_pressing_them_shows():
    row = PseudoLabelExplorer(subsets()).table.contents["rows"][1]
    assert [bar["told"] for bar in row["bars"]] == [
        "Blender: lost 78 %, 7.0 s in 1 clip",
        "Blender: kept 22 %, 2.0 s in 2 clips",
        "Blender: gained 0 %, 0.0 s in 0 clips",
    ]


def test_the_view_is_saved_and_remade():
    panel = PseudoLabelExplorer(subsets(), call="remade")
    panel.at(threshold=0.7, label="Blender", part="lost")
    name, table = panel.saving.file("TSV")
    read = pd.read_csv(io.BytesIO(table), sep="\t").set_index("label")
    assert name == "pseudo_labels_train_seconds_by_class.tsv" and read.loc["Blender", "lost"] == pytest.approx(8.0)
    assert Image.open(io.BytesIO(panel.saving.file("PNG")[1])).size > (400, 100)
    assert ElementTree.fromstring(panel.saving.file("SVG")[1]).tag.endswith("svg")
    again = eval(panel.copy.call, {"remade": PseudoLabelExplorer(subsets(), call="remade")})
    assert again.copy.call == panel.copy.call and again.selection.equals(panel.selection)
    assert again.threshold.value == 0.7


def test_alone_it_counts_and_shows_pictures_of_every_view():
    panel = PseudoLabelExplorer.of_scores({"theirs": FIRST, "ours": SECOND})
    assert len(panel.between.taught) == 4
    for shown in ("seconds by class", "confidence", "class mask"):
        panel.shown.value = shown
        assert [Image.open(io.BytesIO(part)).width > 300 for part in panel.still() if isinstance(part, bytes)] == [True]
        assert panel.message.value == ""
    panel.shown.value = "suspected labels"
    assert "Nobody labelled" in panel.sentence.value
    panel.hear("Blender", "lost")
    assert panel.selection["clip_id"].tolist() == ["a"]


@pytest.mark.parametrize("subsets", [None, {}, {"train": ComparedSubset(CLIPS, {"only one": lambda: FIRST}, CLASSES)}])
def test_with_nothing_to_compare_it_says_what_to_run(subsets):
    panel = PseudoLabelExplorer(subsets)
    assert "sedlab run mini" in panel.message.value and panel.children == (panel.message,)
    assert list(panel.still()) == [panel.message.value]


def test_an_error_is_shown_in_the_panel():
    def fail():
        raise OSError("the disk is gone")

    both = {"one": lambda: FIRST, "other": fail}
    panel = PseudoLabelExplorer({"train": ComparedSubset(CLIPS, both, CLASSES)})
    assert "the disk is gone" in panel.message.value


def test_sets_of_clips_are_counted_beside_each_other_and_open_their_clips(desk):
    both = {"iteration 1": lambda: FIRST, "iteration 2": lambda: SECOND}
    alone = ComparedSubset(CLIPS, {"iteration 1": lambda: FIRST, "labels": lambda: SECOND}, CLASSES)
    other = ComparedSubset(CLIPS.iloc[:2], both, CLASSES)
    panel = PseudoLabelExplorer({"val": other, **subsets(), "labelled": alone}, subset="val", desk=desk)
    panel.shown.value = "seconds by set"
    # Both sets that have the two iterations; each with the classes that it teaches: "car" is masked in train.
    table = panel.shown_table().set_index("subset")
    assert list(table.index) == ["val", "train"] and list(table["clips"]) == [2, 3]
    assert table.loc["train", ["lost", "kept", "gained"]].tolist() == pytest.approx([7.0, 3.0, 4.5])
    assert table.loc["val", ["lost", "kept", "gained"]].tolist() == pytest.approx([12.0, 2.0, 2.0])
    assert table.loc["train", ["lost_clips", "kept_clips", "gained_clips"]].tolist() == [1, 3, 2]
    assert "2 sets of clips. Largest share lost: val (86 %, 12.0 s in 2 clips of 2)." in panel.sentence.value
    told = [bar["told"] for bar in panel.sets.contents["rows"][1]["bars"]]
    assert told[0] == "train: lost 70 %, 7.0 s in 1 clip"

    panel.sets.press("train", "gained")
    assert panel.subset.value == "train" and desk.player.queue == ["train/c", "train/b"]
    assert panel.shown.value == "seconds by set" and panel.sets.pressed == ["train", "gained"]
    assert Image.open(io.BytesIO(panel.saving.file("PNG")[1])).width > 300 and panel.message.value == ""
