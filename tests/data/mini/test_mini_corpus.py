"""The generator's files: complete, reproducible, readable by the readers of the real corpora."""

import hashlib
import multiprocessing
import re

import numpy as np
import pandas as pd
import pytest
import soundfile
from shell import python
from standin_corpus import ONE_OF_EACH

from sedlab.config.augmentation import AugmentConfig
from sedlab.config.data import DataConfig, MiniConfig
from sedlab.config.loading import load_experiment
from sedlab.data.corpora.audioset import display_names
from sedlab.data.corpora.layout import MAESTRO_DURATIONS, SUBSETS
from sedlab.data.corpora.load import load_corpus
from sedlab.data.device_responses import read_device_responses
from sedlab.data.mini import generate
from sedlab.data.mini.catalogue import SOUNDS
from sedlab.data.mini.recording import SCENES
from sedlab.data.mini.rendering import all_tasks, suitable_workers
from sedlab.errors import SedlabError
from sedlab.labels import DESED_CLASSES, MAESTRO_CLASSES, MAESTRO_EVAL_CLASSES

TINY = MiniConfig(
    seed=7,
    num_synth_train=3,
    num_strong_train=2,
    num_weak=6,
    num_unlabeled=2,
    num_synth_val=2,
    num_devtest=2,
    num_public=2,
    num_maestro_train=2,
    num_maestro_dev=1,
    maestro_seconds=14,
    maestro_hop_train=2,
    num_annotators=3,
    num_audioset_train=2,
    num_audioset_eval=1,
)
LEAST = MiniConfig(**ONE_OF_EACH, maestro_seconds=5)
NAME_PATTERNS = {
    "synth_train": r"\d+\.wav",
    "synth_val": r"\d+\.wav",
    "strong_train": r"Y[\w-]{11}_\d+\.\d{3}_\d+\.\d{3}\.wav",
    "weak_train": r"Y[\w-]{11}_\d+\.\d{3}_\d+\.\d{3}\.wav",
    "unlabeled_train": r"Y[\w-]{11}_\d+\.\d{3}_\d+\.\d{3}\.wav",
    "devtest": r"Y[\w-]{11}_\d+\.\d{3}_\d+\.\d{3}\.wav",
    "eval_public": r"[\w-]{11}_\d+_\d+\.wav",
    "maestro_train": r"[a-z_]+_\d\d-\d{6}-\d{6}\.wav",
    "maestro_dev": r"[a-z_]+_\d\d-\d{6}-\d{6}\.wav",
    "audioset_train": r"[\w-]{11}_\d+\.wav",
    "audioset_eval": r"[\w-]{11}_\d+\.wav",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpora") / "mini"
    generate(root, TINY, workers=1)
    return root


def digests(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_number_of_workers_does_not_change_a_byte(tiny, tmp_path):
    generate(tmp_path / "mini", TINY, workers=2)
    assert digests(tmp_path / "mini") == digests(tiny)


def test_more_processes_make_a_larger_corpus():
    """One would make `mini` twice as slowly as two; a second would make `nano` no sooner."""
    nano, mini = (load_experiment(name).data.mini for name in ("nano", "mini"))
    assert [suitable_workers(config, 2) for config in (nano, mini)] == [1, 2]
    assert suitable_workers(mini, 8) == 8


def test_a_process_that_dies_is_one_line_and_leaves_nothing(tmp_path):
    def kill(*_):
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(SedlabError, match=r"a process that makes sounds died, perhaps .* taskset -c 0$"):
        generate(tmp_path / "mini", TINY, kill, workers=2)
    assert list(tmp_path.iterdir()) == []


def test_another_seed_gives_other_sounds(tiny, tmp_path):
    generate(tmp_path / "mini", LEAST.model_copy(update={"seed": 8}), workers=1)
    wav = SUBSETS["synth_train"].audio + "/0.wav"
    assert (tmp_path / "mini" / wav).read_bytes() != (tiny / wav).read_bytes()


def test_every_subset_loads_with_the_configured_number_of_clips(tiny):
    corpus = load_corpus(tiny, DataConfig(root=tiny))
    sizes = corpus.clips.groupby("subset").size().to_dict()
    assert sizes["weak_train"] + sizes.pop("weak_val") == TINY.num_weak
    expected = {"synth_train": 3, "strong_train": 2, "unlabeled_train": 2, "synth_val": 2, "devtest": 2}
    expected |= {"eval_public": 2, "audioset_train": 2, "audioset_eval": 1}
    assert {name: sizes[name] for name in expected} == expected
    # Two recordings of 14 s, windows every 2 s, one recording held out.
    assert sizes["maestro_train"] == sizes["maestro_val"]


@pytest.mark.parametrize("subset", NAME_PATTERNS)
def test_audio_is_16_khz_mono_pcm_under_names_like_the_real_ones(tiny, subset):
    paths = sorted((tiny / SUBSETS[subset].audio).iterdir())
    assert paths
    for path in paths:
        assert re.fullmatch(NAME_PATTERNS[subset], path.name)
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
        assert 0 < info.frames <= 160_000


@pytest.mark.parametrize("subset", ["synth_train", "strong_train", "synth_val", "devtest", "eval_public"])
def test_strong_tables_name_the_clips_of_the_folder_and_stay_within_them(tiny, subset):
    table = pd.read_csv(tiny / SUBSETS[subset].table, sep="\t")
    assert list(table.columns) == ["filename", "onset", "offset", "event_label"]
    folder = tiny / SUBSETS[subset].audio
    assert set(table.filename) == {path.name for path in folder.iterdir()}
    for row in table.dropna().itertuples():
        assert 0 <= row.onset < row.offset <= soundfile.info(folder / row.filename).duration + 1e-3
        assert row.event_label in DESED_CLASSES


@pytest.mark.parametrize("subset", ["synth_val", "devtest", "eval_public"])
def test_durations_have_one_decimal_and_agree_with_the_files(tiny, subset):
    table = pd.read_csv(tiny / SUBSETS[subset].durations, sep="\t", dtype=str)
    for row in table.itertuples():
        duration = soundfile.info(tiny / SUBSETS[subset].audio / row.filename).duration
        assert row.duration == f"{duration:.1f}"


def test_audioset_table_uses_known_classes_of_the_ontology(tiny):
    table = pd.read_csv(tiny / SUBSETS["audioset_train"].table, sep="\t")
    assert list(table.columns) == ["segment_id", "start_time_seconds", "end_time_seconds", "label"]
    assert set(table.segment_id) == {path.stem for path in (tiny / SUBSETS["audioset_train"].audio).iterdir()}
    assert {sound.mid for sound in SOUNDS.values()} <= set(display_names())


def test_recordings_keep_their_annotation_splits_and_durations(tiny):
    original = tiny / "MAESTRO_original" / "maestro_dev"
    names = {path.stem for path in (original / "development_audio").glob("*.wav")}
    assert {path.stem for path in (original / "development_annotation").glob("*.txt")} == names
    train = pd.read_csv(original / "train_split.csv").train
    dev = pd.read_csv(original / "validation_split.csv").val
    assert sorted([*train, *dev]) == sorted(f"{name}.txt" for name in names)
    durations = pd.read_csv(tiny / MAESTRO_DURATIONS, sep="\t").set_index("filename").duration
    assert durations.to_dict() == dict.fromkeys(names, 14.0)
    for name in names:
        rows = pd.read_csv(original / "development_annotation" / f"{name}.txt", sep="\t", header=None)
        assert rows[3].between(0, 1, inclusive="right").all()
        assert ((rows[1] - rows[0]) == 1).all()
        assert set(rows[2]) <= set(MAESTRO_CLASSES)


def test_devices_colour_a_sound_without_moving_it(tiny):
    responses = read_device_responses(tiny / AugmentConfig().device_response.folder)
    assert len(responses) == 6
    for response in responses:
        assert abs(int(np.abs(response).argmax()) - (len(response) - 1) // 2) <= 2
        assert np.square(response).sum() == pytest.approx(1, abs=0.01)
        level = 20 * np.log10(np.abs(np.fft.rfft(response))[4:-4] + 1e-9)
        assert np.ptp(level) > 6  # it is heard
    assert len({response.tobytes() for response in responses}) == 6


def test_scenes_cover_the_evaluated_maestro_classes():
    assert set(MAESTRO_EVAL_CLASSES) <= {label for scene in SCENES.values() for label in scene.events_per_minute}


def test_an_unchanged_configuration_leaves_the_corpus_alone(tiny):
    stamps = {path: path.stat().st_mtime_ns for path in tiny.rglob("*")}
    generate(tiny, TINY, workers=1)
    assert {path: path.stat().st_mtime_ns for path in tiny.rglob("*")} == stamps


def test_another_configuration_replaces_a_generated_corpus(tmp_path):
    generate(tmp_path / "mini", LEAST.model_copy(update={"num_synth_train": 2}), workers=1)
    generate(tmp_path / "mini", LEAST, workers=1)
    assert [path.name for path in (tmp_path / "mini" / SUBSETS["synth_train"].audio).iterdir()] == ["0.wav"]
    assert [path.name for path in tmp_path.iterdir()] == ["mini"]


def test_a_folder_with_other_files_is_refused_and_kept(tmp_path):
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(SedlabError, match=r"not made by the mini generator"):
        generate(tmp_path, TINY, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_interrupted_generation_leaves_nothing_behind(tmp_path):
    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "mini", TINY, stop, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_regeneration_keeps_the_old_corpus(tiny):
    before = digests(tiny)

    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tiny, TINY.model_copy(update={"seed": 1}), stop, workers=1)
    assert digests(tiny) == before


def test_progress_reaches_the_total(tmp_path):
    calls = []
    generate(tmp_path / "mini", LEAST, lambda *call: calls.append(call), workers=1)
    total = len(all_tasks(LEAST))
    assert [call[:2] for call in calls] == [(done, total) for done in range(1, total + 1)]


def test_importing_the_generator_does_not_import_torch():
    assert python("-c", "import sys, sedlab.data.mini; print('torch' in sys.modules)").strip() == "False"
