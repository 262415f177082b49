"""Lists of training clips that another set holds too: published, or made by the rule, and what happens without."""

import gzip
import hashlib
import json

import pandas as pd
import pytest
from standin_corpus import build_standin

from sedlab.config.data import DataConfig
from sedlab.data.corpora import exclusion
from sedlab.data.corpora.exclusion import (
    PUBLISHED,
    left_out_sentence,
    lists_in_use,
    require_exclusion_lists,
    substitute_lists,
)
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.tsv import read_tsv, write_tsv
from sedlab.errors import SedlabError

A, B, C, D = (f"Y{letter * 11}_30.000_40.000.wav" for letter in "abcd")


def list_of(root, subset):
    return root / SUBSETS[subset].exclude


def names(root, subset):
    return read_tsv(list_of(root, subset), ("filename",))["filename"].tolist()


@pytest.fixture
def root(tmp_path):
    """Tables alone: that is all the rule needs."""
    tables = {
        "devtest": [A, "t.wav"],
        "eval_public": ["bbbbbbbbbbb_31_41.wav", "ccccccccccc_0_10.wav"],
        "strong_train": [A, B, "Yddddddddddd_0.000_10.000.wav"],
        "external_strong_train": [A, B, C, D],
        "weak_train": [A, C, D],
    }
    for subset, clips in tables.items():
        write_tsv(tmp_path / SUBSETS[subset].table, pd.DataFrame({"filename": clips}))
    write_tsv(tmp_path / "metadata/train/unlabel_in_domain.tsv", pd.DataFrame({"filename": [B, C]}))
    folder = tmp_path / SUBSETS["unlabeled_train"].audio
    folder.mkdir(parents=True)
    (folder / "Yddddddddddd_50.000_60.000.wav").touch()
    return tmp_path


def test_substitutes_name_clips_by_their_videos(root):
    lists = substitute_lists(root)
    assert names(root, "strong_train") == [A]
    assert names(root, "external_strong_train") == [A, B, C]
    assert names(root, "weak_train") == [A, D]
    # What the table promises counts as well as what is there.
    assert names(root, "unlabeled_train") == [B, "Yddddddddddd_50.000_60.000.wav"]
    assert lists["external_strong_train"].shared == {"devtest": (1, 0), "eval_public": (2, 2)}
    assert lists["weak_train"].shared == {"strong_train": (2, 1)}
    assert substitute_lists(root, public=True)["strong_train"].names == 2


def test_published_lists_and_your_own_stay(root):
    config = DataConfig(root=root)
    substitute_lists(root)
    for subset, url in (("strong_train", "https://example.org/list.tsv"), ("weak_train", "")):
        path = list_of(root, subset)
        write_tsv(path, pd.DataFrame({"filename": [D, B], "why": ["", ""]}))
        record = {"file": path.name, "url": url, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        path.with_name(f"{path.name}.json").write_text(json.dumps(record))
    found = {one.subset: one for one in lists_in_use(root, config, SUBSETS)}
    origins = {name: (one.origin, one.names) for name, one in found.items()}
    assert origins == {
        "strong_train": ("published", 2),
        "external_strong_train": ("substitute", 3),
        "weak_train": ("own", 2),
        "unlabeled_train": ("substitute", 2),
    }
    sentence = left_out_sentence(vars(one) for one in found.values())
    assert "2 of strong_train (audioset_strong_exclude.tsv, published, SHA-256 " in sentence
    assert lists_in_use(root, DataConfig(root=root, exclude_overlapping=False), SUBSETS) == []

    kept = {name: one.kept for name, one in substitute_lists(root).items()}
    assert kept == {
        "strong_train": "published",
        "weak_train": "own",
        "external_strong_train": "",
        "unlabeled_train": "",
    }
    assert names(root, "strong_train") == [D, B]
    substitute_lists(root, force=True)
    assert names(root, "strong_train") == [A]
    # Compressed, it is as much your own.
    list_of(root, "weak_train").with_name("weak_exclude.tsv.gz").write_bytes(gzip.compress(b"filename\nother.wav\n"))
    list_of(root, "weak_train").unlink()
    assert substitute_lists(root)["weak_train"].kept == "own" and not list_of(root, "weak_train").exists()
    # A published list that was changed by hand is no published list.
    list_of(root, "weak_train").write_text("filename\nother.wav\n")
    assert {one.origin for one in lists_in_use(root, config, ["weak_train"])} == {"own"}


LARGE = {name: SUBSETS[name].published_count for name in PUBLISHED} | {"devtest": 1168}


def test_training_without_a_list_is_an_error_that_names_the_commands(tmp_path):
    config = DataConfig(root=tmp_path)
    with pytest.raises(SedlabError, match="strong_train would teach clips that devtest holds") as error:
        require_exclusion_lists(tmp_path, LARGE, config)
    assert f"sedlab data desed exclude --root {tmp_path}" in str(error.value)
    assert f"sedlab data desed download --only exclude --root {tmp_path}" in str(error.value)
    write_tsv(list_of(tmp_path, "strong_train"), pd.DataFrame({"filename": [A]}))
    with pytest.raises(SedlabError, match=r"weak_exclude\.tsv: not there"):
        require_exclusion_lists(tmp_path, LARGE, config)


@pytest.mark.parametrize(
    ("clips", "options"),
    [
        (LARGE, {"exclude_overlapping": False}),
        (LARGE, {"mini": {}}),
        ({name: count // 5 for name, count in LARGE.items()}, {}),
        # Without real strong clips nothing is in two sets; without the validation set they are tested on by nobody.
        (LARGE | {"strong_train": 0}, {}),
        ({"strong_train": 3470}, {}),
        ({"weak_train": 1420, "unlabeled_train": 14412, "devtest": 1168}, {}),
    ],
)
def test_nothing_is_asked_for_where_nothing_can_be_in_two_sets(tmp_path, clips, options):
    require_exclusion_lists(tmp_path, clips, DataConfig(root=tmp_path, **options))


def test_a_run_stops_before_it_prepares_anything(tmp_path, monkeypatch):
    from sedlab.config.loading import load_experiment
    from sedlab.pipeline.readiness import examine
    from sedlab.pipeline.stages import prepare_data
    from sedlab.runs.manifest import read_manifest
    from sedlab.runs.run import create_run

    root = build_standin(tmp_path / "data" / "dcase")
    monkeypatch.setattr(exclusion, "COMPARABLE", 0.0)
    experiment = load_experiment("nano", ["data.mini=null", f"data.root={root}"])
    run = create_run(experiment, tmp_path / "runs" / "real")
    list_of(root, "unlabeled_train").unlink()
    ready = examine(run)
    assert "unlabeled_exclude.tsv" in ready.missing
    assert any("sedlab data desed exclude" in file.advice for file in ready.data_files)
    with pytest.raises(SedlabError, match="unlabeled_train would teach clips that strong_train holds"):
        prepare_data(run)
    assert not (root / "cache").exists()

    substitute_lists(root)
    assert "unlabeled_exclude.tsv" not in examine(run).missing
    prepare_data(run)
    used = read_manifest(run.path / "data" / "manifest.json").results["exclusion"]
    assert {one["subset"]: one["origin"] for one in used}["unlabeled_train"] == "substitute"
    assert {one["subset"]: one["names"] for one in used}["unlabeled_train"] == 1

    from sedlab.report.sections import summary

    assert "1 of unlabeled_train (unlabeled_exclude.tsv, a substitute for the published list" in summary(run)
