"""AudioSet strong from HDF5 files of MP3 bytes and from folders of clips."""

import h5py
import pandas as pd
import pytest
import soundfile

from sedlab.config.data import DataConfig
from sedlab.data.corpora.audioset import EVAL_DURATIONS, read_audioset
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.preparation.audioset import prepare_audioset
from sedlab.errors import SedlabError

PARTS = ("audioset_train", "audioset_eval")


def contents(root):
    return {
        path.relative_to(root): path.read_bytes()
        for name in PARTS
        for path in sorted((root / SUBSETS[name].audio).iterdir())
    }


def test_clips_of_the_tables_are_taken_from_the_hdf5_files(root):
    outcomes = prepare_audioset(root)
    assert [(outcome.clips, outcome.expected, outcome.made) for outcome in outcomes] == [(8, 8, 8), (4, 4, 4)]
    for path in (root / SUBSETS["audioset_eval"].audio).glob("*.wav"):
        header = soundfile.info(path)
        assert (header.samplerate, header.channels, header.subtype) == (16_000, 1, "PCM_16")
    corpus = read_audioset(root, SUBSETS["audioset_eval"], DataConfig(root=root))
    assert len(corpus) == 4
    assert len(pd.read_csv(root / EVAL_DURATIONS, header=None)) == 4
    assert all(line.startswith("Y") for line in (root / EVAL_DURATIONS).read_text().splitlines())
    made = contents(root)
    assert [outcome.made for outcome in prepare_audioset(root)] == [0, 0]
    assert contents(root) == made


def test_stopped_and_continued_gives_the_same_files(root, tmp_path):
    class Stopped(Exception):
        pass

    def stop(done, _total, _what):
        if done:
            raise Stopped

    prepare_audioset(root)
    whole = contents(root)
    for name in PARTS:
        for path in (root / SUBSETS[name].audio).iterdir():
            path.unlink()
    with pytest.raises(Stopped):
        prepare_audioset(root, progress=stop)
    prepare_audioset(root, workers=3)
    assert {path: content for path, content in contents(root).items() if path.suffix == ".wav"} == {
        path: content for path, content in whole.items() if path.suffix == ".wav"
    }


def test_a_folder_of_clips_comes_before_the_hdf5_files_and_a_csv_is_a_table(root, published):
    table = root / SUBSETS["audioset_train"].table
    rows = pd.read_csv(table, sep="\t").set_index("segment_id")
    rows.rename_axis("").to_csv(table.with_suffix(".csv"))
    text = table.read_text()
    table.unlink()
    for path in (root / "audioset_strong/hdf").iterdir():
        path.unlink()
    outcomes = prepare_audioset(root, clips=published.clips)
    assert [outcome.clips for outcome in outcomes] == [8, 4]
    assert table.read_text() == text


def test_what_is_in_its_folder_already_stays_and_what_is_nowhere_is_told(root):
    segments = pd.read_csv(root / SUBSETS["audioset_train"].table, sep="\t")["segment_id"].unique()
    folder = root / SUBSETS["audioset_train"].audio
    folder.mkdir(parents=True)
    own = folder / f"Y{segments[0].rsplit('_', 1)[0]}.wav"
    soundfile.write(own, [0.1] * 1000, 22_050)
    (root / "audioset_strong/hdf/unbalanced_train_segments_mp3.hdf").unlink()
    train, _ = prepare_audioset(root)
    assert (train.clips, train.made) == (4, 3)
    assert soundfile.info(own).samplerate == 22_050
    assert "4 clips are missing in all sources" in train.remarks[0]


def test_a_damaged_clip_is_named_by_file_and_segment(root, replace):
    path = root / "audioset_strong/hdf/eval_segments_mp3.hdf"
    replace(path, path.read_bytes())
    with h5py.File(path, "a") as file:
        file["mp3"][1] = file["mp3"][1][:100]
    _, outcome = prepare_audioset(root)
    assert (outcome.clips, outcome.num_damaged) == (3, 1)
    assert outcome.problems[0].what.startswith("eval_segments_mp3.hdf:")
    assert "/tmp" not in outcome.problems[0].what


def test_an_hdf5_file_of_another_kind_is_named(root, tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["waveform"] = [1]
    with pytest.raises(SedlabError, match=r"other\.h5: no dataset 'audio_name'; found waveform"):
        prepare_audioset(root, hdf5=[path])
    path.write_text("<html>")
    with pytest.raises(SedlabError, match=r"other\.h5: not a readable HDF5 file"):
        prepare_audioset(root, hdf5=[path])
