from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlab.config.data import DataConfig
from sedlab.data.audio_file import read_audio
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.maestro import parse_window_names, read_maestro, split_recordings
from sedlab.data.preparation.windows import cut_recordings, cut_windows, label_windows, window_name
from sedlab.errors import SedlabError

REAL = Path(__file__).parent / "real"


def real_recordings(split):
    lines = (REAL / f"maestro_{split}_split.csv").read_text().split()
    return sorted(line.removesuffix(".txt") for line in lines[1:])


def real_windows(split, hop_seconds):
    """Return window names by recording, from the published durations."""
    durations = pd.read_csv(REAL / "maestro_durations.tsv", sep="\t").set_index("filename")["duration"]
    return {
        name: [
            window_name(name, start / 44_100, end / 44_100)
            for start, end in cut_windows(round(durations[name] * 44_100), 44_100, hop_seconds=hop_seconds)
        ]
        for name in real_recordings(split)
    }


# Windows


@pytest.mark.parametrize(
    ("split", "hop_seconds", "expected"),
    [("train", 1, 7503), ("validation", 1, 3474), ("train", 5, 1546), ("validation", 5, 718)],
)
def test_published_numbers_of_windows(split, hop_seconds, expected):
    assert sum(map(len, real_windows(split, hop_seconds).values())) == expected


def test_published_names_of_windows():
    names = real_windows("train", 1)["cafe_restaurant_00"]
    assert names[0] == "cafe_restaurant_00-000000-001000.wav"
    assert names[-1] == "cafe_restaurant_00-017200-018145.wav"


@given(st.integers(1, 4000), st.integers(1, 12))
def test_windows_equal_the_slow_rule(num_samples, hop_seconds):
    rate = 100
    window, hop = 10 * rate, hop_seconds * rate
    expected, start = [], 0
    while start + window <= num_samples:
        expected.append((start, start + window))
        start += hop
    covered = expected[-1][1] if expected else 0
    if covered < num_samples and start < num_samples:
        expected.append((start, num_samples))
    assert cut_windows(num_samples, rate, hop_seconds=hop_seconds) == expected


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=10), st.integers(0, 20), st.integers(1, 10))
def test_window_labels_are_what_remains_of_the_seconds_inside(rows, start, seconds):
    labels = pd.DataFrame(
        [(on, on + length, "car", 0.5) for on, length in rows], columns=["onset", "offset", "event_label", "confidence"]
    ).astype({"onset": float, "offset": float})
    found = label_windows(labels, [(start, start + seconds)]).dropna()
    expected = [
        (max(on, start) - start, min(on + length, start + seconds) - start)
        for on, length in rows
        if min(on + length, start + seconds) > max(on, start)
    ]
    assert list(zip(found["onset"], found["offset"], strict=True)) == expected


# Cutting


@pytest.fixture
def recording(tmp_path, write_wav):
    """A stereo recording of 12.5 s at 22.05 kHz with labels in its first seconds and its last."""
    path = tmp_path / "in" / "city_center_00.wav"
    write_wav(path, 12.5, sample_rate=22_050, channels=2)
    labels = tmp_path / "in" / "city_center_00.txt"
    labels.write_text("0.0\t1.0\tcar\t0.25\n0.0\t1.0\tfootsteps\t1.0\n11.0\t12.5\tcar\t0.5\n")
    return {"city_center_00": path}, {"city_center_00": labels}


def test_cut_recordings_writes_audio_and_table(tmp_path, recording):
    table = cut_recordings(*recording, tmp_path / "wav", tmp_path / "t.tsv", hop_seconds=1)
    names = [f"city_center_00-{start:06d}-{start + 1000:06d}.wav" for start in (0, 100, 200)]
    names.append("city_center_00-000300-001250.wav")
    assert sorted(path.name for path in (tmp_path / "wav").iterdir()) == names
    assert [soundfile.info(tmp_path / "wav" / name).frames for name in names] == [160_000] * 3 + [152_000]
    rows = table.set_index("filename")
    assert rows.loc[names[0], "event_label"].tolist() == ["car", "footsteps"]
    assert rows.loc[names[3], ["onset", "offset", "confidence"]].tolist() == [8.0, 9.5, 0.5]
    # Nothing is annotated in the second window; its empty row keeps it in the set.
    assert rows.loc[names[1], "event_label"] == ""
    first, _ = read_audio(tmp_path / "wav" / names[0])
    second, _ = read_audio(tmp_path / "wav" / names[1])
    np.testing.assert_array_equal(first[16_000:], second[:-16_000])


def test_cut_recordings_can_be_read_back(tmp_path, recording):
    subset = SUBSETS["maestro_dev"]
    table = cut_recordings(*recording, tmp_path / subset.audio, tmp_path / subset.table, hop_seconds=1)
    corpus = read_maestro(tmp_path, subset, DataConfig(root=tmp_path))
    assert len(corpus) == 4
    assert corpus.clips["recording"].unique().tolist() == ["city_center_00"]
    assert corpus.clips["recording_onset"].tolist() == [0, 1, 2, 3]
    assert corpus.clips["duration"].tolist() == [10, 10, 10, 9.5]
    assert len(corpus.events) == (table["event_label"] != "").sum()
    assert set(corpus.events["confidence"]) == {0.25, 0.5, 1.0}


def test_recordings_and_annotations_must_match(tmp_path, recording):
    recordings, annotations = recording
    with pytest.raises(SedlabError, match="no annotation for 'city_center_00'"):
        cut_recordings(recordings, {}, tmp_path, tmp_path / "t.tsv", hop_seconds=1)
    with pytest.raises(SedlabError, match="no recording for 'city_center_00'"):
        cut_recordings({"a": Path("a.wav")}, {"a": Path("a.txt"), **annotations}, tmp_path, tmp_path, hop_seconds=1)


def test_unknown_label_in_annotation_names_line_and_nearest_class(tmp_path, recording):
    recordings, annotations = recording
    annotations["city_center_00"].write_text("0\t1\tcar\t0.2\n0\t1\tfootstep\t0.2\n")
    with pytest.raises(SedlabError, match=r"txt, line 2: unknown class 'footstep'. Did you mean 'footsteps'"):
        cut_recordings(recordings, annotations, tmp_path, tmp_path / "t.tsv", hop_seconds=1)


# Split


def test_published_split_holds_out_the_named_recordings():
    train, held_out = split_recordings(real_recordings("train"), fraction=0.9, seed=42)
    assert held_out == [
        "cafe_restaurant_14",
        "city_center_11",
        "grocery_store_03",
        "metro_station_10",
        "residential_area_01",
    ]
    windows = real_windows("train", 1)
    assert (sum(len(windows[name]) for name in train), sum(len(windows[name]) for name in held_out)) == (6426, 1077)


@given(
    st.lists(st.integers(0, 7), min_size=6, max_size=6),
    st.sampled_from([0.5, 0.75, 0.9]),
    st.integers(0, 3),
)
def test_every_split_of_two_or_more_recordings_has_two_sides(counts, fraction, seed):
    scenes = ("cafe_restaurant", "city_center", "grocery_store", "metro_station", "residential_area", "park")
    names = [f"{scene}_{i:02d}" for scene, count in zip(scenes, counts, strict=True) for i in range(count)]
    train, held_out = split_recordings(names, fraction=fraction, seed=seed)
    assert sorted(train + held_out) == sorted(names)
    if len(names) > 1:
        assert train
        assert held_out


def test_a_small_corpus_keeps_most_recordings_for_training():
    names = [f"{scene}_00" for scene in ("cafe_restaurant", "city_center", "grocery_store", "metro_station")]
    names += [name.replace("_00", "_01") for name in names]
    train, held_out = split_recordings(names, fraction=0.9, seed=42)
    assert (len(train), len(held_out)) == (7, 1)


# Reading


def test_window_names_are_parsed_from_both_ends():
    parsed = parse_window_names(pd.Series(["a-b_1-000100-001100"]), Path("t.tsv"))
    assert parsed.loc[0, ["recording", "start", "end"]].tolist() == ["a-b_1", 1.0, 11.0]
    with pytest.raises(SedlabError, match="'cafe_00' is not"):
        parse_window_names(pd.Series(["cafe_00"]), Path("t.tsv"))


def test_confidence_above_one_names_its_line(tmp_path, recording):
    subset = SUBSETS["maestro_dev"]
    cut_recordings(*recording, tmp_path / subset.audio, tmp_path / subset.table, hop_seconds=1)
    path = tmp_path / subset.table
    path.write_text(path.read_text().replace("0.25", "25"))
    with pytest.raises(SedlabError, match="line 2: confidence 25 is not between 0 and 1"):
        read_maestro(tmp_path, subset, DataConfig(root=tmp_path))
