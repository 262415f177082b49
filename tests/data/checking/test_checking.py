"""A corpus with a fault of every kind: each is found, and a sound corpus has none."""

import gzip
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_corpus import audio, build_sound, clip, spoil, write_sound

from sedlab.config.data import DataConfig, MiniConfig
from sedlab.data.checking import check_corpus, content
from sedlab.data.checking.check import how_to_get
from sedlab.data.corpora.layout import SUBSETS
from sedlab.data.corpora.load import load_corpus
from sedlab.data.corpora.video_names import video_span
from sedlab.errors import SedlabError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return build_sound(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def faulty(tmp_path_factory, sound):
    root = tmp_path_factory.mktemp("faulty") / "root"
    shutil.copytree(sound, root)
    return check_corpus(spoil(root), content=True)


def test_a_sound_corpus_has_no_findings(sound):
    found = check_corpus(sound, content=True)
    assert found.findings.empty and found.is_sound
    assert found.counts == {"error": 0, "warning": 0, "note": 0}
    assert set(found.sets["state"]) == {"", "not there"}
    there = found.sets[found.sets["state"] == ""].set_index("subset")
    assert (there["found"] == there["named"]).all()
    assert there["found"]["weak_train"] + there["found"]["weak_val"] == 10


#: severity, set, kind -> how many, what is named.
EXPECTED = {
    ("error", "strong_train", "empty"): (1, clip(10)),
    ("error", "strong_train", "truncated"): (1, clip(11)),
    ("error", "strong_train", "unreadable"): (1, clip(12)),
    ("warning", "strong_train", "missing clips"): (1, clip(13)),
    ("warning", "unlabeled_train", "sample rate"): (1, clip(40)),
    ("note", "unlabeled_train", "channels"): (1, clip(40)),
    ("note", "unlabeled_train", "long"): (1, f"{clip(40)}.wav (12 s)"),
    ("warning", "unlabeled_train", "short"): (1, f"{clip(41)}.wav (0.3 s)"),
    ("note", "unlabeled_train", "shorter"): (1, f"{clip(42)}.wav (8 s)"),
    ("note", "devtest", "not named"): (1, "nobody.wav"),
    ("warning", "weak_train, weak_val", "twice"): (2, f"{clip(20)}.flac"),
    ("warning", "synth_val", "half a set"): (1, ""),
    ("error", "strong_train", "unknown class"): (1, "audioset_strong.tsv line 8"),
    ("error", "strong_train", "no times"): (1, "audioset_strong.tsv line 9"),
    ("error", "strong_train", "negative onset"): (1, "audioset_strong.tsv line 10 (Cat -1.0-2.0)"),
    ("error", "strong_train", "negative length"): (1, "audioset_strong.tsv line 11 (Cat 5.0-4.0)"),
    ("warning", "strong_train", "zero length"): (1, "audioset_strong.tsv line 12 (Cat 4.0-4.0)"),
    ("error", "strong_train", "outside"): (1, "audioset_strong.tsv line 13 (Cat 12.0-13.0)"),
    ("warning", "strong_train", "beyond the end"): (1, "audioset_strong.tsv line 14 (Cat 9.0-10.5)"),
    ("warning", "strong_train", "too long"): (1, "audioset_strong.tsv line 15 (Cat 0.0-1500)"),
    ("error", "strong_train", "no label"): (1, "audioset_strong.tsv line 16"),
    ("error", "strong_train", "no file name"): (1, "audioset_strong.tsv line 17"),
    ("note", "strong_train", "overlapping"): (2, "audioset_strong.tsv line 13"),
    ("warning", "devtest", "overlapping"): (1, "validation.tsv line 7 (Speech 2.0-3.0)"),
    ("note", "devtest", "touching"): (1, "validation.tsv line 8 (Speech 3.0-4.0)"),
    ("warning", "devtest", "repeated rows"): (1, "validation.tsv line 9"),
    ("error", "own_test", "unknown class"): (1, "test.tsv line 3"),
    ("error", "strong_train", "two splits"): (1, clip(62)),
    ("note", "unlabeled_train", "two splits"): (1, f"{clip(43)} = video-00043_30_40"),
    ("warning", "unlabeled_train", "unreadable exclusion list"): (1, ""),
    ("note", "devtest", "rounding"): (1, clip(60)),
    ("warning", "devtest", "duration"): (1, f"{clip(61)} (7 s, file 10.00 s)"),
    ("error", "devtest", "duration"): (1, clip(62)),
    ("note", "devtest", "no duration"): (2, clip(64)),
    ("note", "eval_public", "no durations"): (1, ""),
    ("error", "own_val", "unreadable table"): (1, ""),
    ("error", "maestro_train", "confidence"): (1, "(1.5)"),
    ("error", "maestro_train", "no confidence"): (1, "maestro_real_train.tsv"),
    ("warning", "maestro_train", "too long"): (1, "4.0-6.0"),
    ("warning", "maestro_train", "overlapping"): (1, "4.5-5.5"),
    ("error", "maestro_train", "outside"): (1, "17.0-18.0"),
    ("error", "maestro_train", "window name"): (1, "cafe"),
    ("error", "maestro_val", "window length"): (1, "cafe_restaurant_02-000000-001000.wav (9.00 s)"),
    ("warning", "maestro_train", "missing windows"): (1, "cafe_restaurant_01-000100-001100.wav"),
    ("warning", "maestro_dev", "missing windows"): (2, "cafe_restaurant_03-000100-001100.wav"),
    ("warning", "maestro_dev", "no duration"): (1, "city_center_05"),
    ("error", "device_responses", "unreadable"): (1, "device_responses/broken.wav"),
    ("warning", "device_responses", "long"): (1, "device_responses/concert.wav"),
    ("warning", "maestro_train", "missing clips"): (1, "cafe"),
    ("note", "maestro_train, maestro_val", "not named"): (1, "cafe_restaurant_01-000100-001100.wav"),
    ("error", "maestro_train", "two splits"): (1, "cafe_restaurant_03"),
    ("warning", "eval_public", "missing clips"): (1, "video-00043_30_40"),
    ("warning", "weak_train", "repeated rows"): (2, "weak.tsv line 12"),
    ("warning", "weak_train", "no label"): (1, "weak.tsv line 13"),
    ("warning", "weak_train", "silent"): (1, clip(21)),
    ("warning", "weak_train", "constant"): (1, clip(22)),
    ("note", "weak_train", "clipped"): (1, clip(23)),
    ("note", "weak_train", "offset"): (1, clip(24)),
    ("warning", "synth_train", "same audio"): (1, "1.wav = 2.wav"),
    ("error", "strong_train", "same audio"): (1, f"{clip(15)}.wav = {clip(64)}.wav"),
    ("error", "audioset_train", "corrupt"): (1, "video-00081_30000.flac"),
    ("note", "weak_train", "weak and strong differ"): (1, clip(14)),
    ("warning", "strong_train", "same video"): (1, "Yvideo-00011_30.000_40.000, Yvideo-00011_50.000_60.000"),
    ("warning", "strong_train", "two training sets"): (1, clip(14)),
}


@pytest.mark.parametrize("key", EXPECTED, ids=lambda key: f"{key[1]}: {key[2]}")
def test_each_fault_is_found(faulty, key):
    count, named = EXPECTED[key]
    found = {(f.severity, f.subset, f.kind): f for f in faulty.found}
    assert key in found, f"{key[2]} not among {sorted(k[2] for k in found if k[1] == key[1])}"
    assert found[key].count == count
    assert named in ", ".join(found[key].examples)
    assert found[key].remedy


def test_nothing_else_is_found(faulty):
    others = [f for f in faulty.found if (f.severity, f.subset, f.kind) not in EXPECTED]
    assert others == []


def test_the_gravest_findings_come_first_and_training_would_be_wrong(faulty):
    severities = list(faulty.findings["severity"])
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert not faulty.is_sound
    assert faulty.summary()["findings"] == faulty.counts
    assert faulty.summary()["clips"]["devtest"] == {"found": 6, "named": 6, "published": 1168}
    assert "strong_train, truncated: 1" in faulty.summary()["errors"]


def test_samples_that_were_read_are_not_read_again(sound, tmp_path, monkeypatch):
    root = tmp_path / "root"
    shutil.copytree(sound, root)
    read = []
    measure = content.measure
    monkeypatch.setattr(content, "measure", lambda path: read.append(path.name) or measure(path))
    monkeypatch.setattr(content, "_SAVE_SECONDS", 0.0)

    def interrupted(done, total, what):
        if what == "samples" and done == 4:
            raise KeyboardInterrupt

    shutil.rmtree(root / "cache")
    with pytest.raises(KeyboardInterrupt):
        check_corpus(root, content=True, corpus="own", progress=interrupted)
    first = len(read)
    assert check_corpus(root, content=True, corpus="own").findings.empty
    assert first <= 4 + 4 and sorted(set(read)) == [f"kitchen_0{n}.wav" for n in range(4)]
    assert len(check_corpus(root, content=True, corpus="own").clips.dropna(subset=["rms"])) == 4
    assert len(read) <= first + 4
    write_sound(audio(root, "own_val", "kitchen_02"), 9.9)
    check_corpus(root, content=True, corpus="own")
    assert read[-1] == "kitchen_02.wav"


def test_sets_of_about_the_published_size_are_compared_with_the_published_ones(sound, tmp_path, monkeypatch):
    root = tmp_path / "root"
    shutil.copytree(sound, root, copy_function=os.link)
    for name, count in (("strong_train", 8), ("devtest", 5), ("synth_train", 10_000)):
        monkeypatch.setitem(SUBSETS, name, replace(SUBSETS[name], published_count=count))
    (root / str(SUBSETS["strong_train"].exclude)).unlink()
    found = {(f.severity, f.subset, f.kind): f for f in check_corpus(root, corpus="desed").found}
    assert set(found) == {
        ("error", "strong_train", "no exclusion list"),
        ("warning", "strong_train", "another size"),
        ("note", "devtest", "table"),
    }
    assert "sedlab data desed exclude" in found["error", "strong_train", "no exclusion list"].remedy
    # What is generated is compared with nothing, and lists may be off.
    assert check_corpus(root, DataConfig(mini=MiniConfig()), corpus="desed").findings.empty
    kinds = set(check_corpus(root, DataConfig(exclude_overlapping=False), corpus="desed").findings["kind"])
    assert "no exclusion list" not in kinds


def test_lists_that_are_off_leave_their_clips_in_training(sound, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(sound, root, copy_function=os.link)
    path = root / str(SUBSETS["strong_train"].exclude)
    path.unlink()
    path.write_text(f"filename\n{clip(10)}.wav\n")
    on, off = (check_corpus(root, DataConfig(exclude_overlapping=state), corpus="desed") for state in (True, False))
    assert on.findings.empty and on.sets.set_index("subset")["left_out"]["strong_train"] == 1
    assert list(off.findings["kind"]) == ["not excluded"] and not off.is_sound


def test_the_published_tables_are_known_by_their_digest(sound, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(sound, root, copy_function=os.link)
    path = root / str(SUBSETS["weak_train"].table)
    path.unlink()
    shutil.copy(Path(__file__).parents[1] / "corpora" / "real" / "weak.tsv", path)
    found = check_corpus(root, corpus="desed")
    sets = found.sets.set_index("subset")
    assert sets["table"]["weak_train"] == "published" and sets["table"]["devtest"] == "other version"
    assert (sets["named"]["weak_train"], sets["named"]["weak_val"]) == (1420, 158)
    (none,) = found.findings.query("set == 'weak_train' and kind == 'no clips'").itertuples()
    assert none.remedy == f"sedlab data desed youtube --root {root}, then sedlab data desed prepare --root {root}"


def test_a_split_may_leave_nothing_and_a_table_may_not_be_empty(sound, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(sound, root, copy_function=os.link)
    table = root / str(SUBSETS["weak_train"].table)
    head, first, *_ = table.read_text().splitlines(keepends=True)
    table.unlink()
    table.write_text(head + first)
    assert set(check_corpus(root, corpus="desed").findings["kind"]) == {"not named"}
    table.write_text(head)
    assert "unreadable table" in set(check_corpus(root, corpus="desed").findings.query("severity == 'error'")["kind"])


def test_what_the_readers_understand_is_no_fault(sound, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(sound, root, copy_function=os.link)
    strong, devtest = SUBSETS["strong_train"], SUBSETS["devtest"]
    table, name = root / str(strong.table), clip(10)
    durations = root / str(devtest.durations)
    for path, text in ((table, table.read_text().replace("Speech", "speech")), (durations, durations.read_text())):
        packed = gzip.compress(text.encode())
        path.unlink()
        path.with_name(f"{path.name}.gz").write_bytes(packed)
    other = video_span(name)
    spelt = f"{other.video_id}_{other.start:g}_{other.end:g}"
    audio(root, "strong_train", name).rename(audio(root, "strong_train", spelt))
    exclude = root / str(strong.exclude)
    exclude.unlink()
    exclude.write_text(f"filename\n{spelt}.wav\n")
    found = check_corpus(root, corpus="desed")
    assert set(found.findings["kind"]) == {"spelling"} and found.is_sound
    row = found.sets.set_index("subset").loc["strong_train"]
    assert (row["found"], row["left_out"], row["state"]) == (row["named"], 1, "")
    clips = load_corpus(root).subset("strong_train").clips
    assert len(clips) == row["found"] - row["left_out"]


@pytest.mark.parametrize("folder", ["maestro_original/audio", "MAESTRO_original/maestro_dev"])
def test_recordings_that_are_there_need_only_be_prepared(tmp_path, folder):
    subset = SUBSETS["maestro_dev"]
    assert how_to_get(tmp_path, subset) == "sedlab data maestro download, then sedlab data maestro prepare"
    (tmp_path / folder).mkdir(parents=True)
    assert how_to_get(tmp_path, subset) == "sedlab data maestro prepare"


def test_other_corpora_are_left_alone(sound):
    assert set(check_corpus(sound, corpus="maestro").sets["subset"]) == {"maestro_train", "maestro_val", "maestro_dev"}


def test_a_root_without_clips_is_an_error_and_no_root_another(tmp_path):
    (finding,) = check_corpus(tmp_path, corpus="audioset").found
    assert finding.severity == "error" and finding.remedy == f"sedlab data audioset download --root {tmp_path}"
    with pytest.raises(SedlabError, match="no such data folder"):
        check_corpus(tmp_path / "nothing")
