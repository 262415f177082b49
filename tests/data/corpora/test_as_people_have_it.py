"""Corpora as they lie on people's disks: other spellings, formats and links, folders that cannot be written to."""

import gzip
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.desed import written_durations
from sedlab.data.corpora.fingerprint import fingerprint
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.load import load_corpus
from sedlab.errors import SedlabError
from sedlab.system.home import writable_home


def write_table(root, subset, *rows, columns=("filename", "onset", "offset", "event_label")):
    path = root / SUBSETS[subset].table
    path.write_bytes(b"\n".join("\t".join(row).encode("utf-8", "surrogateescape") for row in (columns, *rows)) + b"\n")


def audio(root, subset):
    return root / SUBSETS[subset].audio


def test_parts_of_videos_are_found_under_other_spellings(root, write_wav):
    names = ["YAAAAAAAAAA0_30.000_40.000", "YAAAAAAAAA-1_0.000_9.500", "Y_AAAAAAAAA2_1.000_11.000"]
    write_table(root, "strong_train", *((f"{name}.wav", "0.1", "0.4", "Cat") for name in names))
    stored = ["AAAAAAAAAA0_30_40", "AAAAAAAAA-1_0.000_9.500", "Y_AAAAAAAAA2_1_11"]
    for name in stored:
        write_wav(audio(root, "strong_train") / f"{name}.wav")
    clips = load_corpus(root).subset("strong_train").clips
    # Under the table's names, as pseudo-labels have them.
    assert clips["clip_id"].tolist() == names
    assert [Path(path).stem for path in clips["audio"]] == stored
    exclude = root / SUBSETS["strong_train"].exclude
    exclude.parent.mkdir(parents=True)
    exclude.write_text("File\nAAAAAAAAAA0_30_40.mp3\n")
    assert load_corpus(root).subset("strong_train").clips["clip_id"].tolist() == names[1:]


def test_durations_are_found_under_other_spellings(root):
    subset = SUBSETS["devtest"]
    (root / subset.durations).write_text("Filename,Seconds\nAAAAAAAAAA0_30_40.wav,9.7\nt2,8\n")
    clip_ids = load_corpus(root).subset("devtest").clips["clip_id"]
    clip_ids[0] = "YAAAAAAAAAA0_30.000_40.000"
    assert written_durations(root, subset, clip_ids).tolist() == [9.7, 8.0]


def test_other_formats_paths_and_compressed_tables_say_the_same(root, corpus):
    for path in [*audio(root, "synth_train").iterdir(), *audio(root, "weak_train").iterdir()]:
        soundfile.write(path.with_suffix(".flac"), *soundfile.read(path, dtype="int16"))
        path.unlink()
    table = root / SUBSETS["synth_train"].table
    text = table.read_text().replace("1.wav", "..\\data\\1.WAV").replace("2.wav", "/home/me/2.mp3")
    table.with_name(f"{table.name}.gz").write_bytes(gzip.compress(text.replace("\n", "\r\n").encode("utf-16")))
    table.unlink()
    found = load_corpus(root)
    assert found.events.equals(corpus.events)
    assert found.clips.drop(columns=["audio"]).equals(corpus.clips.drop(columns=["audio"]))


def test_a_compressed_table_is_the_same_corpus(root):
    before = fingerprint(root)
    table = root / SUBSETS["weak_train"].table
    table.with_name(f"{table.name}.gz").write_bytes(gzip.compress(table.read_bytes()))
    table.unlink()
    assert fingerprint(root) == before


def test_names_that_are_no_utf8_are_found(root):
    name = os.fsdecode(b"caf\xe9")
    (audio(root, "synth_train") / "2.wav").rename(audio(root, "synth_train") / f"{name}.wav")
    write_table(root, "synth_train", ("1.wav", "0.5", "1.5", "Speech"), (f"{name}.wav", "0.1", "0.2", "Dog"))
    found = load_corpus(root)
    assert found.subset("synth_train").clips["clip_id"].tolist() == ["1", "caf\\xe9"]
    assert WaveformCache.build(found).num_samples("synth_train", "caf\\xe9") == 8000


def test_links_are_followed_and_those_to_nowhere_are_no_clips(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("disk") / "synth"
    folder = audio(root, "synth_train")
    shutil.move(folder, elsewhere)
    folder.symlink_to(elsewhere)
    (folder / "2.wav").unlink()
    (folder / "2.wav").symlink_to("/gone/2.wav")
    with pytest.warns(UserWarning, match=r"found the audio of 1 of 2 clips of synth_train.*first: 2\)"):
        found = load_corpus(root)
    assert len(WaveformCache.build(found)) == len(found) and fingerprint(root)
    folder.unlink()
    folder.symlink_to("/gone")
    with pytest.warns(UserWarning, match=r"synth_train: .*soundscapes\.tsv is there but not .*; left out"):
        assert "synth_train" not in load_corpus(root).subsets


def test_labels_in_another_spelling_are_told_once_and_taken_only_where_one_class_can_be_meant(root, corpus, capsys):
    path = root / SUBSETS["weak_train"].table
    path.write_text(path.read_text().replace("Speech", " SPEECH ").replace("Cat", "cat"))
    found = load_corpus(root).subset("weak_train", "weak_val")
    assert found.events.equals(corpus.subset("weak_train", "weak_val").events)
    told = capsys.readouterr().err
    assert told.count("2 labels in another spelling: 'SPEECH' is Speech, 'cat' is Cat.") == 1
    path.write_text(path.read_text().replace("cat", "people talking"))
    with pytest.raises(SedlabError, match="unknown class 'people talking'"):
        load_corpus(root)


@contextmanager
def as_somebody_who_may_only_read(root):
    """Nobody's folders, and if this is the superuser, somebody else."""
    writable_home()  # before, so that it does not look as somebody else
    modes = {path: path.stat().st_mode for path in (root, *root.rglob("*")) if path.is_dir()}
    for path in modes:
        path.chmod(0o555)
    superuser = os.geteuid() == 0
    try:
        if superuser:
            os.seteuid(65534)
        yield
    finally:
        if superuser:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_corpus_that_cannot_be_written_to_has_its_cache_elsewhere(root, monkeypatch, capsys):
    with tempfile.TemporaryDirectory() as folder:
        # Not below the test's own folder, which nobody else may enter.
        shared, caches = Path(folder) / "shared", Path(folder) / "caches"
        Path(folder).chmod(0o755)
        shutil.copytree(root, shared)
        caches.mkdir()
        caches.chmod(0o777)
        monkeypatch.setenv("XDG_CACHE_HOME", str(caches))
        before = sorted(shared.rglob("*"))
        with as_somebody_who_may_only_read(shared):
            corpus = load_corpus(shared)
            cache = WaveformCache.build(corpus)
            assert cache.folder.is_relative_to(caches / "sedlab/corpora")
            assert WaveformCache.build(corpus).folder == cache.folder
            parts = fingerprint(shared)
        assert sorted(shared.rglob("*")) == before
        assert (
            f"{shared}: cannot be written to; the waveform cache is kept in {cache.folder}." in capsys.readouterr().err
        )
        # Once it can be written to, the usual place is used again.
        usual = WaveformCache.build(load_corpus(shared))
        assert usual.folder == shared / "cache" and fingerprint(shared) == parts
        with as_somebody_who_may_only_read(shared):
            assert np.array_equal(usual.read("devtest", "t2"), cache.read("devtest", "t2"))
