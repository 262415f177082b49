"""`sedlab data CORPUS prepare`, from what download leaves to a corpus that is read and a cache that covers it."""

import os
import shutil

import pytest
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.data.cache import WAVEFORMS, WaveformCache
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.load import load_corpus
from sedlab.data.device_responses import read_device_responses

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def run(*words):
    return CliRunner().invoke(app, ["data", *map(str, words)])


@pytest.fixture(scope="module")
def prepared(downloaded, tmp_path_factory):
    """A root with DESED prepared, and what the command said; other corpora may be prepared beside it."""
    root = tmp_path_factory.mktemp("prepared") / "root"
    shutil.copytree(downloaded, root, copy_function=os.link)
    return root, run("desed", "prepare", "--root", root), (root / "cache" / WAVEFORMS).read_bytes()


def test_everything_from_download_to_cache(prepared):
    root, done, _ = prepared
    assert done.exit_code == 0, done.output
    assert "put into place: metadata/exclude/weak_exclude.tsv" in done.output
    assert "Next: sedlab data desed check" in done.output
    corpus = load_corpus(root)
    assert {"synth_val", "external_strong_eval", "eval_public", "weak_train"} <= set(corpus.subsets)
    assert corpus.clips["audio"].str.contains("_16k/").all()
    for name in ("synth_val", "devtest", "eval_public"):
        lines = (root / SUBSETS[name].durations).read_text().splitlines()
        assert lines[0] == "filename\tduration"
        assert {line.split("\t")[1] for line in lines[1:]} == {"10.0"}
    assert len(read_device_responses(root / "device_responses")) == 3
    assert run("maestro", "prepare", "--root", root, "--no-cache").exit_code == 0
    assert run("audioset", "prepare", "--root", root).exit_code == 0
    corpus = load_corpus(root)
    cache = WaveformCache.open(root / "cache")
    assert all(key in cache for key in zip(corpus.clips["subset"], corpus.clips["clip_id"], strict=True))
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.name not in (".lock", "prepared")}
    again = run("desed", "prepare", "--root", root)
    assert "is up to date" in again.output
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_cache_alone_has_the_samples_of_the_copies_and_half_of_the_disk(prepared, root):
    with_copies, _, waveforms = prepared
    done = run("desed", "prepare", "--root", root, "--cache-only")
    assert done.exit_code == 0, done.output
    assert (root / "cache" / WAVEFORMS).read_bytes() == waveforms
    assert not list(root.rglob("*_16k"))
    durations = SUBSETS["devtest"].durations
    assert (root / durations).read_bytes() == (with_copies / durations).read_bytes()


def test_damaged_clips_are_listed_and_the_status_says_so(root, replace):
    for folder in ("dcase_synth", "eval", "audio/external_strong", "audio/validation", "audio/train/strong_label_real"):
        shutil.rmtree(root / folder)
    clip = next((root / "audio/train/weak").iterdir())
    replace(clip, clip.read_bytes()[:-1000])
    for options in ((), ("--cache-only",)):
        done = run("desed", "prepare", "--root", root, *options)
        assert done.exit_code == 1
        assert "desed_problems.tsv" in done.output
        assert f"{clip.name}: truncated" in (root / "prepared/desed_problems.tsv").read_text()
    clip.unlink()
    assert run("desed", "prepare", "--root", root).exit_code == 0
    assert not (root / "prepared/desed_problems.tsv").exists()


def test_options_of_another_corpus_are_wrong_usage(root):
    done = run("desed", "prepare", "--root", root, "--hop-train", 5)
    assert done.exit_code == 2
    assert "sedlab data maestro prepare" in done.output


@pytest.mark.parametrize("corpus", ["desed", "maestro", "audioset"])
def test_an_empty_root_names_the_command_to_get_the_corpus(corpus, tmp_path):
    for root in (tmp_path, tmp_path / "absent"):
        done = run(corpus, "prepare", "--root", root)
        assert done.exit_code == 1
        assert f"sedlab data {corpus} download --root {root}" in str(done.exception)
