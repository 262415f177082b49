"""MAESTRO Real from the published files: windows, tables, durations; what is there already is not made again."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sedlab.config.data import DataConfig
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.maestro import read_maestro
from sedlab.data.preparation.corpora import Options, prepare_corpus
from sedlab.data.preparation.maestro import PUBLISHED_WINDOWS, prepare_maestro, split_lists
from sedlab.data.preparation.windows import cut_windows, window_name
from sedlab.errors import SedlabError

REAL = Path(__file__).parents[1] / "corpora" / "real"
TABLES = [f"metadata/maestro_real_{part}.tsv" for part in ("train", "validation", "durations")]


def prepare(root, hops=(1, 1), **options):
    return prepare_maestro(root, hops=dict(zip(("train", "validation"), hops, strict=True)), **options)


@pytest.fixture(scope="module")
def whole(downloaded, tmp_path_factory):
    """A root that was prepared without a stop; not to be changed."""
    root = tmp_path_factory.mktemp("whole") / "root"
    shutil.copytree(downloaded / "maestro_original", root / "maestro_original", copy_function=os.link)
    outcomes = prepare(root, workers=1)
    assert [outcome.made for outcome in outcomes] == [28, 15]
    return root


def state(root):
    folders = [root / SUBSETS[name].audio for name in ("maestro_train", "maestro_dev")]
    files = [path for folder in folders for path in sorted(folder.iterdir())] + [root / name for name in TABLES]
    return {path.relative_to(root): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def contents(root):
    return {path: content for path, (content, _) in state(root).items()}


@pytest.mark.parametrize("split", ["train", "validation"])
def test_lists_of_the_package_give_the_published_windows(split):
    durations = pd.read_csv(REAL / "maestro_durations.tsv", sep="\t").set_index("filename")["duration"]
    names = split_lists()[split]
    assert len(names) == {"train": 33, "validation": 16}[split]
    for hop in (1, 5):
        windows = sum(len(cut_windows(round(durations[name] * 44_100), 44_100, hop_seconds=hop)) for name in names)
        assert windows == PUBLISHED_WINDOWS[split, hop]


def test_windows_tables_and_durations_are_those_of_the_published_rule(whole):
    train, validation = prepare(whole)
    root = whole
    corpus = read_maestro(root, SUBSETS["maestro_dev"], DataConfig(root=root))
    assert (train.clips, validation.clips) == (28, 15)
    assert len(corpus) == 15
    folder = root / SUBSETS["maestro_train"].audio
    names = sorted(path.name for path in folder.glob("cafe_restaurant_00*"))
    assert (names[0], names[-1]) == (
        window_name("cafe_restaurant_00", 0, 10),
        window_name("cafe_restaurant_00", 11, 20.4),
    )
    assert corpus.events["onset"].min() >= 0
    assert corpus.events["offset"].max() <= 10
    # Of the published table, in full.
    durations = pd.read_csv(root / TABLES[2], sep="\t").set_index("filename")["duration"]
    assert durations["cafe_restaurant_00"] == pytest.approx(20.4, abs=1e-9)
    assert train.remarks[0].startswith("29 recordings are missing of the train split")


def test_nothing_is_done_twice_and_a_stop_changes_nothing(root, whole):
    class Stopped(Exception):
        pass

    def stop(done, _total, _what):
        if done:
            raise Stopped

    with pytest.raises(Stopped):
        prepare(root, progress=stop)
    prepare(root, workers=3)
    before = state(root)
    assert [outcome.made for outcome in prepare(root)] == [0, 0]
    assert state(root) == before
    assert contents(root) == contents(whole)


def test_another_hop_and_other_labels_give_another_table(root, replace):
    prepare(root)
    full = pd.read_csv(root / TABLES[1], sep="\t")
    outcomes = prepare(root, (1, 5))
    part = pd.read_csv(root / TABLES[1], sep="\t")
    assert part["filename"].nunique() == outcomes[1].clips < full["filename"].nunique()
    assert len(outcomes[1].orphans) > 0
    annotation = next((root / "maestro_original/annotation").rglob("city_center_05.txt"))
    lines = annotation.read_text().splitlines(keepends=True)
    replace(annotation, "".join(lines[1:]))
    prepare(root, (1, 5))
    assert len(pd.read_csv(root / TABLES[1], sep="\t")) == len(part) - 1


def test_a_table_of_somebody_else_stays(root):
    path = root / TABLES[1]
    prepare(root)
    path.write_text(path.read_text().replace("\t1.0\t", "\t0.9\t", 1))
    corrected = path.read_text()
    assert "Delete it to have it made" in prepare(root, (1, 5))[1].remarks[-1]
    assert path.read_text() == corrected


def test_damaged_recordings_and_annotations_are_told_and_the_rest_is_made(root, replace):
    originals = root / "maestro_original"
    recording = next(originals.rglob("city_center_02.wav"))
    replace(recording, recording.read_bytes()[:-5000])
    replace(next(originals.rglob("city_center_05.txt")), "0\t1\tfootstep\t0.5\n")
    next(originals.rglob("cafe_restaurant_04.txt")).unlink()
    prepared = prepare_corpus(root, "maestro", Options())
    assert prepared.num_damaged == 3
    assert [outcome.clips > 0 for outcome in prepared.outcomes] == [True, True]
    told = prepared.problems.read_text()
    assert "city_center_02.wav: truncated" in told
    assert "Did you mean 'footsteps'" in told
    assert "no annotation cafe_restaurant_04.txt" in told


def test_without_recordings_the_command_to_get_them_is_named(tmp_path):
    with pytest.raises(SedlabError, match="sedlab data maestro download"):
        prepare(tmp_path)


def test_neighbouring_windows_share_their_samples(whole):
    folder = whole / SUBSETS["maestro_dev"].audio
    windows = {path.name: soundfile.read(path, dtype="int16")[0] for path in folder.glob("city_center_05*")}
    first, second = windows["city_center_05-000000-001000.wav"], windows["city_center_05-000100-001100.wav"]
    np.testing.assert_array_equal(first[16_000:], second[:-16_000])
