"""The explorer from Python: what is opened, narrowed, computed late, and said when something is not there."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest

from sedlab.errors import SedlabError
from sedlab.views import ClipPlayer, Explorer, Scene
from sedlab.views.explorers.clip_list import LaterColumns, column_kind


def make_clips(num_clips: int = 4) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": [f"devtest/{index}" for index in range(num_clips)],
            "clip": [f"<{index}>" for index in range(num_clips)],
            "annotated": [("Dog",) if index % 2 else () for index in range(num_clips)],
            "entropy": np.nan,
            "missed": np.nan,
        }
    )


def load(key: str) -> Scene:
    return Scene(key, np.zeros(1600, np.float32))


def make_explorer(**options) -> Explorer:
    return Explorer(make_clips(), ClipPlayer(load), classes=("Cat", "Dog"), **options)


def parts():
    by_class = np.asarray([[1, 0.0], [0, 0.5], [0.25, 0], [0, 0]])
    yield LaterColumns({"entropy": by_class.max(axis=1)}, {"entropy": by_class})
    yield LaterColumns({}, what="missed")
    yield LaterColumns({"missed": [0, 1, 2, 3]})


def test_it_opens_with_the_first_clip_and_others_by_key():
    explorer = make_explorer()
    assert (explorer.player.key, len(explorer.player.queue)) == ("devtest/0", 4)

    explorer.open("devtest/2", focus={"onset": 1.0, "offset": 2.0, "label": "Dog"})
    assert explorer.player.key == "devtest/2" and explorer.player.focus["label"] == "Dog"
    with pytest.raises(SedlabError, match=r"devtest/22: no clip of this list\. Did you mean"):
        explorer.open("devtest/22")


def test_narrowing_keeps_the_order_given_frames_its_cases_and_opens_nothing():
    explorer = make_explorer(filters={"label": "Dog"})
    assert list(explorer.chosen["key"]) == ["devtest/1", "devtest/3"]
    focuses = {"devtest/3": {"onset": 0.5, "offset": 1.0, "label": "Dog"}}

    explorer.narrow(["devtest/3", "elsewhere/9", "devtest/0", "devtest/3"], because="missed dogs", focuses=focuses)

    assert list(explorer.chosen["key"]) == explorer.player.queue == ["devtest/3", "devtest/0"]
    assert explorer.player.key == "devtest/1"
    assert explorer.list.narrowed == {"rows": [3, 0], "because": "missed dogs"}
    assert explorer.list.filters["label"] == ""
    # The browser goes on to a clip of it, as n and p do.
    explorer.player.key = "devtest/3"
    assert explorer.player.focus == focuses["devtest/3"]
    explorer.widen()
    assert len(explorer.chosen) == 4
    explorer.player.focus = {}
    explorer.open("devtest/0")
    explorer.player.key = "devtest/3"
    assert explorer.player.focus == {}
    with pytest.raises(SedlabError, match="none of 1 clip is in this list"):
        explorer.narrow(["elsewhere/9"], because="elsewhere")


def test_what_takes_time_is_computed_when_the_browser_asks():
    explorer = make_explorer(parts=parts(), num_parts=3)
    assert explorer.clips["entropy"].isna().all()

    explorer.list._receive(None, {"type": "more"}, [])
    assert explorer.clips["entropy"].tolist() == [1, 0.5, 0.25, 0]
    assert explorer.list.by_class["entropy"][1, 1] == 0.5
    assert explorer.clips["missed"].isna().all() and explorer.list.more
    assert explorer.complete()["missed"].tolist() == [0, 1, 2, 3]
    assert not explorer.list.more
    explorer.list._receive(None, {"type": "more"}, [])  # nothing more: nothing happens


def test_the_browser_gets_numbers_as_numbers_and_names_without_markup():
    explorer = make_explorer(parts=parts(), num_parts=3)
    sent = []
    explorer.list.send = lambda content, buffers=None: sent.append((content, buffers))

    explorer.list.advance()

    (told,), (buffer,) = sent[0][0]["columns"], sent[0][1]
    numbers = np.frombuffer(buffer, "<f4").reshape(3, 4)  # the clips' own, those of the cat, those of the dog
    assert told["classes"] and numbers.tolist() == [[1, 0.5, 0.25, 0], [1, 0, 0.25, 0], [0, 0.5, 0, 0]]
    table = explorer.list.table()
    assert "&lt;0&gt;" in table._dt_args["data_json"] and "<0>" not in table._dt_args["data_json"]
    assert "downsampling_warning" not in table._dt_args


def test_five_thousand_clips_are_all_listed():
    clips = make_clips(5000)
    table = Explorer(clips, ClipPlayer(load)).list.table()
    assert len(pd.read_json(pd.io.common.StringIO(table._dt_args["data_json"]))) == 5000


def test_panels_are_built_when_first_opened_and_their_errors_are_shown_in_their_tab():
    built = []

    def fine(explorer):
        built.append(explorer)
        return widgets.HTML("fine")

    def broken(_explorer):
        raise SedlabError("scores: not there. Run it.")

    explorer = make_explorer(panels={"Fine": fine, "Broken": broken})
    assert built == [] and explorer.tabs.selected_index is None
    explorer.select_panel("Fine")
    explorer.select_panel("Fine")
    assert built == [explorer] and explorer.panel("Fine").value == "fine"
    explorer.select_panel("Broken")
    assert "scores: not there" in explorer.tabs.children[1].children[1].message.value
    assert explorer.panel("Broken") is None
    with pytest.raises(SedlabError, match=r"panel 'Fin': not there\. Did you mean"):
        explorer.select_panel("Fin")


def test_a_list_of_nothing_says_what_to_run_and_two_clips_of_one_key_are_refused():
    explorer = Explorer(make_clips(0), ClipPlayer(load))
    assert "sedlab run mini" in "".join(explorer.still())
    twice = pd.concat([make_clips(1), make_clips(1)])
    with pytest.raises(SedlabError, match="two clips have one key"):
        Explorer(twice, ClipPlayer(load))


def test_columns_are_told_apart_by_what_they_hold():
    many = pd.Series([f"clip {index}" for index in range(100)])
    kinds = [column_kind(pd.Series(values)) for values in ([1.0, np.nan], [("Dog",), ()], ["a", "b"] * 20)]
    assert (*kinds, column_kind(many)) == ("number", "classes", "choice", "text")


def test_what_stays_is_the_clip_in_view_and_how_many_there_are():
    explorer = make_explorer()
    said, picture, *_ = explorer.still()
    assert said == "4 clips listed, clip <b>devtest/0</b>" and picture.startswith(b"\x89PNG")


def test_the_first_scene_is_promised_sent_unasked_and_not_kept():
    player = ClipPlayer(load, queue=["devtest/0", "devtest/1"])
    player.promise_scene()
    assert player.early == {"key": "devtest/0"}
    player.send_early()
    assert player.early["scene"]["key"] == "devtest/0" and player.early["buffers"]
    player._receive(None, {"type": "want", "keys": ["devtest/1"]}, [])
    assert player.early == {}

    # A clip that cannot be read is no longer promised: the browser asks, and shows why.
    broken = ClipPlayer(queue=["devtest/0"])
    broken.promise_scene()
    with pytest.raises(SedlabError, match="no such clip"):
        broken.send_early()
    assert broken.early == {}
