"""Which span of which video a clip is, and which clips the tables want."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedlab.data.acquisition.wanted import SETS, absent_clips, sets_of, wanted_clips
from sedlab.data.corpora.video_names import VideoSpan, video_ids, video_span
from sedlab.data.tsv import write_tsv
from sedlab.errors import SedlabError

OTHER = "Yabc_efghij-_5.000_12.5.wav"
VIDEO_IDS = st.text("ABCYZabcyz0189-_", min_size=11, max_size=11)


@given(VIDEO_IDS, st.integers(0, 30_000_000), st.integers(1, 20_000))
def test_all_spellings_name_the_same_span(video_id, start, length):
    end = start + length
    span = VideoSpan(video_id, start / 1000, end / 1000)
    assert video_span(f"Y{video_id}_{start / 1000:.3f}_{end / 1000:.3f}") == span
    assert video_span(f"{video_id}_{start // 1000}_{end // 1000 + 1}") == VideoSpan(
        video_id, start // 1000, end // 1000 + 1
    )
    assert video_span(f"{video_id}_{start}") == VideoSpan(video_id, start / 1000, start / 1000 + 10)


@pytest.mark.parametrize("name", ["", "12.wav", "soundscape_12", "Yshort_0_10", "Y-6p32k2WUCs_10.000_0.000"])
def test_other_names_are_no_video(name):
    assert video_span(name) is None


def test_videos_of_clips_and_names_of_no_video():
    names = ["Y-6p32k2WUCs_0.000_10.000", "-6p32k2WUCs_30_40", "soundscape_12", "recording_a_01"]
    assert video_ids(pd.Series(names)).tolist() == ["-6p32k2WUCs", "-6p32k2WUCs", *names[2:]]


@pytest.fixture
def root(tmp_path):
    write_tsv(
        tmp_path / "metadata/train/weak.tsv",
        pd.DataFrame(
            {
                "filename": [
                    "Y-6p32k2WUCs_0.000_10.000.wav",
                    "YKK227gPpRn4_30.000_40.000.wav",
                    "Yabc_efghij-_5.000_12.5.wav",
                ],
                "event_labels": ["Speech", "Dog,Speech", "Cat"],
            }
        ),
    )
    segments = ["s9d-2nhuJCQ_30000", "s9d-2nhuJCQ_30000", "abcdefghijk_0", "bbcdefghijk_0", "cbcdefghijk_0"]
    write_tsv(
        tmp_path / "audioset_strong/metadata/audioset_eval_strong.tsv",
        pd.DataFrame({"segment_id": segments, "start_time_seconds": 0, "end_time_seconds": 1, "label": "/m/09x0r"}),
    )
    return tmp_path


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_clips_are_there_at_either_rate(root):
    clip_set = SETS["weak"]
    assert sets_of("desed", root) == sets_of("desed", root, ["weak_train", "weak"]) == [clip_set]
    assert clip_set.name == "weak" and clip_set.audio == "audio/train/weak"
    wanted = wanted_clips(root, clip_set)
    assert [clip.span for clip in wanted][2] == VideoSpan("abc_efghij-", 5, 12.5)
    put(root, "audio/train/weak/Y-6p32k2WUCs_0.000_10.000.wav", "audio/train/weak_16k/YKK227gPpRn4_30.000_40.000.flac")
    assert [clip.filename for clip in absent_clips(root, clip_set, wanted)] == [OTHER]
    put(root, "audio/train/weak_16k/abc_efghij-_5_12.500.wav")
    assert absent_clips(root, clip_set, wanted) == []


def test_audioset_clips_are_there_under_any_of_their_names(root):
    wanted = wanted_clips(root, SETS["audioset_eval"])
    assert wanted[0].filename == "s9d-2nhuJCQ_30000.wav" and wanted[0].span == VideoSpan("s9d-2nhuJCQ", 30, 40)
    put(root, *(f"audioset_strong/audio/eval/{name}.wav" for name in ("Ys9d-2nhuJCQ", "Yabcdefghijk_0", "bbcdefghijk")))
    assert [clip.filename for clip in absent_clips(root, SETS["audioset_eval"], wanted)] == ["cbcdefghijk_0.wav"]


def test_what_cannot_be_wanted_is_said_in_a_line(root, tmp_path):
    with pytest.raises(SedlabError, match=r"weak\.tsv.*sedlab data desed download"):
        sets_of("desed", tmp_path / "elsewhere", ["weak"])
    with pytest.raises(SedlabError, match="Known: validation, weak"):
        sets_of("desed", root, ["wek"])
    table = root / "metadata/train/weak.tsv"
    table.write_text(table.read_text() + "soundscape_1.wav\tDog\n")
    with pytest.warns(UserWarning, match=r"weak\.tsv: 1 clip is not named .*\(first: soundscape_1\).* by hand"):
        assert len(wanted_clips(root, SETS["weak"])) == 3
