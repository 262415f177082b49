import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sedlab.config.data import DataConfig
from sedlab.data.cache import WaveformCache
from sedlab.data.corpora.desed import split_weak, write_durations
from sedlab.data.corpora.exclusion import write_exclusion_lists
from sedlab.data.corpora.layout import GROUPS, SCORE_FILE, SUBSETS, family, layout
from sedlab.data.corpora.load import load_corpus
from sedlab.data.summary import class_counts, corpus_summary
from sedlab.data.tables import CLIP_COLUMNS, EVENT_COLUMNS
from sedlab.errors import SedlabError

REAL = Path(__file__).parent / "real"


def edit(root, subset, old, new):
    path = root / SUBSETS[subset].table
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# Layout


def test_every_subset_has_a_group_and_a_family():
    assert {subset.group for subset in SUBSETS.values()} <= set(GROUPS)
    assert {family(name) for name in SUBSETS} == {"desed", "maestro", "audioset", "own"}
    assert SCORE_FILE["weak_val"] == "weak_train"
    with pytest.raises(SedlabError, match="Did you mean 'weak_train'"):
        layout("weak_trian")


# Loading


def test_loads_what_is_there_and_nothing_else(corpus):
    assert tuple(corpus.clips.columns) == CLIP_COLUMNS
    assert tuple(corpus.events.columns) == EVENT_COLUMNS
    counts = corpus.clips["subset"].value_counts().to_dict()
    assert counts == {
        "synth_train": 2,
        "strong_train": 2,
        "weak_train": 9,
        "unlabeled_train": 2,
        "maestro_train": 3,
        "synth_val": 1,
        "weak_val": 1,
        "maestro_val": 1,
        "devtest": 2,
    }
    assert all((corpus.root / audio).is_file() for audio in corpus.clips["audio"])


def test_loading_a_sound_corpus_warns_of_nothing(root):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_corpus(root)


def test_clip_ids_keep_dots_and_dashes(corpus):
    assert "Y-a_b.c_0.000_10.000" in set(corpus.subset("strong_train").clips["clip_id"])


def test_empty_row_is_a_clip_without_events(corpus):
    devtest = corpus.subset("devtest")
    assert devtest.clips["clip_id"].tolist() == ["t1", "t2"]
    assert devtest.events["clip_id"].tolist() == ["t1"]
    assert devtest.events["offset"].tolist() == [10.115]


def test_durations_of_scored_subsets_have_one_decimal(root):
    corpus = load_corpus(root)
    assert corpus.subset("devtest").clips["duration"].tolist() == [10.2, 0.5]
    path = write_durations(root, "devtest")
    assert path.read_text() == "filename\tduration\nt1.wav\t10.2\nt2.wav\t0.5\n"
    path.write_text("filename\tduration\nt1.wav\t9.7\n")
    assert load_corpus(root).subset("devtest").clips["duration"].tolist() == [9.7, 0.5]


def test_subset_and_select(corpus):
    part = corpus.subset("devtest", "weak_val")
    assert part.subsets == ("weak_val", "devtest")
    assert set(part.events["subset"]) == {"weak_val", "devtest"}
    assert set(corpus.select(split="val").subsets) == {"synth_val", "weak_val", "maestro_val"}
    with pytest.raises(SedlabError, match="holds synth_train"):
        corpus.subset("eval_public")
    with pytest.raises(SedlabError, match="Did you mean 'devtest'"):
        corpus.subset("devtset")


def test_original_rate_folder_serves_when_there_is_no_16k_copy(root):
    folder = root / SUBSETS["devtest"].audio
    folder.rename(folder.with_name("validation"))
    assert load_corpus(root).subset("devtest").clips["audio"][0] == "audio/validation/validation/t1.wav"


# Labels


def test_aliases_are_appended_to_training_events_only(corpus):
    synth = corpus.subset("synth_train").events
    assert synth["label"].tolist() == ["Speech", "Dishes", "Dog", "cutlery and dishes", "people talking"]
    maestro = corpus.subset("maestro_train").events
    assert maestro["label"].tolist() == ["people talking"] * 3 + ["Speech"] * 3
    assert maestro["confidence"].unique().tolist() == [0.25]
    weak = corpus.subset("weak_train").events
    assert weak["label"].value_counts().to_dict() == {"Speech": 9, "Cat": 9, "people talking": 9}
    assert weak["onset"].isna().all()
    assert set(corpus.select(split="val").events["label"]) == {"Speech", "Cat", "people talking"}
    assert set(corpus.subset("maestro_val").events["label"]) == {"people talking"}
    assert set(corpus.subset("weak_val", "synth_val").events["label"]) == {"Speech", "Cat"}


def test_aliases_can_be_off(root):
    corpus = load_corpus(root, DataConfig(root=root, alias_labels=False))
    assert not corpus.aliased
    assert corpus.subset("synth_train").events["label"].tolist() == ["Speech", "Dishes", "Dog"]


def test_exclusion_lists_apply_to_training_clips_only(root):
    folder = root / "metadata/exclude"
    folder.mkdir(parents=True)
    everything = "filename\n" + "".join(f"w{i}.wav\n" for i in range(10) if i != 3)
    (folder / "weak_exclude.tsv").write_text(everything)
    (folder / "unlabeled_exclude.tsv").write_text("filename\treason\nu1.wav\tstrong\n")
    before = load_corpus(root, DataConfig(root=root, exclude_overlapping=False))
    after = load_corpus(root)
    assert len(before.subset("weak_train")) == 9
    assert set(after.clips["clip_id"]) & {f"w{i}" for i in range(10)} <= {
        "w3",
        *before.subset("weak_val").clips.clip_id,
    }
    assert after.subset("unlabeled_train").clips["clip_id"].tolist() == ["u2"]
    assert set(after.events["clip_id"]) <= set(after.clips["clip_id"])


def test_substitute_exclusion_lists_name_what_two_sets_share(root, write_wav):
    shared = "Y-a_b.c_0.000_10.000"
    write_wav(root / SUBSETS["unlabeled_train"].audio / f"{shared}.wav", 0.1)
    edit(root, "devtest", "t2.wav", "other.wav")
    edit(root, "weak_train", "w5.wav", f"{shared}.wav")
    counts = write_exclusion_lists(root)
    assert counts == {"strong_train": 1, "weak_train": 1, "unlabeled_train": 1}
    assert (root / SUBSETS["strong_train"].exclude).read_text() == "filename\nother.wav\n"
    assert (root / SUBSETS["weak_train"].exclude).read_text() == f"filename\n{shared}.wav\n"
    (root / SUBSETS["devtest"].audio / "t2.wav").rename(root / SUBSETS["devtest"].audio / "other.wav")
    (root / SUBSETS["weak_train"].audio / "w5.wav").rename(root / SUBSETS["weak_train"].audio / f"{shared}.wav")
    corpus = load_corpus(root)
    assert corpus.subset("strong_train").clips["clip_id"].tolist() == [shared]
    assert shared not in set(corpus.subset("weak_train", "unlabeled_train").clips["clip_id"])


def test_published_weak_split():
    table = pd.read_csv(REAL / "weak.tsv", sep="\t")
    train, held_out = split_weak(table, fraction=0.9, seed=42)
    assert (len(train), len(held_out)) == (1420, 158)
    assert train["filename"].head(3).tolist() == [
        "Y4MILPH5z3no_30.000_40.000.wav",
        "Y7mvN10Zo2mg_180.000_190.000.wav",
        "Y04zOu5UFyo0_20.000_30.000.wav",
    ]
    assert held_out["filename"].head(3).tolist() == [
        "Y6aNA6pqmpd8_0.000_6.000.wav",
        "Y7fGU8SFid9E_130.000_140.000.wav",
        "YEenFsKjpsQc_200.000_210.000.wav",
    ]


def test_published_validation_rows(root, write_wav):
    subset = SUBSETS["devtest"]
    text = (REAL / "validation_excerpt.tsv").read_text()
    (root / subset.table).write_text(text)
    names = {line.split("\t")[0] for line in text.splitlines()[1:]}
    for name in names:
        write_wav(root / subset.audio / name, 0.01)
    devtest = load_corpus(root).subset("devtest")
    assert len(devtest) == len(names) == 39
    # 15 clips have one empty row each.
    assert devtest.events["clip_id"].nunique() == 24
    assert devtest.events["offset"].max() == 10.115


def test_a_missing_weak_clip_moves_no_other_across_the_split(root):
    before = load_corpus(root)
    gone = before.subset("weak_train").clips["audio"][0]
    (root / gone).unlink()
    with pytest.warns(UserWarning, match="found the audio of 8 of 9 clips of weak_train"):
        after = load_corpus(root)
    assert after.subset("weak_val").clips.equals(before.subset("weak_val").clips)


# What goes wrong


def test_empty_audio_folder_leaves_the_subset_out_with_a_warning(root):
    for path in (root / SUBSETS["devtest"].audio).iterdir():
        path.unlink()
    with pytest.warns(UserWarning, match=r"devtest: .*validation_16k is empty; left out"):
        corpus = load_corpus(root)
    assert "devtest" not in corpus.subsets


def test_audio_folder_with_other_clips_is_an_error_that_counts(root):
    for path in (root / SUBSETS["devtest"].audio).iterdir():
        path.rename(path.with_stem(f"other_{path.stem}"))
    with pytest.raises(SedlabError, match=r"validation_16k: found the audio of 0 of 2 clips of devtest.*t1"):
        load_corpus(root)


def test_missing_audio_folder_leaves_the_subset_out_with_a_warning(root):
    (root / SUBSETS["synth_val"].audio / "v1.wav").unlink()
    (root / SUBSETS["synth_val"].audio).rmdir()
    with pytest.warns(UserWarning, match="synth_val.*left out"):
        corpus = load_corpus(root)
    assert "synth_val" not in corpus.subsets


def test_roots_without_a_corpus_are_refused(tmp_path):
    with pytest.raises(SedlabError, match="no such data folder"):
        load_corpus(tmp_path / "absent")
    with pytest.raises(SedlabError, match="no subset has both"):
        load_corpus(tmp_path)


@pytest.mark.parametrize(
    ("subset", "old", "new", "message"),
    [
        ("synth_train", "event_label", "event_lable", r"soundscapes.tsv: no column 'event_label'.*'event_lable'"),
        ("synth_train", "\t", " ", "no column 'filename'; found 'filename onset offset event_label'"),
        ("synth_train", "Dishes", "dish", r"line 3: unknown class 'dish'. Did you mean 'Dishes'"),
        (
            "weak_train",
            "w7.wav\tSpeech",
            "w7.wav\tSpeach",
            r"weak.tsv, line 9: unknown class 'Speach'. Did you mean 'S",
        ),
        ("synth_train", "0.3", "o.3", r"line 4: 'o.3' in column 'offset' is not a number"),
        ("devtest", "0.5\t10.115", "0.5\t", "line 2: a label without onset or offset"),
        ("devtest", "10.115", "0.4", "line 2: an event that ends before it begins"),
        ("devtest", "0.5", "-0.5", "line 2: an event that ends before it begins or begins before 0"),
        ("devtest", "\tSpeech", "", "line 2: times without a label"),
        ("devtest", "t2.wav", ".wav", "line 3: no file name"),
        ("maestro_train", "confidence", "conf", "no column 'confidence'.*Did you mean 'conf'"),
    ],
)
def test_wrong_tables_name_file_place_and_remedy(root, subset, old, new, message):
    edit(root, subset, old, new)
    with pytest.raises(SedlabError, match=message) as error:
        load_corpus(root)
    assert "\n" not in str(error.value)


def test_table_without_rows_is_refused(root):
    path = root / SUBSETS["synth_train"].table
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(SedlabError, match="lists no clips"):
        load_corpus(root)
    path.write_text("")
    with pytest.raises(SedlabError, match="file is empty"):
        load_corpus(root)


def test_names_that_are_not_utf_8_and_companions_of_macos(root):
    folder = root / SUBSETS["unlabeled_train"].audio
    sound = (folder / "u1.wav").read_bytes()
    for name in (b"caf\xe9.wav", b"\xff\xfe.wav", b"caf\xc3\xa9.wav"):
        (folder / os.fsdecode(name)).write_bytes(sound)
    (folder / "._u1.wav").write_bytes(b"left behind")
    corpus = load_corpus(root).subset("unlabeled_train")
    assert set(corpus.clips["clip_id"]) == {"u1", "u2", r"caf\xe9", r"\xff\xfe", "café"}
    cache = WaveformCache.build(corpus, root / "cache")
    assert WaveformCache.build(corpus, root / "cache").num_samples("unlabeled_train", r"caf\xe9") == 8000
    np.testing.assert_array_equal(cache.read("unlabeled_train", r"\xff\xfe"), cache.read("unlabeled_train", "u1"))
    for table in (root / "cache").glob("*.tsv"):
        assert r"caf\xe9.wav" in table.read_text(encoding="utf-8")


def test_truncated_clip_is_named(root):
    path = root / SUBSETS["synth_train"].audio / "1.wav"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SedlabError, match=r"1\.wav: truncated.* or move it elsewhere to leave it out"):
        load_corpus(root)
    path.rename(root / "1.wav")
    with pytest.warns(UserWarning, match="found the audio of 1 of 2 clips"):
        load_corpus(root)


def test_windows_line_ends_and_byte_order_mark_are_read(root):
    before = load_corpus(root)
    path = root / SUBSETS["synth_train"].table
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    after = load_corpus(root)
    pd.testing.assert_frame_equal(after.events, before.events)


def test_other_than_published_counts_are_a_warning(root, write_wav):
    subset = SUBSETS["eval_public"]
    names = [f"p{i}.wav" for i in range(200)]
    (root / subset.table).parent.mkdir(parents=True)
    (root / subset.table).write_text(
        "filename\tonset\toffset\tevent_label\n" + "".join(f"{name}\t0\t1\tDog\n" for name in names)
    )
    for name in names:
        write_wav(root / subset.audio / name, 0.001)
    with pytest.warns(UserWarning, match="eval_public: 200 clips where the published set has 692"):
        load_corpus(root)


# Summaries


def test_summary_counts_clips_seconds_and_events(corpus):
    summary = corpus_summary(corpus).set_index("subset")
    assert summary.loc["synth_train", ["clips", "events", "labels"]].tolist() == [2, 5, "strong"]
    assert summary.loc["synth_train", "seconds"] == pytest.approx(10.7)
    assert summary.loc["unlabeled_train", "events"] == 0
    assert summary["clips"].sum() == len(corpus)


def test_class_counts_add_up_to_the_events(corpus):
    counts = class_counts(corpus)
    assert counts.to_numpy().sum() == len(corpus.events)
    assert counts.loc["Dog", "synth_train"] == 1
    assert list(counts.columns) == list(corpus.subsets)
    assert np.all(counts.sum(axis=1) > 0)
