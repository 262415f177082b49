"""`sedlab data import`: from recordings and labels to a corpus that is read, with no more work than is needed."""

import json
import os

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from sedlab.cli import app
from sedlab.data.corpora.load import load_corpus
from sedlab.data.importing import cutting
from sedlab.data.importing.corpus import import_corpus
from sedlab.data.importing.record import ImportOptions
from sedlab.errors import SedlabError

RATE = 8_000
EVENTS = [(1.0, 2.0, "bark"), (9.0, 11.0, "wind"), (14.9, 15.05, "bark"), (20.0, 21.5, "bark")]


def recording(path, seconds=24.0, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.1, 0.1, (round(seconds * RATE), 2)), RATE)


def track(path, events=EVENTS):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{a}\t{b}\t{label}\n" for a, b, label in events))


@pytest.fixture
def project(tmp_path):
    """Return a folder with six recordings in two folders, and labels of five of them and of one that is not there."""
    for i in range(6):
        recording(tmp_path / f"rec/{'ab'[i % 2]}/r{i}.wav", seed=i)
    for i in range(5):
        track(tmp_path / f"labels/{'ab'[i % 2]}/r{i}.txt")
    track(tmp_path / "labels/a/lost.txt")
    return tmp_path


def options(project, **changes):
    return ImportOptions(folder=project / "rec", labels=(project / "labels",), **changes)


def files(root):
    return {
        str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted((root / "own").rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_the_corpus_has_the_events_where_they_were(project):
    imported = import_corpus(project / "root", options(project))
    told = " ".join(imported.notes)
    assert "1 label name has no recording: a/lost" in told and "1 recording has no labels: b/r5.wav" in told
    corpus = load_corpus(project / "root")
    assert corpus.classes == ("bark", "wind") and set(corpus.subsets) == {"own_train", "own_val", "own_test"}
    test = corpus.subset("own_test")
    assert len(test) == 3 and test.clips["duration"].sum() == pytest.approx(24.0)
    # Clips that do not overlap end between events: each is there once, at its place.
    starts = test.clips["duration"].cumsum() - test.clips["duration"]
    begin = dict(zip(test.clips["clip_id"], starts, strict=True))
    found = [(e.onset + begin[e.clip_id], e.offset + begin[e.clip_id], e.label) for e in test.events.itertuples()]
    assert [(round(a, 6), round(b, 6), label) for a, b, label in found] == EVENTS
    train = corpus.subset("own_train")
    per_recording = train.clips.groupby(train.clips["clip_id"].str.rsplit("-", n=2).str[0])["clip_id"].agg(list)
    assert per_recording.iloc[0][0].endswith("-000000-001000") and len(per_recording.iloc[0]) == 4
    # 14.9 to 15.05 s: the clip from 15 s on has too little of it.
    late = train.events[train.events["clip_id"] == per_recording.iloc[0][-1]]
    assert late[late["label"] == "bark"][["onset", "offset"]].round(6).values.tolist() == [[0.9, 1.05], [6.0, 7.5]]
    samples, rate = soundfile.read(project / "root" / test.clips["audio"].iloc[0])
    assert rate == 16_000 and samples.ndim == 1


def test_a_second_import_does_nothing_and_a_change_no_more_than_it_says(project):
    root = project / "root"
    import_corpus(root, options(project))
    before = files(root)
    again = import_corpus(root, options(project))
    assert not again.changed and again.num_cut == 0 and files(root) == before

    rows = [line.split("\t") for line in before["own/clips.tsv"][1].decode().splitlines()]
    train = next(row[2] for row in rows if row[0] == "own_train")
    track(project / "labels" / train.replace(".wav", ".txt"), [*EVENTS, (22.0, 23.0, "wind")])
    assert import_corpus(root, options(project)).num_cut == 0
    after = files(root)
    assert {name for name in after if after[name] != before[name]} == {"own/train.tsv"}

    recording(project / "rec" / train, 14.0, seed=9)
    assert import_corpus(root, options(project)).num_cut == 1
    clips = {name for name in files(root) if name.endswith(".wav")}
    stem = train.replace("/", "__").removesuffix(".wav")
    assert clips - {name for name in before if stem not in name} == {
        f"own/audio/train_16k/{stem}-000000-001000.wav",
        f"own/audio/train_16k/{stem}-000400-001400.wav",
    }
    # A new recording joins; none of the others changes sides.
    track(project / "labels/b/r5.txt")
    sides = {row[1]: row[0] for row in import_corpus(root, options(project)).clips[["part", "recording"]].values}
    assert sides.keys() > {"a/r0.wav", "b/r5.wav"}
    assert all(f"own_{sides[row[2]]}" == row[0] for row in rows[1:])


def test_an_interrupted_import_goes_on(project, monkeypatch):
    root, cut, done = project / "root", cutting.cut, []

    def stop_after_three(root, one):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(one.recording)
        return cut(root, one)

    monkeypatch.setattr(cutting, "NUM_THREADS", 1)
    monkeypatch.setattr(cutting, "cut", stop_after_three)
    with pytest.raises(KeyboardInterrupt):
        import_corpus(root, options(project))
    assert not list(root.glob("own/*_durations.tsv")) and not (root / "own/train.tsv").exists()
    monkeypatch.setattr(cutting, "cut", cut)
    assert import_corpus(root, options(project)).num_cut == 2
    whole = import_corpus(project / "other", options(project))
    assert whole.num_cut == 5
    ours, theirs = files(root), files(project / "other")
    assert {name: data for name, (_, data) in ours.items()} == {name: data for name, (_, data) in theirs.items()}


def test_weak_labels_and_unlabelled_recordings_train_only(project):
    recording(project / "weak/short.wav", 6.0)
    recording(project / "weak/long.wav", 20.0)
    for path in (project / "weak").iterdir():
        path.rename(project / "rec" / path.name)
    (project / "weak.csv").write_text("file,labels\nshort.wav,bark;wind\nlong.wav,bark\n")
    given = options(project).model_copy(update={"unlabeled": (project / "rec",)})
    given = given.model_copy(update={"labels": (project / "labels", project / "weak.csv")})
    imported = import_corpus(project / "root", given)
    assert any("1 recording is longer than a clip" in note and "long.wav" in note for note in imported.notes)
    corpus = load_corpus(project / "root")
    assert corpus.subset("own_weak").events["label"].tolist() == ["bark", "wind"]
    assert corpus.subset("own_weak").clips["clip_id"].tolist() == ["short"]
    unlabeled = set(corpus.subset("own_unlabeled").clips["clip_id"].str.split("-").str[0])
    assert unlabeled == {"b__r5", "long"}  # what has labels is not unlabelled, too


def test_labels_without_times_of_long_recordings_alone_are_refused(project):
    table = project / "all.csv"
    table.write_text("recording,t0,t1,species\nr0.wav,1,2,dog\n")
    with pytest.raises(SedlabError, match=r"no clip can be made.*--column onset=NAME"):
        import_corpus(project / "root", ImportOptions(folder=project / "rec", labels=(table,)))
    assert not (project / "root" / "own").exists()


def test_classes_are_chosen_renamed_and_counted(project):
    (project / "classes.txt").write_text("wind\ndog\nnever\n")
    chosen = import_corpus(project / "root", options(project, classes=project / "classes.txt", rename={"bark": "dog"}))
    assert chosen.classes == ("wind", "dog", "never")
    assert load_corpus(project / "root").classes == ("wind", "dog", "never")
    track(project / "labels/a/r0.txt", [*EVENTS, (3.0, 4.0, "cough")])
    rare = import_corpus(project / "root", options(project, min_events=2))
    assert rare.classes == ("bark", "wind") and "left out: cough (1)" in rare.notes
    with pytest.raises(SedlabError, match=r"--rename barc=.*Did you mean 'bark'"):
        import_corpus(project / "root", options(project, rename={"barc": "dog"}))


def test_splits_by_folders_column_and_list(project):
    for i, part in enumerate(("train", "train", "valid", "test")):
        recording(project / f"sorted/{part}/s{i}.wav")
        track(project / f"sorted/{part}/s{i}.txt")
    by_folders = import_corpus(project / "one", ImportOptions(folder=project / "sorted", labels=(project / "sorted",)))
    sides = dict(by_folders.clips[["recording", "part"]].values)
    assert sides == {"train/s0.wav": "train", "train/s1.wav": "train", "valid/s2.wav": "val", "test/s3.wav": "test"}
    table = project / "all.csv"
    table.write_text(
        "file,start,end,label,fold\n" + "".join(f"r{i}.wav,1,2,x,{'test' if i else 'train'}\n" for i in (0, 2))
    )
    by_column = import_corpus(
        project / "two", ImportOptions(folder=project / "rec", labels=(table,), split_column="fold")
    )
    assert dict(by_column.clips[["recording", "part"]].values) == {"a/r0.wav": "train", "a/r2.wav": "test"}
    (project / "list.tsv").write_text("filename\tsplit\nr0\ttest\nr2.wav\ttrain\n")
    by_list = ImportOptions(folder=project / "rec", labels=(table,), split=str(project / "list.tsv"))
    assert dict(import_corpus(project / "three", by_list).clips[["recording", "part"]].values)["a/r0.wav"] == "test"


def test_nothing_is_taken_beyond_what_was_annotated(project):
    (project / "labels/a/r0.txt").write_text("")
    imported = import_corpus(project / "root", options(project, annotated_until="last"))
    seconds = imported.clips[imported.clips["part"] != "train"].groupby("recording")["seconds"].sum()
    assert seconds.tolist() == [21.5] * len(seconds) and "a/r0.wav" not in set(imported.clips["recording"])


def test_ambiguous_and_unknown_names_are_told(project):
    recording(project / "rec/b/r0.wav")
    (project / "one.csv").write_text("file,start,end,label\nr0.wav,1,2,x\n")
    with pytest.raises(SedlabError, match=r"'r0.wav' in the labels may mean 'a/r0.wav' or 'b/r0.wav'"):
        import_corpus(project / "root", ImportOptions(folder=project / "rec", labels=(project / "one.csv",)))
    (project / "one.csv").write_text("file,start,end,label\nq.wav,1,2,x\n")
    with pytest.raises(SedlabError, match=r"none of 1 names in the labels \(first: 'q.wav'\) is one of 7 recordings"):
        import_corpus(project / "root", ImportOptions(folder=project / "rec", labels=(project / "one.csv",)))
    assert not (project / "root").exists()


def test_the_command_tells_repeats_and_refuses_to_mix(project, monkeypatch):
    monkeypatch.chdir(project)

    def sedlab(*words):
        return CliRunner().invoke(app, ["data", "import", *words])

    done = sedlab("rec", "--labels", "labels", "--root", "root", "--annotated-until", "12")
    assert done.exit_code == 0, done.output
    assert "sedlab run own --set data.root=root" in done.output and "6 label tracks of Audacity" in done.output
    assert json.loads((project / "root/own/import.json").read_text())["options"]["annotated_until"] == 12.0
    os.chdir("/")
    again = sedlab("--again", "--root", str(project / "root"))
    assert again.exit_code == 0 and "nothing has changed" in again.output
    recording(project / "other/x.wav")
    (project / "x.csv").write_text("file,start,end,label\nx.wav,1,2,x\n")
    other = (str(project / "other"), "--labels", str(project / "x.csv"), "--root", str(project / "root"))
    refused = sedlab(*other)
    assert isinstance(refused.exception, SedlabError) and "--replace" in str(refused.exception)
    assert sedlab(*other, "--replace").exit_code == 0
    assert load_corpus(project / "root").classes == ("x",)
    (project / "hand/own").mkdir(parents=True)
    (project / "hand/own/train.tsv").write_text("mine\n")
    by_hand = sedlab(*other[:3], "--root", str(project / "hand"), "--replace")
    assert "which no import has made" in str(by_hand.exception)
    assert sedlab("--labels", "x.csv").exit_code == 2
