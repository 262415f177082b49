import multiprocessing
import os
import pickle
from unittest.mock import patch

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedlab.data.cache import BUILDING, INDEX, WAVEFORMS, WaveformCache
from sedlab.data.corpora.cache_folder import memory_folder
from sedlab.data.corpora.load import load_corpus
from sedlab.errors import SedlabError


@pytest.fixture
def cache(corpus, tmp_path):
    return WaveformCache.build(corpus, tmp_path / "cache")


def test_every_clip_comes_back_to_the_bit(corpus, cache):
    for clip in corpus.clips.itertuples():
        samples, _ = soundfile.read(corpus.root / clip.audio, dtype="int16")
        read = cache.read(clip.subset, clip.clip_id, num_samples=None)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, samples / np.float32(32768))
        assert cache.num_samples(clip.subset, clip.clip_id) == len(samples)


@given(st.integers(0, 170_000), st.integers(0, 170_000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_span_is_that_part_of_the_clip_padded_with_zeros(cache, onset_sample, num_samples):
    whole = cache.read("synth_train", "1", num_samples=None)
    part = cache.read("synth_train", "1", onset_sample=onset_sample, num_samples=num_samples)
    padded = np.concatenate([whole, np.zeros(400_000, dtype=np.float32)])
    np.testing.assert_array_equal(part, padded[onset_sample : onset_sample + num_samples])


def test_default_is_ten_seconds(cache):
    assert cache.read("weak_train", cache_first(cache, "weak_train")).shape == (160_000,)


def cache_first(cache, subset):
    return next(clip_id for name, clip_id in cache._places if name == subset)


def test_other_rates_and_channels_become_mono_16_khz(root, write_wav):
    path = root / "audio/validation/validation_16k/t2.wav"
    write_wav(path, 0.5, sample_rate=44_100, channels=2)
    cache = WaveformCache.build(load_corpus(root))
    assert cache.folder == root / "cache"
    assert cache.num_samples("devtest", "t2") == 8_000


def test_samples_beyond_full_scale_are_clipped(root):
    path = root / "audio/validation/validation_16k/t2.wav"
    soundfile.write(path, np.array([1.5, -1.5, 0.25]), 16_000, subtype="FLOAT")
    cache = WaveformCache.build(load_corpus(root))
    read = cache.read("devtest", "t2", num_samples=3)
    np.testing.assert_allclose(read, [1.0, -1.0, 0.25], atol=1e-4)


def test_unchanged_corpus_is_not_decoded_again(corpus, cache):
    before = (cache.folder / WAVEFORMS).stat().st_mtime_ns
    calls = []
    WaveformCache.build(corpus, cache.folder, progress=lambda *args: calls.append(args))
    WaveformCache.build(corpus.subset("devtest"), cache.folder, progress=lambda *args: calls.append(args))
    assert calls == []
    assert (cache.folder / WAVEFORMS).stat().st_mtime_ns == before


def test_changed_sound_file_is_decoded_again(root, corpus, cache, write_wav):
    path = root / corpus.subset("devtest").clips["audio"][1]
    write_wav(path, 0.25)
    os.utime(path, ns=(1, 1))
    rebuilt = WaveformCache.build(load_corpus(root), cache.folder)
    assert rebuilt.num_samples("devtest", "t2") == 4_000


def test_progress_ends_with_all_files_done(corpus, tmp_path):
    calls = []
    WaveformCache.build(corpus, tmp_path / "c", progress=lambda done, total, what: calls.append((done, total, what)))
    assert calls[-1] == (len(corpus), len(corpus), "waveform cache")


def test_failed_build_leaves_no_cache_and_no_litter(root, corpus, cache):
    path = root / corpus.subset("devtest").clips["audio"][0]
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(SedlabError, match=r"t1\.wav: truncated"):
        WaveformCache.build(corpus, cache.folder)
    assert not (cache.folder / INDEX).exists()
    assert {file.name for file in cache.folder.iterdir()} <= {
        WAVEFORMS,
        BUILDING,
        ".lock",
        memory_folder(corpus.root).name,
    }
    with pytest.raises(SedlabError, match="holds no waveform cache"):
        WaveformCache.open(cache.folder)


def test_interrupted_building_goes_on_to_the_same_bytes(corpus, cache, tmp_path):
    class Stop(Exception):
        pass

    def stopping(done, _total, _what):
        if done >= 4:
            raise Stop

    def decoded(build):
        calls = []
        build(lambda *args: calls.append(args))
        return calls[-1][1] - calls[0][0]

    whole = [(cache.folder / name).read_bytes() for name in (WAVEFORMS, INDEX)]
    folder = tmp_path / "interrupted"
    for clips in range(1, 4):
        with pytest.raises(Stop), patch("sedlab.data.cache.building._PROGRESS_EVERY", clips):
            WaveformCache.build(corpus, folder, stopping)
        # A killed process may have written more than it has noted, and half of a note.
        with (folder / WAVEFORMS).open("ab") as file:
            file.write(bytes(1001))
        with (folder / BUILDING).open("a") as file:
            file.write('"audio/validation')
    assert decoded(lambda progress: WaveformCache.build(corpus, folder, progress)) < len(corpus)
    assert [(folder / name).read_bytes() for name in (WAVEFORMS, INDEX)] == whole
    assert not (folder / BUILDING).exists()


def test_a_corpus_that_grows_is_appended(root, corpus, tmp_path, write_wav):
    part = WaveformCache.build(corpus.subset("devtest"), tmp_path / "c")
    before = (part.folder / WAVEFORMS).read_bytes()
    calls = []
    grown = WaveformCache.build(corpus, tmp_path / "c", lambda *args: calls.append(args))
    assert calls[0][0] == len(corpus.subset("devtest"))
    assert (grown.folder / WAVEFORMS).read_bytes().startswith(before)
    # Who opened it before reads on.
    np.testing.assert_array_equal(part.read("devtest", "t1"), grown.read("devtest", "t1"))


def test_all_damaged_files_are_told_at_once_and_the_others_kept(root, corpus, tmp_path):
    paths = [root / audio for audio in corpus.subset("devtest").clips["audio"]]
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1000])
    damaged = []
    with pytest.raises(SedlabError, match="2 sound files cannot be read"):
        WaveformCache.build(corpus, tmp_path / "c", damaged=damaged)
    assert [str(error).split(":")[0] for error in damaged] == [str(path) for path in paths]
    calls = []
    others = corpus.subset(*(name for name in corpus.subsets if name != "devtest"))
    WaveformCache.build(others, tmp_path / "c", lambda *args: calls.append(args))
    assert calls[0][0] == len(others)


def test_cut_off_cache_is_refused_and_rebuilt(corpus, cache):
    path = cache.folder / WAVEFORMS
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(SedlabError, match="Delete"):
        WaveformCache.open(cache.folder)
    rebuilt = WaveformCache.build(corpus, cache.folder)
    assert len(rebuilt) == len(corpus)


def build_elsewhere(corpus, folder):
    return WaveformCache.build(corpus, folder).read("devtest", "t1").sum()


def test_processes_that_build_at_once_get_the_same_cache(corpus, tmp_path):
    with multiprocessing.get_context("fork").Pool(3) as pool:
        sums = pool.starmap(build_elsewhere, [(corpus, tmp_path / "c")] * 3, chunksize=1)
    assert len(set(sums)) == 1


def test_folder_that_cannot_be_written_is_named(corpus, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SedlabError, match="file/cache: cannot be written"):
        WaveformCache.build(corpus, tmp_path / "file" / "cache")


def test_unknown_clip_is_named(cache):
    with pytest.raises(SedlabError, match="lacks clip 'nobody' of devtest"):
        cache.read("devtest", "nobody")
    assert ("devtest", "nobody") not in cache


def test_pickling_does_not_carry_the_samples(cache):
    expected = cache.read("devtest", "t1")
    pickled = pickle.dumps(cache)
    assert len(pickled) < 10_000
    np.testing.assert_array_equal(pickle.loads(pickled).read("devtest", "t1"), expected)
