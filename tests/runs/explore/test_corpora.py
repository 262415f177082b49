"""A corpus explored before anything is trained: what people wrote, what is heard, and files that cannot be read."""

from __future__ import annotations

import pandas as pd
import pytest
import soundfile

import sedlab
from sedlab.errors import SedlabError
from sedlab.runs.clips import label_kinds
from sedlab.runs.explore.corpora import _covered


def test_clips_of_a_data_root_are_listed_with_what_people_wrote_and_heard(nano):
    corpus, _ = nano
    explorer = sedlab.explore(corpus.root)
    clips = explorer.clips.set_index("key")
    assert len(clips) == len(corpus)
    weak = clips[clips["subset"] == "weak_train"]
    assert (weak["labelled s"] == 0).all() and weak["annotated"].map(len).min() > 0
    # The other corpus's name for the same sound is not what people wrote.
    assert not weak["annotated"].map(lambda labels: "people talking" in labels).any()
    unlabelled = clips.index[clips["subset"] == "unlabeled_train"][0]
    assert explorer.player.scene_at(unlabelled).events is None
    scene = explorer.player.scene_at(weak.index[0])
    assert "car" not in scene.classes and len(scene.waveform) > 0
    explorer.complete()
    assert explorer.clips["peak"].between(0.001, 1).all()
    assert (explorer.clips["problem"] == "").all()


def test_one_subset_and_a_file_that_cannot_be_read(nano, tmp_path):
    corpus, _ = nano
    part = corpus.subset("synth_train")
    for name in part.clips["audio"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, [0.5, -0.25] * 800, 16_000)
    broken = tmp_path / part.clips["audio"].iloc[0]
    broken.write_bytes(b"no sound")
    moved = type(part)(clips=part.clips, events=part.events, root=tmp_path)
    explorer = sedlab.explore(moved, subset="synth_train")
    clips = explorer.complete()
    assert "synth_train" in explorer.call
    assert broken.name in clips["problem"][0] and clips["peak"][1] == 0.5
    with pytest.raises(SedlabError, match=broken.name):
        explorer.player.scene_at(clips["key"][0])
    with pytest.raises(SedlabError, match="weak_train"):
        sedlab.explore(moved, subset="weak_train")


def test_seconds_in_which_events_overlap_count_once():
    assert _covered(pd.DataFrame({"onset": [3.0, 0.0, 0.5, 1.0], "offset": [4.0, 2.0, 1.0, 2.5]})) == 3.5


def test_there_is_a_clip_of_each_kind_of_label(nano):
    corpus, _ = nano
    shown = label_kinds(corpus)
    assert list(shown) == ["strong", "soft", "weak", "none"]
    assert shown["strong"].title == "strong_train" and shown["none"].events is None
    assert shown["weak"].events["onset"].isna().all()
